"""The command of a sweep: planned, conducted, shown."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from elmyr.cli.options import (
    AsJson,
    Data,
    DataRoot,
    Device,
    Out,
    Precision,
    Preset,
    Quiet,
    Seed,
    Threads,
    clustered,
    image_count,
    shaped,
)
from elmyr.cli.show import hush, say, show_json, show_table


@clustered
@shaped
def sweep(
    data: Data,
    settings: Annotated[
        list[str],
        typer.Option("--set", metavar="NAME=V1,V2,…", help="The values of a setting; of several, all combinations."),
    ] = [],  # noqa: B006  # typer copies it
    seeds: Annotated[int, typer.Option(help="How many trainings of each: another split and weights.")] = 1,
    seed: Seed = 0,
    images: Annotated[str | None, typer.Option(help="Budget of each training in images seen, such as 60k.")] = None,
    preset: Preset = "residual",
    extractor: Annotated[
        str, typer.Option(metavar="NAME", help="Whose features the figures are taken of; see: elmyr evaluate --help.")
    ] = "auto",
    out: Out = None,
    plan: Annotated[bool, typer.Option("--plan", help="Show what would run and the estimated time, and stop.")] = False,
    processes: Annotated[int, typer.Option(help="Number of parallel processes; 0: one a core, or one on a GPU.")] = 0,
    data_root: DataRoot = None,
    shaping: Any = None,
    device: Device = "auto",
    threads: Threads = "auto",
    precision: Precision = "auto",
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Train a GAN by several values of its settings: a table of FIDs on validation, the best, and what comes next."""
    from elmyr.studies.sweeps import SweepAsk, conduct, make_sweep_plan, rehearse_sweep

    speak = hush if quiet else say
    ask = SweepAsk(
        data=data,
        settings=settings,
        seeds=seeds,
        seed=seed,
        images=image_count(images),
        preset=preset,
        extractor=extractor,
        device=device,
        precision=precision,
        data_root=data_root,
        shaping=shaping,
        processes=processes,
        threads=threads,
    )
    if plan:
        config = make_sweep_plan(ask, speak)
        _show_plan(config, rehearse_sweep(config), as_json)
        return
    show_sweep(conduct(ask, out=out, quiet=quiet, say=speak), as_json)


def show_sweep(done: Any, as_json: bool) -> None:
    """A row for each variant, which is best, and where the page is."""
    from elmyr.report.pages.sweep_page import rows_of
    from elmyr.report.writing import write_report

    report = write_report(done.path)
    if as_json:
        show_json({"sweep": str(done.path), "report": str(report)} | done.content)
        return
    show_table(rows_of(done.content))
    print(f"\n{done.content['sentence']}")
    for step in done.content["next"]:
        print(f"Next, {step['what']}: {step['command']}")
    print(f"Report: {report}")


def _show_plan(config: Any, seconds: Any, as_json: bool) -> None:
    """What would be trained, and how long that takes."""
    from elmyr.report.parts.numbers import duration

    whole = len(config.seeds) * sum(seconds) / config.processes
    if as_json:
        rows = [{"name": config.name(number), "seconds": each} for number, each in enumerate(seconds)]
        show_json({"config": config.model_dump(mode="json"), "variants": rows, "seconds": whole})
        return
    show_table([["settings", "time"], *([config.name(number), duration(each)] for number, each in enumerate(seconds))])
    count = len(seconds) * len(config.seeds)
    print(
        f"\n{count} trainings of {config.images:,} images seen, {config.processes} at once: about {duration(whole)} "
        "here, and their figures"
    )
