"""The command that finds what moves a GAN's images in a known way."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from elmyr.cli.options import AsJson, Device, Precision, Quiet, Run, computing
from elmyr.cli.show import hush, say, show_json


@computing
def directions(
    run: Run,
    by: Annotated[
        list[str] | None,
        typer.Option(
            metavar="WAY,WAY",
            help="thickness, slant, brightness, contrast, saturation, pca, sefa, value (default: all); or a .csv.",
        ),
    ] = None,
    recognizer: Annotated[
        Path | None, typer.Option(metavar="RUN", help="A recognizer that says whether the class stays.")
    ] = None,
    count: Annotated[
        int, typer.Option("-n", "--count", help="How many samples are learned from, at least 256.", min=1)
    ] = 40_000,
    judged: Annotated[int, typer.Option(help="How many others are measured, by four amounts each.", min=2)] = 500,
    seed: Annotated[int, typer.Option(help="Which samples.", min=0)] = 0,
    device: Device = "auto",
    precision: Precision = "auto",
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Find what makes generated images thicker, more slanted, brighter …, measure it, and keep it with the run."""
    from elmyr.tasks.gan import open_gan
    from elmyr.tasks.gan.directions import find_directions, keep_directions, told_of_directions
    from elmyr.tasks.recognition import open_recognizer

    gan = open_gan(run, device=device, precision=precision)
    reader = None if recognizer is None else open_recognizer(recognizer, device=device)
    ways = [way.strip() for word in by or () for way in word.split(",") if way.strip()]
    found = find_directions(
        gan, ways, recognizer=reader, count=count, judged=judged, seed=seed, say=hush if quiet else say
    )
    picture = keep_directions(gan, found, seed=seed)
    if as_json:
        show_json({"picture": str(picture), "directions": found.as_json()})
        return
    for line in told_of_directions(found):
        print(line)
    if not quiet:
        say(f"row by row, from -2 to 2: {picture}")
        say(f"next:  elmyr sample {gan.path} --move {found.names[0]}=1.5 --out moved.png")
