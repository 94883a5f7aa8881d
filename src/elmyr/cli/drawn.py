"""The commands that draw: walks between generated images, and the curves of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from elmyr.cli.options import AsJson, Checkpoint, Device, Precision, Quiet, Run, computing
from elmyr.cli.show import say, show_json


@computing
def interpolate(
    run: Run,
    from_class: Annotated[
        str | None, typer.Option("--from", metavar="CLASS", help="The class at the start: its name or number.")
    ] = None,
    to_class: Annotated[str | None, typer.Option("--to", metavar="CLASS", help="The class at the end.")] = None,
    from_seed: Annotated[int, typer.Option(help="The seed of the first row's first image.", min=0)] = 0,
    to_seed: Annotated[
        int | None, typer.Option(help="The seed of its last image (default: the same between two classes).", min=0)
    ] = None,
    steps: Annotated[
        int | None, typer.Option(help="Images in a row, both ends included (default: 9; of a .gif 40).", min=2)
    ] = None,
    rows: Annotated[int, typer.Option(help="Number of rows, each from its own seed.", min=1)] = 4,
    out: Annotated[Path, typer.Option(help="A .png strip, or a .gif that moves there and back.")] = Path("strip.png"),
    checkpoint: Checkpoint = None,
    device: Device = "auto",
    precision: Precision = "auto",
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Interpolate between two generated images: between classes, seeds, or both."""
    from elmyr.tasks.gan import open_gan
    from elmyr.tasks.gan.editing import STEPS, check_filmstrip, save_filmstrip, walks

    check_filmstrip(out)
    gan = open_gan(run, checkpoint=checkpoint, device=device, precision=precision)
    number = steps or STEPS[out.suffix.lower()]
    images = walks(
        gan,
        from_class=from_class,
        to_class=to_class,
        from_seed=from_seed,
        to_seed=to_seed,
        rows=rows,
        steps=number,
    )
    save_filmstrip(images, out)
    if as_json:
        show_json({"out": str(out), "rows": rows, "steps": number})
    elif not quiet:
        say(f"{rows} rows of {number} images: {out}")


def plot(
    run: Run,
    out: Annotated[Path | None, typer.Option(help="A .png or .svg picture (default: curves.png in the run).")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All that was logged, such as learning rates.")] = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Draw the curves of a run: losses, logits and figures over the training images processed."""
    from elmyr.engine import open_run
    from elmyr.report.charts.plot import plot_run
    from elmyr.tasks.gan.collapse import collapse_of

    opened = open_run(run)
    place = out or opened.path / "curves.png"
    titles = plot_run(opened, place, everything=everything)
    if as_json:
        show_json({"out": str(place), "curves": titles})
    elif not quiet:
        say(f"{len(titles)} charts: {place}")
        if (collapse := collapse_of(opened)) is not None:
            say(collapse.sentence)
