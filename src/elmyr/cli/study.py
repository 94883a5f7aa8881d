"""The command of the main job: planned, conducted, shown."""

from __future__ import annotations

from functools import partial
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
    Settings,
    Threads,
    clustered,
    image_count,
    several,
    shaped,
    spread,
)
from elmyr.cli.show import hush, say, show_figures, show_json, show_table
from elmyr.core.errors import InputError
from elmyr.core.plugins import with_plugins


def _choices(
    images_per_class: Annotated[
        str | None, typer.Option(metavar="N,…,all", help="Data-scarcity scenario: so many training images per class.")
    ] = None,
    labels_per_class: Annotated[
        str | None, typer.Option(metavar="N,…,all", help="So many labels per class; the other images are unlabeled.")
    ] = None,
    imbalance: Annotated[
        str | None,
        typer.Option(metavar="N,…,all", help="Long tail: the first class has so many times the images of the last."),
    ] = None,
    label_noise: Annotated[
        str | None, typer.Option(metavar="SHARE,…,all", help="This share of the training labels is wrong.")
    ] = None,
    folds: Annotated[
        str,
        typer.Option(
            metavar="N|auto|none",
            help="Cross-validation: a seed tests one of N folds. auto: 5 where a class had fewer than 10 test images.",
        ),
    ] = "auto",
    images: Annotated[str | None, typer.Option(help="Budget of each GAN in images seen, such as 200k.")] = None,
    seeds: Annotated[int, typer.Option(help="How many seeds: each a new split, GAN and recognizers.")] = 5,
    seed: Annotated[int, typer.Option(help="The first of the seeds.", min=0)] = 0,
    updates: Annotated[int | None, typer.Option(help="Updates of each recognizer.")] = None,
    effort: Annotated[
        str, typer.Option(help="How many ways to train the recognizer are tried: quick, standard or thorough.")
    ] = "quick",
    borrow: Annotated[
        str | None, typer.Option(metavar="OTHER", help="Labeled images of other classes, to learn from as well.")
    ] = None,
    recognizers: Annotated[
        int, typer.Option(help="Recognizers of the two best ways on each GAN: a narrower interval for little time.")
    ] = 1,
    robust: Annotated[
        str | None,
        typer.Option(
            metavar="EPSILON",
            help="Compare ways to withstand attacks that change a pixel by at most so much: 0.3, 8/255.",
        ),
    ] = None,
    processes: Annotated[int, typer.Option(help="Number of parallel processes; 0: one a core, or one on a GPU.")] = 0,
    retrain: Annotated[
        bool, typer.Option("--retrain", help="Train the best once more in the end, on the validation part, too.")
    ] = False,
    allow_duplicates: Annotated[
        bool, typer.Option("--allow-duplicates", help="Test images may be training images, too.")
    ] = False,
    preset: Preset = "residual",
    settings: Settings = [],  # noqa: B006  # typer copies it
    device: Device = "auto",
    threads: Threads = "auto",
    precision: Precision = "auto",
    data_root: DataRoot = None,
    shaping: Any = None,
) -> Any:
    """All that makes a study, but its data."""
    from elmyr.studies import StudyAsk, parse_folds
    from elmyr.tasks.recognition.robust.config import epsilon_of

    noise = several(label_noise, "label-noise", float)
    return partial(
        StudyAsk,
        seeds=seeds,
        seed=seed,
        images=image_count(images),
        updates=updates,
        preset=preset,
        settings=tuple(settings),
        device=device,
        threads=threads,
        precision=precision,
        data_root=data_root,
        shaping=shaping,
        images_per_class=several(images_per_class, "images-per-class", int),
        imbalance=several(imbalance, "imbalance", float),
        label_noise=None if noise is None else [share or 0.0 for share in noise],
        labels_per_class=several(labels_per_class, "labels-per-class", int),
        folds=parse_folds(folds),
        processes=processes,
        allow_duplicates=allow_duplicates,
        effort=effort,
        borrow=borrow,
        retrain=retrain,
        recognizers=recognizers,
        robust=None if robust is None else epsilon_of(robust),
    )


@clustered
@shaped
@partial(spread, name="choices", options=_choices)
def study(
    data: Data,
    out: Out = None,
    budget: Annotated[
        str | None, typer.Option(help="Time limit, such as 2h: a smaller effort and fewer seeds, so that it fits.")
    ] = None,
    seeds_at_most: Annotated[
        int | None, typer.Option(help="Add seeds until it is decided, up to so many; the error over all looks is 5 %.")
    ] = None,
    plan: Annotated[bool, typer.Option("--plan", help="Show what would run and the estimated time, and stop.")] = False,
    detect: Annotated[
        float | None, typer.Option(metavar="POINTS", help="With --plan: seeds needed for such a difference (1).")
    ] = None,
    choices: Any = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """The main job: does a GAN make a recognizer of these images better? Gives a verdict and a report."""
    from elmyr.core.amounts import seconds_of
    from elmyr.studies import conduct, make_study_plan, rehearse_study
    from elmyr.studies.power import DETECTED, seeds_needed

    if detect is not None and not plan:
        raise InputError("--detect tells the seeds that are needed before anything is trained: add --plan")
    ask, speak, seconds = (
        choices(data, seeds_at_most=seeds_at_most),
        hush if quiet else say,
        seconds_of(budget, "--budget"),
    )
    if plan:
        config = make_study_plan(ask, speak)
        points = DETECTED if detect is None else detect
        needed = seeds_needed(config, points)
        _show_plan(*rehearse_study(config, seconds, speak), points, needed, as_json)
        return
    show_study(conduct(ask, out=out, budget=seconds, quiet=quiet, say=speak), as_json)


def show_study(done: Any, as_json: bool) -> None:
    """Verdicts, arms, figures, and where the report is."""
    from elmyr.report import write_report
    from elmyr.report.pages.study_report import COLLAPSED, GUESSED, REPAIR, guessed
    from elmyr.tasks.recognition import told_of_few

    report = write_report(done.path)
    if as_json:
        show_json({"study": str(done.path), "report": str(report)} | done.content)
        return
    for cell in done.content["cells"]:
        verdict, several_cells = cell["verdict"], len(done.content["cells"]) > 1
        print(f"\n{cell['name'] + ': ' if several_cells else 'Verdict: '}{verdict['outcome']}\n{verdict['sentence']}")
        if cell["collapsed"]:
            print("\n" + COLLAPSED.format(seeds=", ".join(map(str, cell["collapsed"]))))
            print(REPAIR.format(settings=cell["repair"]))
        if (chance := guessed(cell["confusion"])) is not None:
            print("\n" + GUESSED.format(chance=chance))
    _show_best(done)
    for cell in done.content["cells"]:
        print(f"\n{cell['name']}:" if len(done.content["cells"]) > 1 else "")
        show_table(_rows(cell, done.content["classes"]))
        if few := told_of_few(done.content["classes"], cell["tested"]):
            print(f"\n{few}")
        if cell["evaluation"]:
            show_figures(cell["evaluation"])
    if done.content["to_decide"]:
        print(f"\nTo decide it: {with_plugins(done.content['to_decide'])}")
    print(f"\nGenerated images: {done.path / 'generated.png'}\nReport: {report}")


def _show_best(done: Any) -> None:
    """The recognizer that is handed over, how it is used, and what to do next."""
    from elmyr.studies.best.card import told_of_test

    best = done.content["best"]
    print(
        f"\nBest recognizer: {best['arm']}, {best['measure']} on the test images {told_of_test(best, done.content)}\n"
        f"It is in {done.path / best['folder']}; use it: {with_plugins(f'elmyr predict {done.path} IMAGES')}"
    )
    for step in done.content["next"]:
        print(f"Next: {step['sentence']}")


def _rows(cell: dict[str, Any], classes: list[str]) -> list[list[str]]:
    """A row an arm; accuracy and the lowest recall beside the balanced accuracy where that is what decides."""
    from elmyr.report.parts import numbers

    balanced = cell["measure"] != "accuracy"
    more = ["test accuracy", "lowest recall"] if balanced else []
    rows = [
        ["arm", f"validation {cell['measure']}", f"test {cell['measure']}", *more, "generated share", "time a seed"]
    ]
    for arm in cell["arms"]:
        lowest = min((share, name) for share, name in zip(arm["recalls"], classes, strict=True) if share is not None)
        repeated = arm["recognizers"] > 1
        told = [numbers.percent_over_seeds(arm["accuracy"]), f"{lowest[1]} {numbers.percent(lowest[0])}"]
        rows.append(
            [
                arm["name"],
                numbers.percent_over_seeds(arm["validation"]),
                numbers.percent_over_seeds(arm["test"]) + (f", mean of {arm['recognizers']}" if repeated else ""),
                *(told if balanced else []),
                numbers.alternatives(share for share in arm["share"] if share),
                numbers.duration(numbers.mean(arm["seconds"])),
            ]
        )
    return rows


def _show_plan(config: Any, estimate: Any, points: float, needed: dict[float, int | None], as_json: bool) -> None:
    """What would run and how long that takes; `needed`: the seeds that find such a difference, by spread."""
    from elmyr.report.parts.numbers import duration
    from elmyr.studies.power import OF_GANS

    if as_json:
        rows = [{"cell": cell, "what": what, "seconds": spent} for cell, what, spent in estimate.rows(config)]
        shown = {"config": config.model_dump(mode="json"), "pieces_of_a_seed": rows, "seconds": estimate.seconds()}
        show_json(shown | {"points": points, "seeds_needed": [{"spread": s, "seeds": n} for s, n in needed.items()]})
        return
    show_table(
        [
            ["trouble", "trained", "time a seed"],
            *([c, what, duration(spent)] for c, what, spent in estimate.rows(config)),
        ]
    )
    count = len(config.seeds)
    more = f" (up to {config.most} until it is decided: about {duration(estimate.seconds())})" if config.looks else ""
    print(
        f"\neffort {config.effort}: {count} seeds, {config.images:,} images seen by each GAN, {config.updates:,} "
        f"updates of each recognizer, {config.processes} at once: about {duration(estimate.seconds(count))} here, and "
        f"the figures of the first GAN{more}"
    )
    print(f"\nTo find a difference of {points:g} percentage points in 8 of 10 studies:")
    show_table(
        [
            ["if trainings differ by, points", "seeds needed"],
            *([f"{spread:g}", "more than 200" if seeds is None else str(seeds)] for spread, seeds in needed.items()),
        ]
    )
    assumed = "standard deviation of the difference over seeds; one side alone is right on 2 % of the test images"
    if config.recognizers > 1:
        assumed += (
            f"; {config.recognizers} recognizers a seed, where one brings {100 * (1 - OF_GANS):.0f} % of the variance"
        )
    print(f"({assumed})")
