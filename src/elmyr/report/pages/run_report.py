"""The page of a GAN's run: what it makes, how it came to make it, and how to make it again."""

from pathlib import Path
from typing import Any

from elmyr.engine.saving.places import read_config
from elmyr.engine.saving.run_directory import beside_evaluation
from elmyr.evaluation.extractors import called
from elmyr.report.parts.evidence import (
    copies_section,
    copies_sentence,
    map_of_images,
    missing_section,
    people_section,
    people_sentence,
)
from elmyr.report.parts.markup import Markup, join, tag
from elmyr.report.parts.page import note, page, section
from elmyr.report.parts.records import Evaluation, flattened, read_evaluations, read_people, read_table
from elmyr.report.parts.run_parts import (
    collapse_parts,
    how_made,
    monitor_lines,
    not_measured,
    opening,
    previews,
    quoted,
    training_curves,
)
from elmyr.report.parts.sections import evaluation_table, extremes, foot, side_by_side
from elmyr.report.words import ENGLISH, Words
from elmyr.tasks.gan.collapse import Collapse, collapse_in


def run_page(folder: Path, words: Words = ENGLISH) -> str:
    """The HTML of a run directory."""
    config, environment = read_config(folder), read_table(folder / "environment.json")
    summary = read_table(folder / "summary.json")
    gan = config.get("gan")
    classes = gan.get("classes") if isinstance(gan, dict) else None
    evaluations, people = read_evaluations(folder), read_people(folder)
    usual, evaluation = next(iter(evaluations.items()), (folder / "evaluation.json", None))
    copies = evaluation.copies if evaluation else None
    name = quoted(folder)
    found = [people_sentence(one, words) for one in people.results]
    if copies is not None:
        found.append(copies_sentence(copies, words))
    after = [
        *(tag("p", line) for line in found),
        *(note(line) for line in monitor_lines(summary.get("troubles"), words)),
    ]
    return page(
        _title(config, folder, words),
        opening(config, summary, words, before=_collapsed(collapse_in(summary), words), after=after),
        side_by_side(folder, [str(name) for name in classes] if isinstance(classes, list) else [], words),
        section(words("How good the images are"), _figures(folder, evaluations, words)),
        copies_section(copies, beside_evaluation(usual, "pairs"), words),
        people_section(people.results, words),
        previews(folder, words("The same latent vectors at each step of the training."), words),
        training_curves(folder, words),
        missing_section(evaluation, people, name, words),
        how_made(
            config, environment, words("Settings of the GAN"),
            [f"elmyr {verb} {name}" for verb in ("sample", "evaluate", "survey", "report")], words,
        ),
        foot=foot(environment, words),
        words=words,
    )  # fmt: skip


def _title(config: dict[str, Any], folder: Path, words: Words) -> str:
    name = dict(flattened(config)).get("data.name")
    return words("elmyr run on {name}", name=name) if name else words("elmyr run {name}", name=folder.resolve().name)


def _collapsed(collapse: Collapse | None, words: Words) -> list[Markup]:
    """In large letters, with cause and fix; nothing of a run that did not collapse."""
    if collapse is None:
        return []
    return [
        tag("p", words("collapsed"), class_="short word worse"),
        tag("p", *collapse_parts(collapse, words), class_="sentence"),
    ]


def _figures(folder: Path, evaluations: dict[Path, Evaluation], words: Words) -> Markup:
    """Of each evaluation under its conditions, where there are several."""
    if evaluations:
        return join(*(_figures_of(path, one, len(evaluations), words) for path, one in evaluations.items()))
    return not_measured(f"elmyr evaluate {quoted(folder)}", words)


def _figures_of(path: Path, evaluation: Evaluation, of: int, words: Words) -> Markup:
    shown = evaluation_table(evaluation, words), extremes(path, words), map_of_images(evaluation, words)
    name = called(evaluation.extractor.model_dump()) if evaluation.extractor else path.stem
    return join(tag("h3", words("By the feature extractor \u201c{name}\u201d", name=name)) if of > 1 else "", *shown)
