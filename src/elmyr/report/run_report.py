"""The page of a run: what the GAN makes, how it came to make it, and how to make it again."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from elmyr.evaluation.answers import Results
from elmyr.report import numbers
from elmyr.report.evidence import (
    copies_section,
    copies_sentence,
    map_of_images,
    missing_section,
    people_section,
    people_sentence,
)
from elmyr.report.markup import Markup, join, tag
from elmyr.report.page import facts_table, note, page, section
from elmyr.report.pictures import embedded
from elmyr.report.records import Evaluation, flattened, read_evaluations, read_metrics, read_people, read_table
from elmyr.report.sections import commands, curves, evaluation_table, extremes, foot, settings, side_by_side, versions
from elmyr.report.words import ENGLISH, Words
from elmyr.training.collapse import Collapse, collapse_in
from elmyr.training.rundir import beside_evaluation

FACTS = {
    "preset": "preset",
    "data": "data.source",
    "training images": "data.images",
    "seed": "seed",
    "training images processed": "loop.images",
    "batch": "loop.batch",
    "device": "device",
    "numeric precision": "precision",
}
FIRST, LAST = 3, 3  # previews shown; what lies between is left out


def run_page(folder: Path, words: Words = ENGLISH) -> str:
    """The HTML of a run directory."""
    config, environment = read_table(folder / "config.json"), read_table(folder / "environment.json")
    gan = config.get("gan")
    classes = gan.get("classes") if isinstance(gan, dict) else None
    training = curves([read_metrics(folder / "metrics.jsonl")], words)
    evaluations, people = read_evaluations(folder), read_people(folder)
    usual, evaluation = next(iter(evaluations.items()), (folder / "evaluation.json", None))
    copies = evaluation.copies if evaluation else None
    name = shlex.quote(str(folder))
    against_images = note(words("Horizontal axis: training images processed (images seen)."))
    return page(
        _title(config, folder, words),
        _opening(config, read_table(folder / "summary.json"), evaluation, people.results, words),
        side_by_side(folder, [str(name) for name in classes] if isinstance(classes, list) else [], words),
        section(words("How good the images are"), _figures(folder, evaluations, words)),
        copies_section(copies, beside_evaluation(usual, "pairs"), words),
        people_section(people.results, words),
        _previews(folder, words),
        section(words("Training curves"), against_images, training) if training else "",
        missing_section(evaluation, people, name, words),
        section(
            words("How this was made"),
            facts_table(words("Data and budget"), _facts(config, words)),
            settings(config, words),
            commands(
                [environment["command"]] if isinstance(environment.get("command"), str) else [], words("The command")
            ),
            commands(
                [f"elmyr {verb} {name}" for verb in ("sample", "evaluate", "survey", "report")],
                words("Next commands"),
            ),
            versions(environment, words),
        ),
        foot=foot(environment, words),
        words=words,
    )


def _title(config: dict[str, Any], folder: Path, words: Words) -> str:
    name = dict(flattened(config)).get("data.name")
    return words("elmyr run on {name}", name=name) if name else words("elmyr run {name}", name=folder.resolve().name)


def _opening(
    config: dict[str, Any],
    summary: dict[str, Any],
    evaluation: Evaluation | None,
    people: Sequence[Results],
    words: Words,
) -> Markup:
    images, seconds, speed = (_value(summary, key) for key in ("images", "seconds", "images_per_second"))
    if images is None:
        return Markup()
    told = words("{images} training images processed.", images=numbers.count(images))
    if seconds is not None:
        told = words(
            "{images} training images processed in {time}.",
            images=numbers.count(images), time=numbers.duration(seconds),
        )  # fmt: skip
    aside = [words("{count} images a second", count=numbers.count(speed))] if speed is not None else []
    aside += [f"{words(key)} {config[key]}" for key in ("preset", "seed") if config.get(key) is not None]
    found = [people_sentence(one, words) for one in people]
    if evaluation is not None and evaluation.copies is not None:
        found.append(copies_sentence(evaluation.copies, words))
    return tag(
        "section",
        *_collapsed(collapse_in(summary), words),
        tag("p", told, class_="sentence"),
        note(" \u00b7 ".join(aside)) if aside else "",
        *(tag("p", line) for line in found),
        *(note(line) for line in _troubles(summary, words)),
        class_="opening",
    )


def _collapsed(collapse: Collapse | None, words: Words) -> list[Markup]:
    """In large letters, with cause and fix; nothing of a run that did not collapse."""
    if collapse is None:
        return []
    template, values = collapse.message
    values |= {"trouble": words(collapse.trouble)}
    return [
        tag("p", words("collapsed"), class_="short word worse"),
        tag("p", words(template, **values), class_="sentence"),
    ]


def _troubles(summary: dict[str, Any], words: Words) -> list[str]:
    """What the training monitor found, and which settings were changed or proposed."""
    found = summary.get("troubles")
    return [_trouble(told, words) for told in found if isinstance(told, dict)] if isinstance(found, list) else []


def _trouble(told: dict[str, Any], words: Words) -> str:
    settings = [f"{name}={value}" for key in ("rescued_with", "try") for name, value in told.get(key, {}).items()]
    values = {
        "images": f"{told.get('images'):,}",
        "trouble": words(str(told.get("trouble"))),
        "settings": ", ".join(settings),
    }
    if "rescued_with" in told:
        return words(
            "Training monitor, after {images} images: {trouble}; training continued with {settings}.", **values
        )
    return words("Training monitor, after {images} images: {trouble}; settings to try: {settings}.", **values)


def _value(table: dict[str, Any], key: str) -> float | None:
    value = table.get(key)
    return float(value) if isinstance(value, int | float) and numbers.is_finite(value) else None


def _previews(folder: Path, words: Words) -> Markup:
    files = sorted((folder / "previews").glob("*.png"))
    chosen = files if len(files) <= FIRST + LAST else files[:FIRST] + files[-LAST:]
    shown = [_preview(file, _seen(file, words), "generated", words) for file in chosen]
    shown.append(_preview(folder / "reals.png", words("real images"), "real", words))
    shown = [figure for figure in shown if figure]
    if not shown:
        return Markup()
    told = words("The same latent vectors at each step of the training.")
    if len(files) > len(chosen):
        told += words(" {count} between them are left out.", count=len(files) - len(chosen))
    return section(words("Images during training"), note(told), tag("div", *shown, class_="small blocks"))


def _preview(file: Path, caption: str, side: str, words: Words) -> Markup:
    alt = words("Grid of {side} images, {caption}", side=words(side), caption=caption)
    picture = embedded(file, alt)
    return tag("figure", tag("figcaption", caption, class_=f"side {side}"), picture) if picture else Markup()


def _seen(file: Path, words: Words) -> str:
    position = file.stem.rpartition("-")[2]
    return words("after {images} images", images=f"{int(position):,}") if position.isdecimal() else file.stem


def _figures(folder: Path, evaluations: dict[Path, Evaluation], words: Words) -> Markup:
    """Of each evaluation under its conditions, where there are several."""
    if evaluations:
        return join(*(_figures_of(path, one, len(evaluations), words) for path, one in evaluations.items()))
    return join(
        note(words("Not measured yet. This command measures it; the report made after it shows the figures:")),
        tag("pre", tag("code", f"elmyr evaluate {shlex.quote(str(folder))}")),
    )


def _figures_of(path: Path, evaluation: Evaluation, of: int, words: Words) -> Markup:
    shown = evaluation_table(evaluation, words), extremes(path, words), map_of_images(evaluation, words)
    name = evaluation.extractor.name if evaluation.extractor else path.stem
    return join(tag("h3", words("By the feature extractor \u201c{name}\u201d", name=name)) if of > 1 else "", *shown)


def _facts(config: dict[str, Any], words: Words) -> list[tuple[str, str]]:
    settings = dict(flattened(config))
    return [(words(name), settings[key]) for name, key in FACTS.items() if settings.get(key, "null") != "null"]
