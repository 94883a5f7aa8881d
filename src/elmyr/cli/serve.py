"""The command that serves models and runs: the workbench's page, and the API."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from elmyr.cli.options import DataRoot, Device, Precision, Quiet, Threads
from elmyr.cli.show import hush, say

SHORTEST_TOKEN = 16


def serve(
    models: Annotated[
        list[str] | None,
        typer.Argument(metavar="[RUN|FOLDER …]", help="Finished runs, latest, or saved models; NAME=PATH names one."),
    ] = None,
    runs: Annotated[Path, typer.Option(help="The folder whose runs are shown.")] = Path("runs"),
    host: Annotated[str, typer.Option(help="Address to listen on; all but this machine need a token.")] = ("127.0.0.1"),
    port: Annotated[int, typer.Option(help="The port; 0 for any.")] = 8322,
    next_port: Annotated[bool, typer.Option("--next-port", help="Take the next free one where it is in use.")] = False,
    token: Annotated[
        str | None, typer.Option(help="Token that every request must send.", envvar="ELMYR_TOKEN", show_envvar=True)
    ] = None,
    memory: Annotated[float, typer.Option(help="Megabytes of models kept in memory.", min=1)] = 2048,
    device: Device = "auto",
    threads: Threads = "auto",
    precision: Precision = "auto",
    data_root: DataRoot = None,
    quiet: Quiet = False,
) -> None:
    """Draw and recognize, generate, repair, translate, compare and watch: a page and an HTTP API, until Ctrl-C."""
    from elmyr.core.errors import InputError
    from elmyr.core.thread_counts import asked_threads

    try:
        from elmyr.serving.catalog import WorkerOptions, find_served
        from elmyr.serving.http.service import Service
        from elmyr.serving.http.start import address_of, is_loopback, listening, port_of, serve_until_stopped
        from elmyr.serving.http.workbench_app import workbench_app
        from elmyr.serving.runs import Runs
        from elmyr.serving.worker.supervisor import Supervisor
    except ImportError as error:
        raise InputError(f"elmyr serve needs {error.name}: pip install 'elmyr[serve]'") from None
    tell = hush if quiet else say
    if token is None and not is_loopback(host):
        raise InputError(
            f"--host {host} opens this to others: set ELMYR_TOKEN (or --token) to what they must show, at least "
            f"{SHORTEST_TOKEN} signs"
        )
    if token is not None and (len(token) < SHORTEST_TOKEN or not (token.isascii() and token.isprintable())):
        raise InputError(f"the token is {len(token)} signs: at least {SHORTEST_TOKEN}, all of them printable ASCII")
    served = find_served(models or [])
    root = None if data_root is None else str(data_root)
    options = WorkerOptions(served, memory, device, precision, root, asked_threads(threads))
    with listening(port, next_free=next_port, host=host) as listener:
        service = Service(served, Supervisor([options.as_word()], tell), Runs(runs))
        app = workbench_app(
            service, port=port_of(listener), host=listener.getsockname()[0], token=token, logs=not quiet
        )
        what = ", ".join(f"{model.name} ({model.kind})" for model in served) or "no model, so runs alone"
        where = "on this machine alone" if is_loopback(host) else "also for others"
        asks = "" if token is None else ", with the token (/?token=… in a browser)"
        tell(f"elmyr, {where}{asks}: {address_of(listener)}")
        tell(f"serves {what}; Ctrl-C ends it")
        serve_until_stopped(app, listener, at_stop=service.stopping.set)
