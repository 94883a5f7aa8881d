"""The commands of a run: trained, resumed, repeated, sampled from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from elmyr.cli.composed.articles import show_articles
from elmyr.cli.composed.sweep import show_sweep
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
    Track,
    clustered,
    computing,
    image_count,
)
from elmyr.cli.show import hush, say, show_json, show_trained
from elmyr.cli.study import show_study
from elmyr.cli.trained import carry_out, show_run, trained
from elmyr.engine.saving.places import called

COMPOSED = {
    "study": show_study,
    "articles": show_articles,
    "sweep": show_sweep,
}  # of several trainings, with a face of their own


@trained
def train(
    data: Data,
    preset: Preset = "residual",
    rescue: Annotated[bool, typer.Option("--rescue", help="Let the training monitor fix problems.")] = False,
    keep: Annotated[int | None, typer.Option(help="How many checkpoints are kept.", min=1)] = None,
    training: Any = None,
) -> None:
    """Train a GAN on the training part of an image set."""
    from elmyr.tasks.gan.plan import GANAsk

    asked = training.asked
    if keep is not None:
        asked = replace(asked, settings=[*asked.settings, f"loop.keep={keep}"])
    carry_out("gan", GANAsk(data, preset=preset, rescue=rescue, asked=asked), training)


@clustered
def resume(
    run: Run,
    images: Annotated[str | None, typer.Option(help="Another budget, also for a finished run, such as 400k.")] = None,
    settings: Annotated[
        list[str],
        typer.Option("--set", metavar="NAME=VALUE", help="Only the run's own; with others train a new run --from it."),
    ] = [],  # noqa: B006  # typer copies it
    data: Moved = [],  # noqa: B006  # typer copies it
    data_root: DataRoot = None,
    keep_going: KeepGoing = False,
    track: Track = None,
    threads: Annotated[
        str | None, typer.Option(metavar="auto|N", help="From here on on so many, or auto (default: as it had).")
    ] = None,
    device: Annotated[
        str | None, typer.Option(help="Where it goes on: auto, cpu, cuda … (default: where it was).")
    ] = None,
    processes: Annotated[
        int | None, typer.Option(help="Of a study, a sweep or the articles: number of parallel processes.", min=1)
    ] = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Resume an interrupted training, study, sweep or articles, to the same result; or train a finished run longer."""
    from elmyr.engine import open_run
    from elmyr.engine.tasks import TASKS
    from elmyr.studies.resuming import resume as resume_run

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
        threads=threads,
        device=device,
        quiet=quiet,
        say=hush if quiet else say,
    )
    if kind in COMPOSED:
        COMPOSED[kind](done, as_json)
    elif kind in TASKS:
        show_run(done, quiet=quiet, as_json=as_json)
    else:
        show_trained(done, quiet=quiet, as_json=as_json)


def _places(data: list[str], kind: str) -> str | tuple[str | None, ...]:
    """Where the images of a run lie by now: one place, or those of its sources in turn."""
    from elmyr.core.errors import InputError
    from elmyr.studies.resuming import sources_of

    if kind == "adaptation":
        raise InputError(
            "an adaptation finds its images where it began with them: leave out --data, and put them there"
        )
    count = sources_of(kind)
    if len(data) > count:
        raise InputError(
            f"--data is given {len(data)} times: a {called(kind)} learned from {'two' if count == 2 else 'one'}"
        )
    return data[0] if count == 1 else (*data, *[None] * (count - len(data)))


def repeat(
    run: Run,
    out: Out = None,
    data: Moved = [],  # noqa: B006  # typer copies it
    data_root: DataRoot = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Repeat a finished training, and check that the result is the same to the bit."""
    from elmyr.engine import open_run
    from elmyr.engine import repeat as repeat_run

    moved = _places(data, open_run(run).kind) if data else None
    done = repeat_run(run, out=out, data=moved, data_root=data_root, quiet=quiet, say=hush if quiet else say)
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


@computing
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
    truncation: Annotated[
        float,
        typer.Option(help="Factor of the latents: below 1 more typical, above 1 (up to 2) more varied.", metavar="F"),
    ] = 1.0,
    move: Annotated[
        list[str],
        typer.Option(
            metavar="NAME=AMOUNT", help="Along a direction of the run (elmyr directions), as thickness=1.5; repeatable."
        ),
    ] = [],  # noqa: B006  # typer copies it
    set_figure: Annotated[
        list[str],
        typer.Option(metavar="NAME=VALUE", help="Moved until a figure has this value, as thickness=2.5; repeatable."),
    ] = [],  # noqa: B006  # typer copies it
    part: Annotated[
        str | None,
        typer.Option(help="Only part I of K, as 2/4: the parts together are what one process makes.", metavar="I/K"),
    ] = None,
    checkpoint: Checkpoint = None,
    seed: Annotated[int, typer.Option(help="Which samples: the same seed gives the same images.", min=0)] = 0,
    device: Device = "auto",
    precision: Precision = "auto",
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Generate images: in a .png one row per class, else the classes have their training proportions."""
    from elmyr.core.machine import keep_freed_memory
    from elmyr.tasks.gan import open_gan
    from elmyr.tasks.gan.directions import changes_for
    from elmyr.tasks.gan.sampling.moves import amounts_of
    from elmyr.tasks.gan.sampling.writing import place_of_samples, write_samples

    moves, wanted = amounts_of(move), amounts_of(set_figure, "--set-figure")
    made = len((place := place_of_samples(count, out, part)).places)
    gan = open_gan(run, checkpoint=checkpoint, device=device, precision=precision)
    keep_freed_memory()
    in_turn = out.suffix.lower() == ".png" if balanced is None else balanced
    which: dict[str, Any] = {"label": label, "category": category, "balanced": in_turn}
    changes, setting = changes_for(gan, moves, wanted)
    write_samples(gan, count, place, **which, truncation=truncation, move=changes, seed=seed)
    if as_json:
        show_json({"out": str(place.path), "count": made} | ({"first": place.places.start} if made < count else {}))
    elif not quiet:
        of = f" of {count:,}" if made < count else ""
        told = f"{made:,}{of} images of {gan.config.height}x{gan.config.width}: {place.path}"
        say("\n".join([*(() if setting is None else setting.lines()), told]))
