"""The command that says what images show."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from elmyr.cli.options import Average, DataRoot, Device, Fit, Quiet, computing, of_channels
from elmyr.cli.show import say


class Prepare(StrEnum):
    """How an image is brought into the form that a recognizer takes."""

    model = "model"
    digit = "digit"


@computing
def predict(
    run: Annotated[
        str,
        typer.Argument(metavar="RUN", help="The run of a recognizer, a study, a saved folder, or latest."),
    ],
    paths: Annotated[
        list[str],
        typer.Argument(metavar="PATH", help="Images, folders, globs, - for a list on stdin, or a known name."),
    ],
    out: Annotated[Path | None, typer.Option(help="A .csv or .jsonl file instead of a table.")] = None,
    least: Annotated[
        float,
        typer.Option(help="Below this probability no class is given: unsure.", min=0.0, max=1.0, show_default=False),
    ] = 0.0,
    top: Annotated[
        int, typer.Option(help="Name so many classes, the most likely first (default: all).", min=0, show_default=False)
    ] = 0,
    average: Average = 1,
    prepare: Annotated[
        Prepare, typer.Option(help="As the images of the training, or cut out and centered as MNIST's digits.")
    ] = Prepare.model,
    fit: Annotated[Fit | None, typer.Option(help="Where proportions differ (default: as in training).")] = None,
    value_range: Annotated[
        str | None,
        typer.Option("--range", metavar="LOW:HIGH", help="The black and the white value (default: as in training)."),
    ] = None,
    classes: Annotated[str | None, typer.Option(metavar="A,B,…", help="For data sets: only these classes.")] = None,
    limit: Annotated[int | None, typer.Option(help="For data sets: at most so many images.", min=1)] = None,
    size: Annotated[str | None, typer.Option(hidden=True)] = None,
    channels: Annotated[int | None, typer.Option(hidden=True, min=1, max=3)] = None,
    bom: Annotated[bool, typer.Option("--bom", help="Mark the .csv file as UTF-8, as spreadsheets ask for.")] = False,
    device: Device = "auto",
    data_root: DataRoot = None,
    quiet: Quiet = False,
    as_json: Annotated[bool, typer.Option("--json", help="JSON lines on stdout: one object per image.")] = False,
) -> None:
    """Predict what images show: the class and probability of each file, or why it cannot be read."""
    from elmyr.images import Shaping, parse_names, parse_range, parse_size
    from elmyr.tasks.recognition.predicting.given import given_by
    from elmyr.tasks.recognition.predicting.prediction_rows import (
        CsvRows,
        JsonRows,
        TableRows,
        require_rows,
        write_predictions,
    )
    from elmyr.tasks.recognition.predicting.predictions import predictions
    from elmyr.tasks.recognition.predicting.trained import open_trained

    require_rows(out, bom=bom)
    trained = replace(open_trained(run, device=device), views=average).preparing(
        fit=None if fit is None else fit.value,
        values=None if value_range is None else parse_range(value_range),
        size=None if size is None else parse_size(size),
        channels=of_channels(channels),
    )
    given = given_by(
        paths,
        read_list=sys.stdin.buffer.read,
        data_root=data_root,
        shaping=Shaping(classes=parse_names(classes) if classes else (), limit=limit),
    )
    read = predictions(trained, given, prepare=prepare.value, least=least)
    names = [name for images in given for name in images.names]
    with ExitStack() as stack:
        sinks = [] if out is None else [stack.enter_context(_file(out, trained.names, top, bom))]
        if as_json:
            sinks.append(JsonRows(sys.stdout, trained.names, top))
        elif out is None and sys.stdout.isatty():
            sinks.append(TableRows(sys.stdout, trained.names, top, names=names))
        elif out is None:
            sinks.append(CsvRows(sys.stdout, trained.names, top))
        tally = write_predictions(read, sinks)
    if not quiet:
        passed_over = ", ".join(images.passed_over for images in given if images.passed_over)
        say(tally.told() + (f"; passed over: {passed_over}" if passed_over else ""))
    if tally.unreadable == tally.images:
        raise typer.Exit(1)


@contextmanager
def _file(out: Path, names: Any, top: int, bom: bool) -> Iterator[Any]:
    """The rows of a file that is there when all of them are."""
    from elmyr.core.files import replacing
    from elmyr.tasks.recognition.predicting.prediction_rows import ROWS

    with (
        replacing(out) as beside,
        beside.open("w", encoding="utf-8-sig" if bom else "utf-8", newline="") as file,
    ):
        yield ROWS[out.suffix.lower()](file, names, top)
