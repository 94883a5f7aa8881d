"""The command that lists suspected label errors, by recognizers that each were trained without the images they read."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from elmyr.cli.options import AsJson, Data, DataRoot, Device, Precision, Quiet, Seed, computing, shaped
from elmyr.cli.show import hush, save_captioned, say, show_json


@computing
@shaped
def doubts(
    data: Data,
    out: Annotated[Path | None, typer.Option(help="A .csv file instead of a table.")] = None,
    picture: Annotated[Path | None, typer.Option(help="Also a .png with the most suspected label errors.")] = None,
    dropped: Annotated[Path | None, typer.Option(help="Also the images without suspected label errors.")] = None,
    corrected: Annotated[Path | None, typer.Option(help="Also all images, with the proposed labels.")] = None,
    sure: Annotated[
        float, typer.Option(help="Share of the named labels that should really be wrong.", min=0.01, max=1)
    ] = 0.9,
    gan: Annotated[
        str | None, typer.Option(metavar="RUN", help="A GAN trained with these labels, as a second opinion.")
    ] = None,
    folds: Annotated[
        int, typer.Option(help="Folds; each is classified by a recognizer trained on the others.", min=2)
    ] = 4,
    updates: Annotated[int | None, typer.Option(help="Of each recognizer.", min=1)] = None,
    seed: Seed = 0,
    device: Device = "auto",
    precision: Precision = "auto",
    data_root: DataRoot = None,
    shaping: Any = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """List suspected label errors, the most likely first."""
    from elmyr.core.files import replacing, require_place
    from elmyr.images import check_writable, save_images
    from elmyr.tasks.recognition import doubting, doubts_of, with_corrections, without_suspects
    from elmyr.tasks.recognition.label_errors.suspected import labels_to_doubt, suspects_picture, write_suspects

    if out is not None:
        require_place(out, ".csv", "a table")
    if picture is not None:
        require_place(picture, ".png", "a picture")
    for place in (dropped, corrected):
        if place is not None:
            check_writable(place)
    labels = labels_to_doubt(data, gan=gan, seed=seed, data_root=data_root, shaping=shaping)
    found = doubts_of(
        labels.images,
        gan=gan,
        recognizer=doubting(labels.images, updates=updates, device=device, precision=precision),
        folds=folds,
        seed=seed,
        device=device,
        say=hush if quiet else say,
        quiet=quiet,
    )
    suspects = found.suspects(sure)
    if not quiet:
        _say_doubts(labels, found, suspects)
    if out is not None:
        with replacing(out) as beside, beside.open("w", encoding="utf-8", newline="") as file:
            write_suspects(labels, found, suspects, file)
    if picture is not None:
        none = "no suspected label errors, so there is no picture"
        save_captioned(suspects_picture(labels, found, suspects), picture, none)
    if dropped is not None:
        save_images(without_suspects(labels.images, found, sure), dropped)
    if corrected is not None:
        save_images(with_corrections(labels.images, found, sure), corrected)
    if as_json:
        show_json(_doubts_as_json(labels, found, suspects))
    elif out is None:
        write_suspects(labels, found, suspects, sys.stdout)


def _say_doubts(labels: Any, found: Any, suspects: Any) -> None:
    from elmyr.tasks.recognition import told_of_spared

    count = f"{len(labels.images):,}"
    say(f"{found.share:.1%} of {count} labels are estimated to be wrong; {len(suspects):,} are named")
    if spared := told_of_spared(labels.images):
        say(spared)
    if (known := labels.found(found, suspects)) is not None:
        say(f"known, as they were made: {known[0]:.1%} of these are wrong, and {known[1]:.1%} of all wrong ones")


def _doubts_as_json(labels: Any, found: Any, suspects: Any) -> dict[str, Any]:
    classes, known = labels.images.classes, labels.found(found, suspects)
    return {
        "images": len(labels.images),
        "share": found.share,
        "spared": [classes[place] for place in found.spared],
        "suspects": [labels.names[place] for place in suspects],
        "given": [classes[found.given[place]] for place in suspects],
        "proposed": [classes[found.proposed[place]] for place in suspects],
        "chance": found.chance[suspects].round(6).tolist(),
        "known": None if known is None else {"precision": known[0], "recall": known[1]},
    }
