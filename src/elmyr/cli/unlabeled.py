"""The commands about images without labels: labels given to them, and a choice among recognizers by them."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from elmyr.cli.options import AsJson, DataRoot, Device, Quiet, computing
from elmyr.cli.show import say, show_json, show_table

Unlabeled = Annotated[
    str | None, typer.Option(metavar="DATA", help="Other images (default: the run's training images).")
]


@computing
def label(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="The run of a recognizer, or latest.")],
    out: Annotated[Path, typer.Option(help="An .npz, .parquet or .tar file, or a folder (no suffix).")],
    data: Unlabeled = None,
    share: Annotated[
        float, typer.Option(metavar="SHARE", help="How many of the images are kept, the surest of each class.")
    ] = 0.8,
    device: Device = "auto",
    data_root: DataRoot = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Write images with the classes that a recognizer predicts for them, for a GAN to learn from."""
    from elmyr.images import check_writable, save_images
    from elmyr.tasks.recognition import open_recognizer, pseudo_labeled, unlabeled_images

    check_writable(out)
    images = unlabeled_images(model, data=data, data_root=data_root)
    labeled = pseudo_labeled(open_recognizer(model, device=device), images, share=share)
    save_images(labeled, out)
    if as_json:
        show_json({"written": str(out), "images": len(labeled), "of": len(images)})
    elif not quiet:
        say(f"written with predicted labels: {len(labeled):,} of {len(images):,} images, {out}")
        say(f"next:  elmyr train {out} --set class_balance=1")


@computing
def choose(
    models: Annotated[list[str], typer.Argument(metavar="MODEL…", help="The runs of recognizers, two or more.")],
    data: Unlabeled = None,
    device: Device = "auto",
    data_root: DataRoot = None,
    as_json: AsJson = False,
) -> None:
    """Rank recognizers without labels: by what their predictions tell of images, the best first."""
    from elmyr.core.errors import InputError
    from elmyr.tasks.recognition import open_recognizer, unlabeled_images, unlabeled_score

    if len(models) < 2:
        raise InputError("one recognizer leaves no choice: name two runs or more")
    images = unlabeled_images(models[0], data=data, data_root=data_root)
    scores = [(model, unlabeled_score(open_recognizer(model, device=device), images)) for model in models]
    scores.sort(key=lambda scored: -scored[1].information)
    if as_json:
        show_json([{"model": model} | asdict(score) for model, score in scores])
        return
    rows = [["model", "information", "loss", "margin", "balance"]]
    for model, score in scores:
        rows.append([model, *(f"{value:.3f}" for value in asdict(score).values())])
    show_table(rows)
