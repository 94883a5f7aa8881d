"""The pages of runs that are neither a GAN's nor a recognizer's: what each kind calls its parts, in one table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from elmyr.engine.saving.places import read_config
from elmyr.report.parts.markup import Markup
from elmyr.report.parts.page import page, section
from elmyr.report.parts.records import flattened, read_table
from elmyr.report.parts.run_parts import how_made, not_measured, opening, previews, quoted, training_curves
from elmyr.report.parts.sections import foot
from elmyr.report.parts.task_figures import adaptation_figures, restorer_figures, translator_figures
from elmyr.report.words import ENGLISH, Words


@dataclass(frozen=True)
class Task:
    """What a page says of one kind of run; `parts` are the runs inside its folder, "" is the run itself."""

    title: str
    names: Mapping[str, str]  # the places of the title, and which setting fills each
    measured: str
    evaluate: str
    figures: Callable[[Path, str, Words], Markup]
    pictures: str
    settings: str
    following: tuple[str, ...]
    parts: tuple[str, ...] = ("",)


TASKS = {
    "restorer": Task(
        title="elmyr restorer of {name}",
        names={"name": "data.name"},
        measured="How well it repairs",
        evaluate="elmyr restorer evaluate {run}",
        figures=restorer_figures,
        pictures="From top to bottom: images as they were, damaged, repaired, and two other answers.",
        settings="Settings of the restorer",
        following=("elmyr restorer apply {run} IMAGES --out repaired", "elmyr serve {run}"),
    ),
    "translator": Task(
        title="elmyr translator from {name} to {other}",
        names={"name": "a.name", "other": "b.name"},
        measured="How well it translates",
        evaluate="elmyr translator evaluate {run}",
        figures=translator_figures,
        pictures="From top to bottom: images of each domain, their translations, and the translations back.",
        settings="Settings of the translator",
        following=("elmyr translator apply {run} IMAGES --out translated", "elmyr serve {run}"),
    ),
    "adaptation": Task(
        title="elmyr recognizer of {name} for {other}",
        names={"name": "source", "other": "target"},
        measured="How well it recognizes",
        evaluate="elmyr recognizer evaluate {run}/recognizer --data {other}",
        figures=adaptation_figures,
        pictures="From top to bottom: images of each domain, their translations, and the translations back.",
        settings="Settings of the adaptation",
        following=("elmyr predict {run}/recognizer IMAGES", "elmyr report {run}/recognizer", "elmyr serve {run}"),
        parts=("translator", "recognizer"),
    ),
}


def task_page(folder: Path, words: Words = ENGLISH) -> str:
    """The HTML of a run directory of one of these kinds."""
    config, environment = read_config(folder), read_table(folder / "environment.json")
    task, known = TASKS[str(config["kind"])], dict(flattened(config))
    names = {place: known.get(key, "?") for place, key in task.names.items()}
    run = {"run": quoted(folder)}
    evaluate = task.evaluate.format(**run, **names)
    shown = []
    for part in task.parts:
        name = f": {words(part)}" if part else ""
        shown += [
            previews(folder / part, words(task.pictures), words),
            training_curves(folder / part, words, of=name),
        ]
    return page(
        words(task.title, **names),
        opening(config, read_table(folder / "summary.json"), words),
        section(words(task.measured), task.figures(folder, evaluate, words) or not_measured(evaluate, words)),
        *shown,
        how_made(
            config, environment, words(task.settings), [line.format(**run, **names) for line in task.following], words
        ),
        foot=foot(environment, words),
        words=words,
    )


def own_page(folder: Path, words: Words = ENGLISH) -> str:
    """The HTML of a run of a task that a plug-in has added: its previews, its curves, how it was made."""
    config, environment = read_config(folder), read_table(folder / "environment.json")
    return page(
        f"elmyr {config['kind']}",
        opening(config, read_table(folder / "summary.json"), words),
        previews(folder, "", words),
        training_curves(folder, words),
        how_made(config, environment, words("Settings"), [], words),
        foot=foot(environment, words),
        words=words,
    )
