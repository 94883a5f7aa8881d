"""The commands: each parses its words, calls the library, and shows what came of it."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from elmyr.cli.options import AsJson, DataRoot, Device, Part, Precision, Quiet, computing, formed, shaped, spread
from elmyr.cli.show import conditions, hush, say, show_figures, show_json, show_table
from elmyr.evaluation.extractors import AUTO, EXTRACTORS, FORMS, WIDTH
from elmyr.evaluation.published.conventions import CONVENTIONS
from elmyr.evaluation.requested import REQUESTED


def _judging_options(
    against: Annotated[Part, typer.Option(help="The part of the real images to compare with.")] = Part.test,
    seed: Annotated[int | None, typer.Option(help="The seed of the split of --data, without a run.", min=0)] = None,
    use: Annotated[bool, typer.Option("--use", help="Also downstream classification by generated images.")] = False,
    extractor: Annotated[
        str,
        typer.Option(
            metavar="|".join(["NAME", *FORMS]),
            help=f"Feature extractor: {', '.join([AUTO, *EXTRACTORS])}; or a network of your own, by its place.",
        ),
    ] = AUTO,
    extractor_seed: Annotated[int, typer.Option(help="Seed of the extractor's weights.", min=0)] = 0,
    extractor_width: Annotated[int, typer.Option(help="Channels of the extractor's first convolution.")] = WIDTH,
    figures: Annotated[
        str | None,
        typer.Option(metavar="A,B,…", help=f"Further figures: {', '.join(REQUESTED)}."),
    ] = None,
    convention: Annotated[
        str | None,
        typer.Option("--as", metavar="PACKAGE", help=f"By the conventions of one of {', '.join(CONVENTIONS)}."),
    ] = None,
    extractor_weights: Annotated[
        str | None, typer.Option(metavar="FILE", help="The extractor's weights, where it needs a file of them.")
    ] = None,
    device: Device = "auto",
    precision: Annotated[
        str, typer.Option(help="auto, bf16 or fp32; auto is fp32 for a published network or your own as the extractor.")
    ] = "auto",
    data_root: DataRoot = None,
    quiet: Quiet = False,
) -> dict[str, Any]:
    """What `elmyr.evaluate` and `elmyr.compare` are asked alike."""
    return {
        "against": against.value,
        "seed": seed,
        "use": use,
        "extractor": extractor,
        "extractor_seed": extractor_seed,
        "extractor_width": extractor_width,
        "extractor_weights": extractor_weights,
        "convention": convention,
        "figures": [name.strip() for name in (figures or "").split(",") if name.strip()],
        "device": device,
        "precision": precision,
        "data_root": data_root,
        "say": hush if quiet else say,
        "quiet": quiet,
    }


judged = partial(spread, name="judging", options=_judging_options)


@computing
@shaped
@judged
def evaluate(
    subject: Annotated[str, typer.Argument(metavar="RUN|SAMPLES", help="A run directory, an .npz or a folder.")],
    data: Annotated[
        str | None,
        typer.Option(help="For samples: the real images to compare with; for a run: where its images are now."),
    ] = None,
    stats: Annotated[
        Path | None, typer.Option(metavar="FILE", help="An .npz with mu and sigma that stands for the real images.")
    ] = None,
    save_stats: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Keep mu and sigma of the real images, as pytorch-fid has them.")
    ] = None,
    judging: Any = None,
    shaping: Any = None,
    as_json: AsJson = False,
) -> None:
    """Measure generated images, each figure beside its real-data baseline."""
    from elmyr.evaluation import evaluate as evaluate_subject
    from elmyr.report import write_report

    evaluation = evaluate_subject(
        subject, data=data, shaping=shaping, statistics=stats, save_statistics=save_stats, **judging
    )
    if (Path(evaluation.subject) / "config.json").is_file():
        write_report(Path(evaluation.subject))
    if as_json:
        show_json(evaluation.as_json())
    else:
        show_figures(evaluation.as_json())


@computing
@formed
@judged
def compare(
    subjects: Annotated[
        list[str], typer.Argument(metavar="RUN|SAMPLES …", help="Two or more: run directories, .npz files or folders.")
    ],
    data: Annotated[str | None, typer.Option(help="The real images, if none of the subjects is a run.")] = None,
    out: Annotated[Path | None, typer.Option(help="An .html page with the figures drawn.")] = None,
    judging: Any = None,
    shaping: Any = None,
    as_json: AsJson = False,
) -> None:
    """Compare runs or sets of samples, figure by figure, with the first of them."""
    from elmyr.evaluation import compare as compare_subjects
    from elmyr.report import check_page, write_comparison

    if out is not None:
        check_page(out)
    comparison = compare_subjects(subjects, data=data, shaping=shaping, **judging)
    if out is not None:
        write_comparison(comparison, out)
    if as_json:
        show_json(comparison.as_json())
    else:
        _show_comparison(comparison)
        if out is not None:
            judging["say"](f"the page: {out}")


def presets(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="One preset, with all its settings.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the presets, or all settings of one."""
    from elmyr.engine.rules import flattened
    from elmyr.tasks.gan.presets import narrated, preset_names, read_preset

    if as_json:
        show_json({each: read_preset(each) for each in ([name] if name else preset_names())})
    elif name:
        choices = read_preset(name)
        print(f"{choices.pop('about')}\n{choices.pop('use')}\n")
        show_table([["setting", "value"], *([key, str(value)] for key, value in flattened(choices).items())])
        print()
        show_table([["at 32x32, 10 classes", "weights", "FLOPs per image"], *_costs(name)])
    else:
        told = {each: narrated(each) for each in preset_names()}
        show_table([row for each, (about, use) in told.items() for row in ([each, about], ["", f"use: {use}"])])


@computing
def doctor(
    bench: Annotated[bool, typer.Option("--bench", help="Also time this machine and training on it.")] = False,
    device: Device = "auto",
    precision: Precision = "auto",
    as_json: AsJson = False,
) -> None:
    """Show what elmyr finds on this machine, and how fast it trains here."""
    from elmyr.core.doctor import examine
    from elmyr.tasks.gan.speed import measure_speed

    found: dict[str, Any] = dict(examine(device=device, precision=precision))
    speed = measure_speed(device=device, precision=precision) if bench else None
    if as_json:
        show_json(found | ({"speed": speed.as_json()} if speed else {}))
        return
    show_table([[name, value] for name, value in found.items()])
    if speed:
        print(
            f"\n3x3 convolutions, forward and backward, {speed.precision} on {speed.device}: "
            f"{speed.peak / 1e9:,.0f} GFLOP/s\n"
            f"preset residual at 28x28: {speed.images_per_second:,.0f} images/s at {speed.flops_per_image / 1e6:,.0f} "
            f"MFLOP each, {speed.share:.0%} of that\n"
            f"the default budget takes about {speed.minutes:,.0f} minutes"
        )


def _show_comparison(comparison: Any) -> None:
    from elmyr.report.pages.comparison_page import compared_rows

    first, *others = comparison.subjects
    print(f"\n{conditions(comparison.as_json())}")
    for place, other in enumerate(others, 1):
        print(f"\n{other} compared with {first}")
        head = ["figure", "real-data baseline", "first", "this", "difference", "95 % interval", "this is"]
        show_table([head, *compared_rows(comparison, place)])


def _costs(preset: str) -> list[list[str]]:
    from elmyr.tasks.gan.config import example_config

    rows = []
    for kind, channels in (("gray", 1), ("color", 3)):
        costs = example_config(preset, channels).costs()
        for net, cost in zip(("generator", "discriminator"), costs, strict=True):
            rows.append([f"{net}, {kind}", f"{cost.parameters:,}", f"{cost.flops / 1e6:,.1f} M"])
    return rows
