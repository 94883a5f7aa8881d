"""The commands about recognizers: trained, applied, judged."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from elmyr.cli.attack import attack
from elmyr.cli.composed.doubts import doubts
from elmyr.cli.helping.helped import Commands
from elmyr.cli.options import (
    AsJson,
    Average,
    Data,
    DataRoot,
    Device,
    Part,
    computing,
    image_count,
)
from elmyr.cli.predict import predict
from elmyr.cli.show import save_captioned, show_json, show_table, show_trained
from elmyr.cli.trained import Training, carry_out, trained
from elmyr.cli.unlabeled import choose, label

recognizer = Commands(
    help="Train a recognizer (an image classifier) with many labels or few, apply it, and measure it.",
    invoke_without_command=True,
)
Model = Annotated[str, typer.Argument(metavar="MODEL", help="The run of a recognizer, or latest.")]


class Weights(StrEnum):
    """What each class counts in the loss."""

    auto = "auto"
    balanced = "balanced"
    logit_adjusted = "logit-adjusted"
    none = "none"


@recognizer.callback()
def _help(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        print(context.get_help())


@recognizer.command("train")
@trained
def train(
    data: Data,
    method: Annotated[str, typer.Option(help="How it learns; see: elmyr recognizer methods.")] = "auto",
    unlabeled: Annotated[str | None, typer.Option(metavar="DATA", help="More images, without labels.")] = None,
    gan: Annotated[str | None, typer.Option(metavar="RUN", help="A GAN whose images it learns from as well.")] = None,
    realism: Annotated[
        float, typer.Option(metavar="SHARE", help="With --gan: the share that its discriminator finds most real.")
    ] = 1.0,
    agreeing: Annotated[
        str | None,
        typer.Option(metavar="RUN", help="With --gan: only images that this recognizer classifies as requested."),
    ] = None,
    hardest: Annotated[
        float, typer.Option(metavar="SHARE", help="With --agreeing: the share that it is least sure of.")
    ] = 1.0,
    generated: Annotated[
        str | None,
        typer.Option(
            metavar="N", help="With --gan: how many images, or fresh: none twice (default: as many as training images)."
        ),
    ] = None,
    generated_share: Annotated[
        float | None, typer.Option(metavar="SHARE", help="With --gan: the share of each batch that is generated (0.5).")
    ] = None,
    truncation: Annotated[
        str, typer.Option(metavar="F", help="With --gan: factor of the latents, up to 2; several in turn: 0.8,1,1.2.")
    ] = "1",
    checkpoint: Annotated[
        str | None, typer.Option(metavar="NAME", help="With --gan: a checkpoint of it; several in turn: best,latest.")
    ] = None,
    soft_labels: Annotated[
        str | None,
        typer.Option(metavar="RUN", help="With --gan: label fresh images by this recognizer's probabilities."),
    ] = None,
    target: Annotated[
        str | None, typer.Option(metavar="DATA", help="Images of another domain to classify; labels are ignored.")
    ] = None,
    translation: Annotated[
        str | None,
        typer.Option(metavar="N", help="With --target: translate the labeled images first, by a budget of N images."),
    ] = None,
    self_training: Annotated[
        bool,
        typer.Option("--self-training/--no-self-training", help="With --target: learn from predictions on its images."),
    ] = True,
    teacher: Annotated[
        str | None, typer.Option(metavar="RUN", help="Learn from this recognizer's predictions instead of labels.")
    ] = None,
    class_weight: Annotated[
        Weights, typer.Option(help="Weight of an image by its class; auto: balanced where classes differ by 3:1.")
    ] = Weights.auto,
    robust: Annotated[
        str | None, typer.Option(metavar="EPSILON", help="Withstand changes of a pixel by at most this: 0.3, 8/255.")
    ] = None,
    tiny: Annotated[bool, typer.Option("--tiny", help="A recognizer of a tenth of the weights.")] = False,
    updates: Annotated[int | None, typer.Option(help="Budget in updates (default: the method's).", min=1)] = None,
    no_validation: Annotated[
        bool, typer.Option("--no-validation", help="Choose and calibrate nothing on the validation part.")
    ] = False,
    training: Any = None,
) -> None:
    """Train a recognizer; with --labels-per-class the other training images are unlabeled ones."""
    from elmyr.core.errors import InputError
    from elmyr.tasks.recognition import TINY, Recognizer
    from elmyr.tasks.recognition.generated.generated_ask import GeneratedAsk
    from elmyr.tasks.recognition.robust.config import epsilon_of
    from elmyr.tasks.recognition.spec import LearnsFrom, RecognizerAsk

    asked = training.asked
    parameters: dict[str, Any] = dict(TINY) if tiny else {}
    parameters |= {"class_weight": None if class_weight is Weights.none else class_weight.value}
    parameters |= {"robust": None if robust is None else epsilon_of(robust)}
    if generated_share is not None:
        if gan is None:
            raise InputError("--generated-share is of a GAN's images: name one with --gan, or leave it out")
        parameters |= {"generated_share": generated_share}
    parameters |= {"seed": asked.seed, "device": asked.device, "precision": asked.precision}
    reader = Recognizer(method=method, updates=updates, **parameters)
    of_gan = GeneratedAsk(realism, agreeing, hardest, generated, truncation, checkpoint, soft_labels)
    if target is not None:
        if method != "auto" or unlabeled or gan or of_gan.asks or teacher or no_validation or robust:
            raise InputError("--target has a method of its own: leave out other ways to learn, as --method or --gan")
        _adapt(data, target, image_count(translation, "--translation"), self_training, reader, training)
        return
    if translation is not None or not self_training:
        raise InputError("--translation and --no-self-training are for --target: name one")
    learns_from = LearnsFrom(unlabeled, None, gan, teacher, not no_validation, of_gan)
    ask = RecognizerAsk(data, recognizer=reader, learns_from=learns_from, asked=asked)
    carry_out("recognizer", ask, training)


def _adapt(
    data: str, target: str, translation: int | None, self_training: bool, reader: Any, training: Training
) -> None:
    from elmyr.core.errors import InputError
    from elmyr.tasks.translation import train_adapted

    asked, options = training.asked, training.options
    own = {
        "--images": asked.images,
        "--minutes": asked.minutes,
        "--set": asked.settings,
        "--from": asked.start_from,
        "--deterministic": asked.deterministic,
        "--keep-going": options.keep_going,
        "--track": options.track,
        "--dry-run": training.dry_run,
    }
    if strange := next((option for option, value in own.items() if value), None):
        raise InputError(f"--target trains in stages, without {strange}: leave it out; the budget is --updates")
    adapted = train_adapted(
        data,
        target,
        out=options.out,
        translation=translation,
        self_training=self_training,
        recognizer=reader,
        data_root=asked.data_root,
        shaping=asked.shaping,
        threads=asked.threads,
        quiet=options.quiet,
        say=options.say,
    )
    following = f"elmyr recognizer evaluate {adapted.path / 'recognizer'} --data {target}"
    show_trained(adapted, following, quiet=options.quiet, as_json=training.as_json)


recognizer.command("apply")(predict)
recognizer.command("label")(label)
recognizer.command("choose")(choose)
recognizer.command("attack")(attack)


@recognizer.command("evaluate")
@computing
def evaluate(
    model: Model,
    data: Annotated[str | None, typer.Option(help="Other labeled images (default: the run's).")] = None,
    against: Annotated[Part, typer.Option(help="The part of the run's images to classify.")] = Part.test,
    mistakes: Annotated[Path | None, typer.Option(help="Also a .png with the surest mistakes.")] = None,
    gan: Annotated[
        str | None, typer.Option(metavar="RUN", help="Shows in the report what would have to change in each mistake.")
    ] = None,
    average: Average = 1,
    device: Device = "auto",
    data_root: DataRoot = None,
    as_json: AsJson = False,
) -> None:
    """Measure a recognizer: accuracy, recall class by class (the lowest first), mistakes, calibration.

    Where classes differ by 3:1 or more, balanced accuracy comes first.
    """
    from elmyr.core.files import require_place
    from elmyr.core.notes import told_if_not_written
    from elmyr.engine import RunDirectory
    from elmyr.engine.saving.places import finished_model
    from elmyr.report import write_report
    from elmyr.tasks.gan import open_gan
    from elmyr.tasks.recognition import images_to_read, keep_reading, mistakes_grid, open_recognizer, read_through

    if mistakes is not None:
        require_place(mistakes, ".png", "a picture")
    images = images_to_read(model, data=data, part=against.value, data_root=data_root)
    recognizer = open_recognizer(model, device=device)
    makes = None if gan is None else open_gan(gan, device=device)
    reading = read_through(recognizer, images, average=average)
    run = RunDirectory(finished_model(model, "recognizer").parent)
    if run.config.is_file() and run.kind == "recognizer":
        with told_if_not_written(run.path):
            of = "" if data is not None else against.value
            keep_reading(run, recognizer, reading, images, part=of, gan=makes)
            write_report(run.path)
    if mistakes is not None:
        save_captioned(mistakes_grid(reading, images), mistakes, "no mistakes, so no picture of them")
    if as_json:
        show_json(reading.as_json())
        return
    part = "images" if data is not None else f"{against.value} images"
    for line in reading.lines(part, images.name):
        print(line)
    print(f"calibration error {reading.calibration_error:.2%}\n")
    rows = [["class", "images", "classified correctly", "95 % interval", "most often confused with"]]
    for recall in reading.worst_first:
        taken, share = reading.taken_for(recall.label), recall.share
        told = [
            f"{share.value:.1%}",
            f"{share.low:.1%} to {share.high:.1%}",
            f"{taken[0]} ({taken[1]})" if taken else "",
        ]
        rows.append([reading.classes[recall.label], f"{recall.count:,}", *told])
    show_table(rows)


recognizer.command("doubts")(doubts)


@recognizer.command("methods")
def methods(as_json: AsJson = False) -> None:
    """List the methods to train a recognizer."""
    from elmyr.tasks.recognition.learning.methods import method_names, read_method

    known = {name: read_method(name) for name in method_names()}
    if as_json:
        show_json({name: config.model_dump(mode="json") for name, config in known.items()})
    else:
        show_table([["method", "learns from"], *([name, config.about] for name, config in known.items())])
