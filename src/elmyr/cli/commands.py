"""The commands: each parses its words, calls the library, and shows what came of it."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any

import typer

from elmyr.cli.options import (
    AsJson,
    Data,
    DataRoot,
    Device,
    Extractor,
    ExtractorSeed,
    ExtractorWidth,
    Out,
    Part,
    Precision,
    Preset,
    Quiet,
    Run,
    Seed,
    Settings,
    Use,
    shaped,
)
from elmyr.cli.show import hush, say, show_json, show_table


@shaped
def study(
    data: Data,
    out: Out = None,
    images: Annotated[str | None, typer.Option(help="Budget of each GAN in images seen, such as 200k.")] = None,
    seeds: Annotated[int, typer.Option(help="How many seeds: each a new split, GAN and recognizers.")] = 5,
    seed: Annotated[int, typer.Option(help="The first of the seeds.", min=0)] = 0,
    updates: Annotated[int | None, typer.Option(help="Updates of each recognizer.")] = None,
    preset: Preset = "residual",
    settings: Settings = [],  # noqa: B006  # typer copies it
    device: Device = "auto",
    precision: Precision = "auto",
    data_root: DataRoot = None,
    shaping: Any = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """The main job: would a GAN make a recognizer of these images better? Ends in a verdict and a report."""
    from elmyr.report import numbers, write_report
    from elmyr.studies import study as run_study

    done = run_study(
        data,
        out=out,
        images=_count(images),
        seeds=seeds,
        seed=seed,
        updates=updates,
        preset=preset,
        settings=tuple(settings),
        device=device,
        precision=precision,
        data_root=data_root,
        shaping=shaping,
        quiet=quiet,
        say=hush if quiet else say,
    )
    report = write_report(done.path)
    if as_json:
        show_json({"study": str(done.path), "report": str(report)} | done.content)
        return
    verdict = done.verdict
    print(f"\nVerdict: {verdict['outcome']}\n{verdict['sentence']}\n")
    rows = [["arm", "validation", "test", "generated share", "time a seed"]]
    rows += [
        [
            arm["name"],
            numbers.percent_over_seeds(arm["validation_accuracy"]),
            numbers.percent_over_seeds(arm["test_accuracy"]),
            numbers.alternatives(arm["share"]),
            numbers.duration(numbers.mean(arm["seconds"])),
        ]
        for arm in done.content["arms"]
    ]
    show_table(rows)
    if done.content["evaluation"]:
        _show_figures(done.content["evaluation"])
    print(f"\nGenerated images: {done.path / 'generated.png'}\nReport: {report}")


@shaped
def train(
    data: Data,
    out: Out = None,
    images: Annotated[str | None, typer.Option(help="Budget in images seen, exactly, such as 200k.")] = None,
    minutes: Annotated[float | None, typer.Option(help="Budget in minutes (instead of --images).")] = None,
    preset: Preset = "residual",
    seed: Seed = 0,
    settings: Settings = [],  # noqa: B006  # typer copies it
    device: Device = "auto",
    precision: Precision = "auto",
    data_root: DataRoot = None,
    shaping: Any = None,
    rescue: Annotated[bool, typer.Option("--rescue", help="Change the game by itself where it goes wrong.")] = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Train a GAN on the training part of an image set."""
    from elmyr.training import train as train_gan

    run = train_gan(
        data,
        out=out,
        preset=preset,
        images=_count(images),
        minutes=minutes,
        seed=seed,
        settings=settings,
        device=device,
        precision=precision,
        data_root=data_root,
        shaping=shaping,
        rescue=rescue,
        quiet=quiet,
        say=hush if quiet else say,
    )
    _show_run(run, quiet, as_json)


def resume(run: Run, data_root: DataRoot = None, quiet: Quiet = False, as_json: AsJson = False) -> None:
    """Go on with an interrupted training as if nothing had happened."""
    from elmyr.training import resume as resume_run

    done = resume_run(run, data_root=data_root, quiet=quiet, say=hush if quiet else say)
    _show_run(done, quiet, as_json)


def sample(
    run: Run,
    count: Annotated[int, typer.Option("-n", "--count", help="How many images.", min=1)] = 100,
    out: Annotated[
        Path, typer.Option(help="An .npz, a .parquet, a .tar (WebDataset), a .png grid, or a folder.")
    ] = Path("samples.npz"),
    label: Annotated[str | None, typer.Option(help="Only this class: its name or number.")] = None,
    category: Annotated[int | None, typer.Option(help="Only this kind, of a GAN that discovered kinds.")] = None,
    seed: Annotated[int, typer.Option(help="Which samples: the same seed gives the same images.", min=0)] = 0,
    device: Device = "auto",
    precision: Precision = "auto",
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Make images with a trained GAN."""
    from elmyr.gan import GAN
    from elmyr.images import check_writable, writing_images
    from elmyr.training import open_run

    gan = GAN.load(open_run(run).path, device=device, precision=precision)
    check_writable(out)
    config = gan.config
    with writing_images(out, count=count, classes=config.classes, labeled=bool(config.classes)) as sink:
        for part in gan.samples(count, label=label, category=category, seed=seed):
            sink.add(part)
    if as_json:
        show_json({"out": str(out), "count": count})
    elif not quiet:
        say(f"{count:,} images of {config.height}x{config.width}: {out}")


@shaped
def evaluate(
    subject: Annotated[str, typer.Argument(metavar="RUN|SAMPLES", help="A run directory, an .npz or a folder.")],
    against: Annotated[Part, typer.Option(help="The part of the real images to judge against.")] = Part.test,
    data: Annotated[str | None, typer.Option(help="For samples: the real images to judge against.")] = None,
    seed: Annotated[int | None, typer.Option(help="For samples: the seed of the split.", min=0)] = None,
    use: Use = False,
    extractor: Extractor = "auto",
    extractor_seed: ExtractorSeed = 0,
    extractor_width: ExtractorWidth = 32,
    device: Device = "auto",
    precision: Precision = "auto",
    data_root: DataRoot = None,
    shaping: Any = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Say how good generated images are, each figure beside the same figure for real ones."""
    from elmyr.evaluation import evaluate as evaluate_subject
    from elmyr.report import write_report

    evaluation = evaluate_subject(
        subject,
        against=against.value,
        data=data,
        data_root=data_root,
        shaping=shaping,
        seed=seed,
        use=use,
        extractor=extractor,
        extractor_seed=extractor_seed,
        extractor_width=extractor_width,
        device=device,
        precision=precision,
        say=hush if quiet else say,
    )
    if (Path(evaluation.subject) / "config.json").is_file():
        write_report(Path(evaluation.subject))
    if as_json:
        show_json(evaluation.as_json())
    else:
        _show_figures(evaluation.as_json())


@shaped
def compare(
    subjects: Annotated[
        list[str], typer.Argument(metavar="RUN|SAMPLES …", help="Two or more: run directories, .npz files or folders.")
    ],
    against: Annotated[Part, typer.Option(help="The part of the real images to judge against.")] = Part.test,
    data: Annotated[str | None, typer.Option(help="The real images, where no run brings them.")] = None,
    seed: Annotated[int | None, typer.Option(help="The seed of the split of --data.", min=0)] = None,
    use: Use = False,
    out: Annotated[Path | None, typer.Option(help="An .html page with the figures drawn.")] = None,
    extractor: Extractor = "auto",
    extractor_seed: ExtractorSeed = 0,
    extractor_width: ExtractorWidth = 32,
    device: Device = "auto",
    precision: Precision = "auto",
    data_root: DataRoot = None,
    shaping: Any = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Say which is better, each figure of the others against the same figure of the first."""
    from elmyr.evaluation import compare as compare_subjects
    from elmyr.report import check_page, write_comparison

    if out is not None:
        check_page(out)
    comparison = compare_subjects(
        subjects,
        against=against.value,
        data=data,
        data_root=data_root,
        shaping=shaping,
        seed=seed,
        use=use,
        extractor=extractor,
        extractor_seed=extractor_seed,
        extractor_width=extractor_width,
        device=device,
        precision=precision,
        say=hush if quiet else say,
    )
    if out is not None:
        write_comparison(comparison, out)
    if as_json:
        show_json(comparison.as_json())
    else:
        _show_comparison(comparison)
        if out is not None and not quiet:
            say(f"the page: {out}")


def presets(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="One preset, with all its choices.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the presets, or all choices of one."""
    from elmyr.training.presets import preset_names, read_preset

    chosen = [name] if name else preset_names()
    content = {each: read_preset(each) for each in chosen}
    if as_json:
        show_json(content)
    elif name:
        choices = content[name]
        print(f"{choices.pop('about')}\n{choices.pop('use')}\n")
        show_table([["setting", "value"], *_flat(choices)])
        print()
        show_table([["at 32x32, 10 classes", "weights", "FLOPs an image"], *_costs(name)])
    else:
        show_table([row for n, c in content.items() for row in ([n, c["about"]], ["", f"use: {c['use']}"])])


def _show_run(run: Any, quiet: bool, as_json: bool) -> None:
    from elmyr.files import read_json
    from elmyr.report import write_report

    report = write_report(run.path)
    if as_json:
        show_json({"run": str(run.path), "report": str(report)} | read_json(run.summary))
    elif not quiet:
        say(f"the report: {report}")
        say(f"next:  elmyr sample {run.path} -n 1000 --out samples.npz")
        say(f"       elmyr evaluate {run.path}")


def _show_figures(evaluation: dict[str, Any]) -> None:
    from elmyr.report.numbers import number

    rows = [["figure", "generated", "95 % interval", "yardstick (real)", "best is"]]
    for figure in evaluation["figures"]:
        interval = "" if figure["low"] is None else f"{number(figure['low'])} to {number(figure['high'])}"
        rows.append([figure["title"], number(figure["value"]), interval, number(figure["yardstick"]), figure["better"]])
    print(f"\n{evaluation['subject']}: {_conditions(evaluation)}")
    show_table(rows)


def _conditions(of: dict[str, Any]) -> str:
    """Without which a figure means nothing."""
    extractor = of["extractor"]
    about = [f"{extractor['dimension']} features"]
    about += [f"{name} {extractor[name]}" for name in ("seed", "width") if name in extractor]
    return (
        f"{of['count']:,} images a side, against the {of['against']} part of {of['data']} (split {of['split_seed']}), "
        f"extractor '{extractor['name']}' ({', '.join(about)})"
    )


def _show_comparison(comparison: Any) -> None:
    from elmyr.report.numbers import number

    first, *others = comparison.subjects
    print(f"\n{_conditions(comparison.as_json())}")
    for place, other in enumerate(others, 1):
        print(f"\n{other} compared with {first}")
        rows = [["figure", "yardstick (real)", "first", "this", "difference", "95 % interval", "this is"]]
        for row in comparison.rows:
            side = row.sides[place]
            apart, low, high = side.difference
            interval = f"{number(low)} to {number(high)}"
            known = [number(row.yardstick), number(row.sides[0].value), number(side.value), number(apart), interval]
            rows.append([row.title, *known, side.outcome])
        show_table(rows)


def _count(text: str | None) -> int | None:
    """`200000`, `200k` or `1.5M` as a number."""
    from elmyr.errors import InputError

    if text is None:
        return None
    unit = {"k": 1_000, "m": 1_000_000}.get(text[-1:].lower(), 1)
    try:
        number = Decimal(text[:-1] if unit > 1 else text) * unit
    except InvalidOperation:
        number = Decimal("nan")
    if not number.is_finite() or number.adjusted() > 15 or number < 1 or number != int(number):
        raise InputError(f"--images is '{text}': give a whole number of at least 1, such as 200k")
    return int(number)


def _costs(preset: str) -> list[list[str]]:
    from elmyr.training.config import example_config

    rows = []
    for kind, channels in (("gray", 1), ("color", 3)):
        costs = example_config(preset, channels).costs()
        for net, cost in zip(("generator", "discriminator"), costs, strict=True):
            rows.append([f"{net}, {kind}", f"{cost.parameters:,}", f"{cost.flops / 1e6:,.1f} M"])
    return rows


def _flat(choices: dict[str, Any], prefix: str = "") -> list[list[str]]:
    rows = []
    for key, value in choices.items():
        rows += _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else [[prefix + key, str(value)]]
    return rows
