"""The `elmyr` program: its commands, and how it ends."""

from __future__ import annotations

import os
import signal
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Annotated, Any

import typer

from elmyr import __version__
from elmyr.cli import INTERRUPTED, commands, drawn, evidence, runs
from elmyr.cli.composed.articles import articles
from elmyr.cli.composed.export import export
from elmyr.cli.composed.sweep import sweep
from elmyr.cli.control.directions import directions
from elmyr.cli.control.edit import counterfactual, edit
from elmyr.cli.control.explain import explain
from elmyr.cli.data import data
from elmyr.cli.helping.guesses import corrected, unquoted
from elmyr.cli.helping.helped import Commands
from elmyr.cli.own_tasks import add_own_tasks
from elmyr.cli.predict import predict
from elmyr.cli.recognizer import recognizer
from elmyr.cli.restorer import restorer
from elmyr.cli.serve import serve
from elmyr.cli.show import Warned, show_error
from elmyr.cli.study import study
from elmyr.cli.translator import translator
from elmyr.core.errors import ElmyrError, InputError, InterruptedRun
from elmyr.core.plugins import failing_in, load_all

# What typer raises for wrong words; the class is click's, which newer versions carry inside them.
USAGE_ERROR: Any = typer.BadParameter.__bases__[0]

HELP = {"--help", "-h", "--version", "-V"}
SECOND_NAMES = {"generate": "sample"}

app = Commands(
    help="Train a GAN on your images, see how good it is, and learn whether it makes your recognizer better.",
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(f"elmyr {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", "-V", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
    plugin: Annotated[
        list[str] | None,
        typer.Option(metavar="FILE", help="A Python file with parts of your own; may be given several times."),
    ] = None,
) -> None:
    pass


app.command("study")(study)
app.command("articles")(articles)
app.command("train")(runs.train)
app.command("sweep")(sweep)
app.command("resume")(runs.resume)
app.command("repeat")(runs.repeat)
app.command("predict")(predict)
app.command("explain")(explain)
app.command("sample")(runs.sample)
app.command("interpolate")(drawn.interpolate)
app.command("directions")(directions)
app.command("edit")(edit)
app.command("counterfactual")(counterfactual)
app.command("plot")(drawn.plot)
app.command("evaluate")(commands.evaluate)
app.command("compare")(commands.compare)
app.command("survey")(evidence.survey)
app.command("report")(evidence.report)
app.command("export")(export)
app.command("serve")(serve)
app.command("presets")(commands.presets)
app.command("doctor")(commands.doctor)
app.add_typer(recognizer, name="recognizer", rich_help_panel=None)
app.add_typer(restorer, name="restorer", rich_help_panel=None)
app.add_typer(translator, name="translator", rich_help_panel=None)
app.add_typer(data, name="data", rich_help_panel=None)


def _terminate(number: int, frame: FrameType | None) -> None:
    raise InterruptedRun("terminated", signal_number=number)


def _with_plugins(arguments: list[str]) -> list[str]:
    """The words without `--plugin FILE`, which may stand anywhere; the plug-ins are loaded, for help those named."""
    words, files, left = iter(arguments), list[str](), list[str]()
    for word in words:
        option, equals, value = word.partition("=")
        if option != "--plugin":
            left.append(word)
        elif file := value if equals else next(words, ""):
            files.append(file)
        else:
            raise InputError("--plugin takes a file: --plugin my.py")
    if files or not HELP.intersection(left):
        load_all(files)
        add_own_tasks(app)
    return left or ["--help"]


@contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """Inside, SIGTERM ends the work in good order; afterwards it does not disturb what is said of the end."""
    signal.signal(signal.SIGTERM, _terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)


def main() -> None:
    """Runs the program; ends the process with the documented exit code."""
    status = _status()
    if "TORCHELASTIC_RUN_ID" in os.environ:
        # One of several processes under torchrun: torch 2.13's gloo threads now and then abort one that is being taken
        # down, and the group with it. Everything is written by now.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    sys.exit(status)


def _status() -> int:
    debug = "--debug" in sys.argv
    arguments = [word for word in sys.argv[1:] if word != "--debug"] or ["--help"]
    arguments[0] = SECOND_NAMES.get(arguments[0], arguments[0])
    warnings.showwarning = Warned()
    try:
        with _ended_by_sigterm():
            arguments = _with_plugins(arguments)
            status = app(arguments, prog_name="elmyr", standalone_mode=False)
        if status == INTERRUPTED:  # what typer makes of Ctrl-C, without a word
            show_error("stopped")
        return int(status or 0)
    except USAGE_ERROR as error:
        told = f"{error.format_message()} (see: {error.ctx.command_path if error.ctx else 'elmyr'} --help)"
        show_error(unquoted(arguments) or corrected(typer.main.get_command(app), arguments) or told)
        return 2
    except ElmyrError as error:
        if debug:
            raise
        show_error((unquoted(arguments) if isinstance(error, InputError) else None) or str(error))
        return error.exit_code
    except KeyboardInterrupt:  # while plug-ins are loaded; typer's own is the status above
        show_error("stopped")
        return INTERRUPTED
    except OSError as error:
        if debug:
            raise
        show_error(str(error))
        return 1
    except Exception as error:
        if debug:
            raise
        where = failing_in(error)
        whose = "this is a defect of elmyr" if where is None else where
        show_error(f"{type(error).__name__}: {error} ({whose}; --debug shows where)")
        return 1 if where is None else InputError.exit_code
