"""The command of the articles' systems: asked for, conducted, shown."""

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
    Quiet,
    Seed,
    Threads,
    clustered,
    formed,
    image_count,
)
from elmyr.cli.show import hush, say, show_json, show_table


@clustered
@formed
def articles(
    data: Data = "mnist",
    color: Annotated[
        str, typer.Option(metavar="DATA", help="The color images of article 3, brought to 64x64.")
    ] = "cifar10",
    only: Annotated[str | None, typer.Option(metavar="N,…", help="Only these articles, of 0 to 4.")] = None,
    effort: Annotated[str, typer.Option(help="quick, or full: as written for as long as the articles say.")] = "quick",
    images: Annotated[
        str | None, typer.Option(help="Budget of every training in images seen, instead of the effort's.")
    ] = None,
    remedies: Annotated[
        bool, typer.Option("--remedies", help="Also each remedy, one at a time, and the rescue by the monitor.")
    ] = False,
    seed: Seed = 0,
    out: Out = None,
    processes: Annotated[int, typer.Option(help="Number of parallel processes; 0: one a core, or one on a GPU.")] = 0,
    data_root: DataRoot = None,
    shaping: Any = None,
    device: Device = "auto",
    threads: Threads = "auto",
    precision: Precision = "auto",
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Train the GANs of five articles, as written and cured: what went wrong, what helps, what they are good for."""
    from elmyr.studies.articles import ArticlesAsk, conduct

    ask = ArticlesAsk(
        data=data,
        color=color,
        only=_numbers(only),
        effort=effort,
        images=image_count(images),
        remedies=remedies,
        seed=seed,
        device=device,
        threads=threads,
        precision=precision,
        data_root=data_root,
        shaping=shaping,
        processes=processes,
    )
    show_articles(conduct(ask, out=out, quiet=quiet, say=hush if quiet else say), as_json)


def show_articles(done: Any, as_json: bool) -> None:
    """A row for each system, and where the pages are."""
    from elmyr.report.writing import write_report

    pages = [write_report(done.path, language=language) for language in ("en", "zh")]
    if as_json:
        show_json({"articles": str(done.path), "reports": [str(page) for page in pages]} | done.content)
        return
    head = ["system", "as written: FID", "classes", "collapsed", "cured: FID", "classes", "conditional accuracy"]
    show_table([head, *(_row(system) for system in done.record.systems)])
    print()
    for what, path in zip(("Report", "中文"), pages, strict=True):
        print(f"{what}: {path}")
    print(f"Record: {done.path / 'articles.json'}")


def _row(system: Any) -> list[str]:
    from elmyr.report.parts.numbers import number, percent

    written, cured = system.written, system.cured
    fids = [number(each.figure("frechet_distance")) for each in (written, cured)]
    found = [
        "diverged" if each.diverged else f"{each.classes_shown} of {len(each.classes_found)}"
        for each in (written, cured)
    ]
    accuracy = cured.figure("label_accuracy")
    return [
        f"{system.number}: {system.title}",
        *(fids[0], found[0], "yes" if written.collapse else "no"),
        *(fids[1], found[1], "" if accuracy is None else percent(accuracy)),
    ]


def _numbers(text: str | None) -> list[int] | None:
    """`0,3` as [0, 3]; InputError for what is no number."""
    from elmyr.core.errors import InputError

    if text is None:
        return None
    words = [word.strip() for word in text.split(",")]
    if not all(word.isascii() and word.isdecimal() for word in words):
        raise InputError(f"--only is '{text}': give the numbers of articles with commas between, as 0,3")
    return [int(word) for word in words]
