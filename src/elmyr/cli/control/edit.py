"""The commands about images of people's own and what a GAN makes of them: edited, and read as another class."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from elmyr.cli.options import AsJson, DataRoot, Device, Precision, Quiet, computing
from elmyr.cli.predict import Prepare
from elmyr.cli.show import say, show_json

Paths = Annotated[list[str], typer.Argument(metavar="PATH", help="Images, folders, globs, or a known name.")]
Prepared = Annotated[
    Prepare, typer.Option(help="As the images of the training, or cut out and centered as MNIST's digits.")
]
Limit = Annotated[int | None, typer.Option(help="For data sets: at most so many images.", min=1)]


def _formed(model: Any, paths: list[str], prepare: Prepare, limit: int | None, data_root: Any) -> Any:
    """The images that are given, in the form that a model takes."""
    from elmyr.images import Shaping
    from elmyr.tasks.recognition.predicting.formed import images_for
    from elmyr.tasks.recognition.predicting.given import given_by

    given = given_by(paths, read_list=sys.stdin.buffer.read, data_root=data_root, shaping=Shaping(limit=limit))
    return images_for(model, given, prepare.value)


@computing
def edit(
    run: Annotated[str, typer.Argument(metavar="RUN", help="The run of a GAN of such images, or latest.")],
    paths: Paths,
    move: Annotated[
        list[str],
        typer.Option(
            metavar="NAME=AMOUNT", help="Along a direction of the run (elmyr directions), as slant=-1; repeatable."
        ),
    ] = [],  # noqa: B006  # typer copies it
    label: Annotated[
        str | None,
        typer.Option(metavar="CLASS|all", help="As another class by the same hand; all: every one."),
    ] = None,
    of_class: Annotated[
        str | None,
        typer.Option("--from", metavar="CLASS", help="What they show (default: as labeled, else as read, else tried)."),
    ] = None,
    recognizer: Annotated[
        str | None, typer.Option(metavar="RUN", help="A recognizer that says whether the class stays.")
    ] = None,
    out: Annotated[
        Path, typer.Option(help="A .png picture with all steps; or the edited images: .npz, .parquet, .tar, a folder.")
    ] = Path("edited.png"),
    prepare: Prepared = Prepare.model,
    limit: Limit = None,
    seed: Annotated[int, typer.Option(help="Of the samples that the search begins at.", min=0)] = 0,
    device: Device = "auto",
    precision: Precision = "auto",
    data_root: DataRoot = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Edit images of your own: a GAN makes the nearest images, which are moved along directions or made as a class."""
    import numpy as np

    from elmyr.tasks.gan import open_gan
    from elmyr.tasks.gan.editing import check_edits, classes_shown, edits_of, find_latents, save_edits
    from elmyr.tasks.gan.sampling.moves import amounts_of
    from elmyr.tasks.recognition import open_recognizer

    amounts = amounts_of(move)
    check_edits(out)
    gan = open_gan(run, device=device, precision=precision)
    reader = None if recognizer is None else open_recognizer(recognizer, device=device)
    formed = _formed(gan, paths, prepare, limit, data_root)
    images, names = np.asarray(formed.pixels), formed.files
    shown = of_class or classes_shown(gan, images, formed.classes, reader)
    edits = edits_of(
        images, find_latents(gan, images, shown, seed=seed), move=amounts or None, label=label, recognizer=reader
    )
    legend = save_edits(edits, names, out)
    if as_json:
        show_json({"out": str(out), "images": edits.as_json(names)})
        return
    for line in edits.lines():
        print(line)
    if not quiet:
        say("\n".join([*(f"in the picture, {line}" for line in legend), f"image by image: {out}"]))


@computing
def counterfactual(
    run: Annotated[str, typer.Argument(metavar="RUN", help="The run of a recognizer, or latest.")],
    paths: Paths,
    gan: Annotated[str, typer.Option(metavar="RUN", help="A GAN of such images, which makes what is found.")],
    target: Annotated[
        str | None,
        typer.Option(metavar="CLASS", help="What to be read as (default: the nearest other class)."),
    ] = None,
    judge: Annotated[
        str | None, typer.Option(metavar="RUN", help="Another recognizer, that says whether it agrees.")
    ] = None,
    out: Annotated[
        Path,
        typer.Option(help="A .png picture; or what is found alone: .npz, .parquet, .tar, a folder."),
    ] = Path("counterfactual.png"),
    prepare: Prepared = Prepare.model,
    limit: Limit = None,
    seed: Annotated[int, typer.Option(help="Of the samples that the search begins at.", min=0)] = 0,
    device: Device = "auto",
    precision: Precision = "auto",
    data_root: DataRoot = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Show what would have to change for a recognizer to read images as another class."""
    from elmyr.images import check_writable
    from elmyr.tasks.gan import open_gan
    from elmyr.tasks.recognition import open_recognizer
    from elmyr.tasks.recognition.counterfactuals import (
        find_counterfactuals,
        judged,
        require_pair,
        save_counterfactuals,
    )

    check_writable(out)
    reader, makes = open_recognizer(run, device=device), open_gan(gan, device=device, precision=precision)
    require_pair(reader, makes)
    other = None if judge is None else open_recognizer(judge, device=device)
    images, names, _ = _formed(reader.trained(), paths, prepare, limit, data_root)
    found = find_counterfactuals(reader, makes, images, target=target, seed=seed)
    found = found if other is None else judged(found, other)
    legend = save_counterfactuals(found, names, out)
    if as_json:
        show_json({"out": str(out), "images": found.as_json(names)})
        return
    for line in found.lines():
        print(line)
    if not quiet:
        say("\n".join([*(f"in the picture, {line}" for line in legend), f"image by image: {out}"]))
