"""The commands of a run: trained, resumed, repeated, sampled from."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from elmyr.cli.options import (
    AsJson,
    Checkpoint,
    Data,
    DataRoot,
    Device,
    KeepGoing,
    Moved,
    Out,
    Precision,
    Preset,
    Quiet,
    Run,
    Seed,
    Settings,
    Track,
    image_count,
    shaped,
)
from elmyr.cli.show import hush, say, show_json, show_table, show_trained
from elmyr.cli.study import show_study


@shaped
def train(
    data: Data,
    out: Out = None,
    images: Annotated[str | None, typer.Option(help="Budget in images seen, exactly, such as 200k.")] = None,
    minutes: Annotated[
        str | None, typer.Option(help="Budget in minutes (instead of --images), such as 90 or 1h30m.")
    ] = None,
    preset: Preset = "residual",
    seed: Seed = 0,
    settings: Settings = [],  # noqa: B006  # typer copies it
    device: Device = "auto",
    precision: Precision = "auto",
    data_root: DataRoot = None,
    shaping: Any = None,
    rescue: Annotated[bool, typer.Option("--rescue", help="Let the training monitor fix problems.")] = False,
    start_from: Annotated[
        str | None, typer.Option("--from", metavar="RUN", help="Begin with the weights of this run.")
    ] = None,
    deterministic: Annotated[
        bool, typer.Option("--deterministic", help="The same bits on any number of threads, at the speed of one.")
    ] = False,
    keep: Annotated[int | None, typer.Option(help="How many checkpoints are kept.", min=1)] = None,
    keep_going: KeepGoing = False,
    track: Track = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the settings and the estimated time, and stop.")
    ] = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Train a GAN on the training part of an image set."""
    from elmyr.amounts import minutes_of
    from elmyr.training import make_plan, refuse_taken, rehearse
    from elmyr.training import train as train_gan

    choices: dict[str, Any] = {
        "preset": preset,
        "images": image_count(images),
        "minutes": minutes_of(minutes, "--minutes"),
        "seed": seed,
        "settings": [*settings, *([f"loop.keep={keep}"] if keep is not None else [])],
        "device": device,
        "precision": precision,
        "data_root": data_root,
        "shaping": shaping,
        "rescue": rescue,
        "start_from": start_from,
        "deterministic": deterministic,
    }
    if dry_run:
        if out is not None:
            refuse_taken(out)
        _show_rehearsal(rehearse(make_plan(data, **choices)), as_json)
        return
    run = train_gan(
        data, **choices, out=out, keep_going=keep_going, track=track, quiet=quiet, say=hush if quiet else say
    )
    _show_run(run, quiet, as_json)


def resume(
    run: Run,
    images: Annotated[str | None, typer.Option(help="Another budget, also for a finished run, such as 400k.")] = None,
    settings: Settings = [],  # noqa: B006  # typer copies it
    data: Moved = [],  # noqa: B006  # typer copies it
    data_root: DataRoot = None,
    keep_going: KeepGoing = False,
    track: Track = None,
    processes: Annotated[int | None, typer.Option(help="Of a study: number of parallel processes.", min=1)] = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Resume an interrupted training or study, to the same result; or train a finished run longer."""
    from elmyr.resuming import resume as resume_run
    from elmyr.training import open_run

    kind = open_run(run).kind
    done: Any = resume_run(
        run,
        images=image_count(images),
        settings=settings,
        data=_places(data, kind) if data else None,
        data_root=data_root,
        processes=processes,
        keep_going=keep_going,
        track=track,
        quiet=quiet,
        say=hush if quiet else say,
    )
    if kind == "study":
        show_study(done, as_json)
    elif kind == "gan":
        _show_run(done, quiet, as_json)
    else:
        show_trained(done, quiet=quiet, as_json=as_json)


def _places(data: list[str], kind: str) -> str | tuple[str, str | None]:
    """Where the images of a run lie by now: one place, or A's and B's of a translator."""
    from elmyr.errors import InputError

    if kind == "adaptation":
        raise InputError(
            "an adaptation finds its images where it began with them: leave out --data, and put them there"
        )
    if len(data) > (2 if kind == "translator" else 1):
        raise InputError(
            f"--data is given {len(data)} times: a {kind} learned from {'two' if kind == 'translator' else 'one'}"
        )
    return (data[0], data[1] if len(data) > 1 else None) if kind == "translator" else data[0]


def repeat(
    run: Run,
    out: Out = None,
    data: Annotated[str | None, typer.Option(metavar="NEW", help="Where its images are now.")] = None,
    data_root: DataRoot = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Repeat a finished training, and check that the result is the same to the bit."""
    from elmyr.training import repeat as repeat_run

    done = repeat_run(run, out=out, data=data, data_root=data_root, quiet=quiet, say=hush if quiet else say)
    same = not done.differences
    if as_json:
        show_json(
            {"run": str(done.run.path), "same": same, "differences": done.differences, "changed": done.surroundings}
        )
    else:
        print("the same to the bit" if same else f"not the same: {', '.join(done.differences)}")
        for line in done.surroundings:
            print(f"what changed since: {line}")
    if not same:
        raise typer.Exit(1)


def sample(
    run: Run,
    count: Annotated[int, typer.Option("-n", "--count", help="How many images.", min=1)] = 100,
    out: Annotated[
        Path, typer.Option(help="An .npz, a .parquet, a .tar (WebDataset), a .png grid, or a folder.")
    ] = Path("samples.npz"),
    label: Annotated[str | None, typer.Option(help="Only this class: its name or number.")] = None,
    category: Annotated[
        int | None, typer.Option(help="Only this category, of a GAN that discovered categories.")
    ] = None,
    balanced: Annotated[
        bool | None,
        typer.Option("--balanced/--as-trained", help="Classes in turn, or in their training proportions."),
    ] = None,
    checkpoint: Checkpoint = None,
    seed: Annotated[int, typer.Option(help="Which samples: the same seed gives the same images.", min=0)] = 0,
    device: Device = "auto",
    precision: Precision = "auto",
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Generate images: in a .png one row per class, else the classes have their training proportions."""
    from elmyr.images import check_writable, writing_images
    from elmyr.machine import keep_freed_memory
    from elmyr.training import open_gan

    gan = open_gan(run, checkpoint=checkpoint, device=device, precision=precision)
    check_writable(out)
    config = gan.config
    keep_freed_memory()
    in_turn = out.suffix.lower() == ".png" if balanced is None else balanced
    with writing_images(out, count=count, classes=config.classes, labeled=bool(config.classes)) as sink:
        for part in gan.samples(count, label=label, category=category, balanced=in_turn, seed=seed):
            sink.add(part)
    if as_json:
        show_json({"out": str(out), "count": count})
    elif not quiet:
        say(f"{count:,} images of {config.height}x{config.width}: {out}")


def _show_rehearsal(rehearsal: Any, as_json: bool) -> None:
    if as_json:
        show_json(rehearsal.as_json())
        return
    config = rehearsal.config
    gan, data = config.gan, config.data
    kinds = f", {len(gan.classes)} classes" if gan.classes else ", no classes"
    print(f"{data.name}: {data.images:,} training images of {gan.height}x{gan.width}x{gan.channels}{kinds}")
    for net, cost in zip(("generator", "discriminator"), rehearsal.costs, strict=True):
        print(f"{net}: {cost.parameters:,} weights, {cost.flops / 1e6:,.1f} MFLOP per image")
    print(
        f"budget: {config.loop.images:,} images seen at {rehearsal.images_per_second:,.0f} images/s "
        f"({config.precision} on {config.device}), about {rehearsal.minutes:,.1f} minutes\n"
    )
    rows = [[choice.name, str(choice.value), choice.words] for choice in rehearsal.resolved]
    show_table([["automatic", "is", "by the rule"], *rows])


def _show_run(run: Any, quiet: bool, as_json: bool) -> None:
    if "TORCHELASTIC_RUN_ID" in os.environ and os.environ["RANK"] != "0":
        return  # under torchrun the first process speaks for all
    show_trained(
        run,
        f"elmyr sample {run.path} -n 1000 --out samples.npz",
        f"elmyr evaluate {run.path}",
        quiet=quiet,
        as_json=as_json,
    )
