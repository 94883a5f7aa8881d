"""The commands about restorers: trained, applied, judged; and damage done."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from elmyr.cli.helping.helped import Commands
from elmyr.cli.options import AsJson, Data, DataRoot, Device, Part, Precision, Quiet, computing, of_channels
from elmyr.cli.show import say, show_json, show_table
from elmyr.cli.trained import carry_out, trained

restorer = Commands(
    help="Repair images: noise, holes, occlusion, blur, few pixels.",
    invoke_without_command=True,
)
Model = Annotated[str, typer.Argument(metavar="MODEL", help="The run of a restorer, or latest.")]
Images = Annotated[str, typer.Argument(metavar="IMAGES", help="A folder of images of any sizes, or other DATA.")]
Folder = Annotated[Path, typer.Option(help="The folder to create.")]


class Method(StrEnum):
    """What repairs."""

    restorer = "restorer"
    inversion = "inversion"


@restorer.callback()
def _help(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        print(context.get_help())


@restorer.command("train")
@trained
def train(
    data: Data,
    corruption: Annotated[
        str, typer.Option(help="The damage to undo, as block:14,noise:0.2; see: elmyr restorer corruptions.")
    ] = "any",
    training: Any = None,
) -> None:
    """Train a restorer on undamaged images, which it damages itself."""
    from elmyr.tasks.restoration.spec import RestorerAsk

    carry_out("restorer", RestorerAsk(data, corruption=corruption, asked=training.asked), training)


@restorer.command("apply")
@computing
def apply(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A restorer's run; with --method inversion a GAN's.")],
    images: Images,
    out: Folder,
    mask: Annotated[Path | None, typer.Option(help="A folder of masks, white where an image is hidden.")] = None,
    answers: Annotated[int, typer.Option(help="Answers for each image, with a map of where they differ.", min=1)] = 1,
    enlarge: Annotated[int, typer.Option(help="Enlarge by this factor, for images of few pixels.", min=1, max=16)] = 1,
    method: Annotated[Method, typer.Option(help="A restorer, or a plain GAN's latents: slow, untrained.")] = (
        Method.restorer
    ),
    channels: Annotated[int | None, typer.Option(help="1 for gray, 3 for RGB.", min=1, max=3)] = None,
    limit: Annotated[int | None, typer.Option(help="Only the first so many images.", min=1)] = None,
    seed: Annotated[int, typer.Option(help="Seed of the answers.", min=0)] = 0,
    device: Device = "auto",
    precision: Precision = "auto",
    data_root: DataRoot = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Repair images; with masks, only the hidden pixels change."""
    from elmyr.core.machine import keep_freed_memory
    from elmyr.engine.saving.places import GAN_KIND, range_of
    from elmyr.images import Many
    from elmyr.tasks.gan import open_gan
    from elmyr.tasks.restoration import Masks, Restorer, invert, repair_files, require_invertible

    masks = None if mask is None else Masks(mask)
    kind = GAN_KIND if method == Method.inversion else "restorer"
    many = Many(images, data_root, channels=of_channels(channels), limit=limit, of=range_of(model, kind))
    keep_freed_memory()
    if method == Method.inversion:
        gan = open_gan(model, device=device, precision=precision)

        def fits(shape: tuple[int, int, int], what: str) -> None:
            require_invertible(gan, shape, answers, what)

        def mend(pixels: Any, hidden: Any, first: int) -> Any:
            return invert(gan, pixels, hidden, answers=answers, seed=seed)
    else:
        restorer_of_run = Restorer.load(model, device=device, precision=precision)

        def fits(shape: tuple[int, int, int], what: str) -> None:
            restorer_of_run.require_fit(shape, answers, what)

        def mend(pixels: Any, hidden: Any, first: int) -> Any:
            return restorer_of_run.restore(pixels, hidden, answers=answers, seed=seed, first=first)

    count = repair_files(many, mend, out, fits=fits, answers=answers, masks=masks, enlarge=enlarge)
    if as_json:
        show_json({"out": str(out), "count": count, "answers": answers})
    elif not quiet:
        say(f"{count:,} images repaired: {out}")


@restorer.command("evaluate")
@computing
def evaluate(
    model: Model,
    recognizer: Annotated[
        str | None, typer.Option(metavar="RUN", help="A recognizer to classify clean, damaged and repaired images.")
    ] = None,
    corruption: Annotated[
        list[str], typer.Option(help="A damage to test with; can be repeated (default: every kind).")
    ] = [],  # noqa: B006  # typer copies it
    against: Annotated[Part, typer.Option(help="The part of the run's images to damage.")] = Part.test,
    limit: Annotated[int, typer.Option(help="At most so many images.", min=1)] = 1000,
    out: Annotated[Path | None, typer.Option(help="Also a page, .html, with rows of pictures.")] = None,
    device: Device = "auto",
    precision: Precision = "auto",
    data_root: DataRoot = None,
    as_json: AsJson = False,
) -> None:
    """Measure a restorer: PSNR, SSIM and recognition, by damage and severity."""
    from elmyr.core.machine import keep_freed_memory
    from elmyr.core.notes import told_if_not_written
    from elmyr.engine.saving.places import run_path
    from elmyr.evaluation.of_tasks.run_figures import evaluate_restorer
    from elmyr.report import check_page, write_repair, write_report

    if out is not None:
        check_page(out)
    keep_freed_memory()
    judgment = evaluate_restorer(
        model,
        recognizer=recognizer,
        damages=corruption,
        part=against.value,
        limit=limit,
        device=device,
        precision=precision,
        data_root=data_root,
        quiet=False,
    )
    folder = run_path(model, "restorer")
    with told_if_not_written(folder):
        write_report(folder)
    if out is not None:
        write_repair(judgment, out)
    if as_json:
        show_json(judgment.as_json())
        return
    rows = [["damage", "method", "PSNR", "SSIM", *(["read wrong"] if recognizer else [])]]
    for row in judgment.rows:
        for one in row.methods:
            wrong = [] if one.error is None else [f"{one.error:.2%}"]
            rows.append([row.damage, one.method, f"{one.psnr:.2f} dB", f"{one.ssim:.3f}", *wrong])
    show_table(rows)


@restorer.command("damage")
def damage(
    images: Images,
    out: Folder,
    corruption: Annotated[
        str, typer.Option(help="The damage, as block:14,noise:0.2; see: elmyr restorer corruptions.")
    ],
    channels: Annotated[int | None, typer.Option(help="1 for gray, 3 for RGB.", min=1, max=3)] = None,
    limit: Annotated[int | None, typer.Option(help="Only the first so many images.", min=1)] = None,
    seed: Annotated[int, typer.Option(help="Seed of the damage.", min=0)] = 0,
    data_root: DataRoot = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Damage images: OUT/images, and OUT/masks where pixels are hidden."""
    from elmyr.images import Many
    from elmyr.tasks.restoration import damage_files, damage_of

    damage_of(corruption)
    count = damage_files(
        Many(images, data_root, channels=of_channels(channels), limit=limit), corruption, out, seed=seed
    )
    if as_json:
        show_json({"out": str(out), "count": count, "corruption": corruption})
    elif not quiet:
        say(f"{count:,} images damaged: {out}")


@restorer.command("corruptions")
def corruptions(as_json: AsJson = False) -> None:
    """List the kinds of damage, and what their severities mean."""
    from elmyr.tasks.restoration import KINDS

    if as_json:
        known = {
            name: {
                "about": kind.about,
                "severity": kind.severity,
                "least": kind.least,
                "most": kind.most,
                "usual": kind.usual,
            }
            for name, kind in KINDS.items()
        }
        show_json(known)
        return
    rows = [
        [
            name,
            kind.about,
            f"{kind.severity}, {kind.least:g} to {kind.most:g}",
            f"{kind.usual:g}",
            "yes" if kind.hides else "",
        ]
        for name, kind in KINDS.items()
    ]
    show_table([["corruption", "what", "severity", "usual", "gives a mask"], *rows])
