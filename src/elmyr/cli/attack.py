"""The command that attacks a recognizer."""

from __future__ import annotations

import shlex
import sys
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from elmyr.cli.options import AsJson, Average, DataRoot, Device, Language, Quiet, computing, spread
from elmyr.cli.show import hush, say, show_json, show_table

Model = Annotated[str, typer.Argument(metavar="MODEL", help="The run of a recognizer, or latest.")]


def _ask(
    attack: Annotated[
        str,
        typer.Option(
            metavar="NAME,…",
            help="auto (AutoAttack's order), or: noise, fgsm, pgd, apgd-ce, apgd-dlr, apgd-t, fab-t, square.",
        ),
    ] = "auto",
    epsilon: Annotated[
        str | None, typer.Option(metavar="E,…", help="Largest change, pixels being from 0 to 1: 0.3, or 4/255,8/255.")
    ] = None,
    norm: Annotated[str, typer.Option(help="How a change is measured: Linf or L2.")] = "Linf",
    count: Annotated[int, typer.Option(help="How many images.", min=1)] = 1000,
    minutes: Annotated[float | None, typer.Option(help="Begin no more images after so many minutes.")] = None,
    steps: Annotated[int | None, typer.Option(help="Steps of each attack (default: its own).", min=1)] = None,
    restarts: Annotated[int, typer.Option(help="How often attacks that draw at random are run.", min=1)] = 1,
    average: Average = 1,
    seed: Annotated[int, typer.Option(help="Seed of the choice of images and of all random steps.", min=0)] = 0,
) -> Any:
    """What is asked of the attack, as one value."""
    from elmyr.tasks.recognition.attacks.asked import AttackAsk, parse_epsilons

    return AttackAsk(
        attack=attack,
        norm=norm,  # type: ignore[arg-type]  # checked there, with the nearest name
        epsilons=() if epsilon is None else parse_epsilons(epsilon),
        count=count,
        minutes=minutes,
        steps=steps,
        restarts=restarts,
        average=average,
        seed=seed,
    )


@computing
@partial(spread, name="ask", options=_ask)
def attack(
    model: Model,
    data: Annotated[str | None, typer.Option(help="Other labeled images (default: the run's test part).")] = None,
    ask: Any = None,
    through: Annotated[
        str | None, typer.Option(metavar="RUN", help="A restorer that repairs what the recognizer is shown.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the report (default: attacks/NAME-NORM in the run).")
    ] = None,
    language: Language = "en",
    device: Device = "auto",
    data_root: DataRoot = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Try to fool a recognizer: how many images stay right under small changes that are made to mislead it."""
    from elmyr.core.notes import told_if_not_written
    from elmyr.report import write_report
    from elmyr.report.pages.attack_page import write_attack
    from elmyr.report.words import words_in
    from elmyr.tasks.recognition import images_to_read, open_recognizer
    from elmyr.tasks.recognition.attacks.measuring import attack as attacked
    from elmyr.tasks.recognition.attacks.places import check_folder, usual_folder
    from elmyr.tasks.restoration import Restorer

    words_in(language)
    restorer = None if through is None else Restorer.load(through, device=device)
    folder = usual_folder(model, ask, data, through) if out is None else check_folder(out)
    images = images_to_read(model, data=data, data_root=data_root)
    result = attacked(open_recognizer(model, device=device), images, ask, restorer=restorer, say=hush if quiet else say)
    if folder is not None:
        command = shlex.join(["elmyr", *sys.argv[1:]])
        with told_if_not_written(folder):
            page = write_attack(result, folder, command, language=language)
            if out is None:
                write_report(folder.parents[1])
            (hush if quiet else say)(f"the report: {page}")
    if as_json:
        show_json(result.as_json())
        return
    for line in result.lines():
        print(line)
    print()
    show_table(result.table())
