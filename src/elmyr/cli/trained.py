"""What every training command has: the same options, a dry run, and what is shown at the end."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from elmyr.cli.options import (
    AsJson,
    DataRoot,
    Device,
    KeepGoing,
    Out,
    Precision,
    Quiet,
    Seed,
    Threads,
    Track,
    image_count,
    shaped,
    spread,
)
from elmyr.cli.show import hush, say, show_json, show_table, show_trained

if TYPE_CHECKING:
    from elmyr.engine.spec import Asked, RunOptions


@dataclass(frozen=True)
class Training:
    """What was asked for, how to go about it, and whether only to show it."""

    asked: Asked
    options: RunOptions
    dry_run: bool
    as_json: bool


def _options(
    images: Annotated[str | None, typer.Option(help="Budget in images seen, such as 200k.")] = None,
    minutes: Annotated[
        str | None, typer.Option(help="Budget in minutes (instead of --images), such as 90 or 1h30m.")
    ] = None,
    seed: Seed = 0,
    settings: Annotated[
        list[str],
        typer.Option("--set", metavar="NAME=VALUE", help="Change a setting, such as batch=32; all: --dry-run --json."),
    ] = [],  # noqa: B006  # typer copies it
    start_from: Annotated[
        str | None,
        typer.Option("--from", metavar="RUN", help="Begin with the weights of this run, of the same kind of networks."),
    ] = None,
    out: Out = None,
    shaping: Any = None,
    data_root: DataRoot = None,
    device: Device = "auto",
    precision: Precision = "auto",
    deterministic: Annotated[
        bool, typer.Option("--deterministic", help="The same bits on any number of threads, at the speed of one.")
    ] = False,
    threads: Threads = "auto",
    keep_going: KeepGoing = False,
    track: Track = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the settings and the estimated time, and stop.")
    ] = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> Training:
    from elmyr.core.amounts import minutes_of
    from elmyr.engine.spec import Asked, RunOptions

    asked = Asked(
        image_count(images),
        minutes_of(minutes, "--minutes"),
        seed,
        settings,
        device,
        precision,
        data_root,
        shaping,
        deterministic,
        start_from,
        threads,
    )
    return Training(asked, RunOptions(out, keep_going, track, quiet, hush if quiet else say), dry_run, as_json)


def trained(command: Callable[..., None]) -> Callable[..., None]:
    """A command that takes a `training: Training` with the options for it in that place."""
    return shaped(spread(command, "training", _options))


def carry_out(kind: str, ask: Any, training: Training) -> None:
    """Trains, or shows what would be trained; under torchrun the first process speaks for all."""
    from elmyr.engine.dry_run import rehearse
    from elmyr.engine.run import train
    from elmyr.engine.saving.run_directory import refuse_taken
    from elmyr.engine.tasks import TASKS

    spec, options = TASKS[kind], training.options
    if training.dry_run:
        if options.out is not None:
            refuse_taken(options.out)
        _show_rehearsal(rehearse(spec, ask), training.as_json)
        return
    show_run(train(spec, ask, options), quiet=options.quiet, as_json=training.as_json)


def show_run(run: Any, *, quiet: bool, as_json: bool) -> None:
    """A finished run, its report written, and what may follow."""
    from elmyr.engine.tasks import spec_of

    if "TORCHELASTIC_RUN_ID" in os.environ and os.environ["RANK"] != "0":
        return
    show_trained(run, *spec_of(run).following(run), quiet=quiet, as_json=as_json)


def _show_rehearsal(rehearsal: Any, as_json: bool) -> None:
    if as_json:
        show_json(rehearsal.as_json())
        return
    from elmyr.engine.progress import told

    config = rehearsal.config
    for data in config.sources.values():
        print(f"{data.name}: {data.images:,} training images")
    for net, cost in rehearsal.costs.items():
        print(f"{net}: {cost.parameters:,} weights, {cost.flops / 1e6:,.1f} MFLOP per image")
    print(
        f"budget: {config.loop.images:,} images seen at {rehearsal.images_per_second:,.0f} images/s "
        f"({config.precision} on {config.device}), about {told(60 * rehearsal.minutes)}"
    )
    if rehearsal.resolved:
        print()
        rows = [[choice.name, str(choice.value), choice.words] for choice in rehearsal.resolved]
        show_table([["automatic", "is", "by the rule"], *rows])
