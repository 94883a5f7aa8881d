"""The commands about translators: trained, applied, judged."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from elmyr.cli.helping.helped import Commands
from elmyr.cli.options import AsJson, DataRoot, Device, Part, Precision, Quiet, computing, of_channels
from elmyr.cli.show import say, show_json, show_table
from elmyr.cli.trained import carry_out, trained

translator = Commands(
    help="Translate images of one domain into another: color, thickness, slant, texture; with pairs or without.",
    invoke_without_command=True,
)
Model = Annotated[str, typer.Argument(metavar="MODEL", help="The run of a translator, or latest.")]


@translator.callback()
def _help(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        print(context.get_help())


@translator.command("train")
@trained
def train(
    a: Annotated[str, typer.Argument(metavar="A", help="Images of one domain: a known name or a path.")],
    b: Annotated[str, typer.Argument(metavar="B", help="Images of another; their labels are ignored.")],
    method: Annotated[
        str | None, typer.Option(help="cycle (default), contrastive (lighter, one way), or paired.")
    ] = None,
    paired: Annotated[bool, typer.Option("--paired", help="Images of A and B with the same name are a pair.")] = False,
    recognizer: Annotated[
        str | None, typer.Option(metavar="RUN", help="A recognizer whose predictions should stay the same.")
    ] = None,
    training: Any = None,
) -> None:
    """Train a translator between two domains."""
    from elmyr.core.errors import InputError
    from elmyr.tasks.translation.spec import TranslatorAsk

    if paired and method not in (None, "paired"):
        raise InputError(f"--paired and --method {method} are given: choose one")
    asked_method = "paired" if paired else method or "cycle"
    carry_out("translator", TranslatorAsk(a, b, asked_method, recognizer, training.asked), training)


@translator.command("apply")
@computing
def apply(
    model: Model,
    images: Annotated[str, typer.Argument(metavar="IMAGES", help="A folder of images of any sizes, or other DATA.")],
    out: Annotated[Path, typer.Option(help="The folder to create; or an .npz, .parquet or .tar, with the labels.")],
    back: Annotated[bool, typer.Option("--back", help="The other way: from B to A.")] = False,
    channels: Annotated[int | None, typer.Option(help="1 for gray, 3 for RGB.", min=1, max=3)] = None,
    limit: Annotated[int | None, typer.Option(help="Only the first so many images.", min=1)] = None,
    seed: Annotated[int, typer.Option(help="Seed of the examples of a styled translator.", min=0)] = 0,
    device: Device = "auto",
    precision: Precision = "auto",
    data_root: DataRoot = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Translate images."""
    from elmyr.core.machine import keep_freed_memory
    from elmyr.engine.saving.places import range_of
    from elmyr.images import Many, Shaping, check_writable, load_images, save_images
    from elmyr.tasks.translation import A_TO_B, B_TO_A, Translator, translate_files, translated

    form, direction = of_channels(channels), B_TO_A if back else A_TO_B
    keep_freed_memory()
    opened = Translator.load(model, device=device, precision=precision)
    opened.require_direction(direction)
    of = range_of(model, "translator", "b" if back else "a")
    if out.suffix:
        check_writable(out)
        given = load_images(images, data_root=data_root, shaping=Shaping(channels=form, limit=limit, range=of))
        made = translated(opened, given, direction=direction, seed=seed)
        save_images(made, out)
        count = len(made)
    else:
        many = Many(images, data_root, channels=form, limit=limit, of=of)
        count = translate_files(opened, many, out, direction=direction, seed=seed)
    if as_json:
        show_json({"out": str(out), "count": count, "direction": direction})
    elif not quiet:
        say(f"{count:,} images translated: {out}")


@translator.command("evaluate")
@computing
def evaluate(
    model: Model,
    recognizer: Annotated[
        str | None, typer.Option(metavar="RUN", help="A recognizer to classify images before and after.")
    ] = None,
    against: Annotated[Part, typer.Option(help="The part of the run's images to translate.")] = Part.test,
    limit: Annotated[int, typer.Option(help="At most so many images of each kind.", min=1)] = 1000,
    out: Annotated[Path | None, typer.Option(help="Also a page, .html, with rows of pictures.")] = None,
    device: Device = "auto",
    precision: Precision = "auto",
    data_root: DataRoot = None,
    as_json: AsJson = False,
) -> None:
    """Measure a translator: is the label kept, how thick and slanted are strokes, how close is the pair."""
    from elmyr.core.machine import keep_freed_memory
    from elmyr.core.notes import told_if_not_written
    from elmyr.engine.saving.places import run_path
    from elmyr.evaluation.of_tasks.run_figures import evaluate_translator
    from elmyr.report import check_page, write_report, write_translation

    if out is not None:
        check_page(out)
    keep_freed_memory()
    judgment = evaluate_translator(
        model,
        recognizer=recognizer,
        part=against.value,
        limit=limit,
        device=device,
        precision=precision,
        data_root=data_root,
    )
    folder = run_path(model, "translator")
    with told_if_not_written(folder):
        write_report(folder)
    if out is not None:
        write_translation(judgment, out)
    if as_json:
        show_json(judgment.as_json())
        return
    rows = [["direction", "label kept", "thickness: given", "made", "wanted", "slant: given", "made", "wanted", "PSNR"]]
    for way in judgment.ways:
        kept = "" if way.kept is None else f"{way.kept.kept:.2%}"
        strokes = [way.given, way.made, way.wanted]
        near = "" if way.near is None else f"{way.near.psnr:.2f} dB"
        thick, lean = ([f"{getattr(each, what):.2f}" for each in strokes] for what in ("thickness", "slant"))
        rows.append([way.name, kept, *thick, *lean, near])
    show_table(rows)


@translator.command("methods")
def methods(as_json: AsJson = False) -> None:
    """List the methods to train a translator."""
    from elmyr.tasks.translation import METHODS

    if as_json:
        show_json({name: method.about for name, method in METHODS.items()})
    else:
        show_table([["method", "learns"], *([name, method.about] for name, method in METHODS.items())])
