"""The page of a study: the verdict first, then what it rests on, then how it was made."""

from pathlib import Path

from elmyr.report import numbers
from elmyr.report.evidence import copies_section, map_of_images, missing_section, people_section
from elmyr.report.figures import Dots, dot_chart, number_line
from elmyr.report.markup import Markup, join, tag
from elmyr.report.page import facts_table, figures_table, note, page, section
from elmyr.report.records import Arm, Study, Verdict, read_metrics, read_people, read_study, read_table
from elmyr.report.sections import commands, curves, evaluation_table, extremes, foot, settings, side_by_side, versions
from elmyr.report.words import ENGLISH, Words

OUTCOMES = {"better": "Better", "worse": "Worse", "no difference shown": "No difference shown"}
COLORS = {"better": "better", "worse": "worse", "no difference shown": "same"}

SENTENCES = {
    "better": "The GAN makes the recognizer better.",
    "worse": "The GAN makes the recognizer worse.",
    "no difference shown": "No difference by the GAN is shown.",
}


def study_page(folder: Path, words: Words = ENGLISH) -> str:
    """The HTML of a study directory."""
    study = read_study(folder / "study.json")
    runs = [folder / run for run in study.gan_runs]
    told = words("Against the number of real images seen.") + (words(" One line a seed.") if len(runs) > 1 else "")
    training = curves([read_metrics(run / "metrics.jsonl") for run in runs], words)
    evaluation, first = study.evaluation, runs[0] if runs else None
    people = read_people(first or folder)
    parts = (
        [evaluation_table(evaluation, words), extremes(folder, words), map_of_images(evaluation, words)]
        if evaluation
        else []
    )
    return page(
        words("elmyr study of {name}", name=study.name),
        _opening(study.verdict, words) if study.verdict else "",
        side_by_side(folder, study.classes, words),
        _arms(study, words),
        section(words("How good the images are"), *parts),
        copies_section(evaluation.copies if evaluation else None, folder / "pairs.npz", words),
        people_section(people.results, words),
        section(words("How the GAN learned"), note(told), training) if training else "",
        missing_section(evaluation, people, str(first) if first is not None else None, words),
        _making(study, runs, words),
        foot=foot(study.environment, words),
        words=words,
    )


def _opening(verdict: Verdict, words: Words) -> Markup:
    color = COLORS[verdict.outcome]
    ends = {"low": numbers.points(verdict.low), "high": numbers.points(verdict.high)}
    strong = tag("strong", words("{difference} percentage points", difference=numbers.points(verdict.difference)))
    difference = tag("p", strong, words(" of test accuracy, 95 % interval {low} to {high}", **ends))
    line = number_line(
        verdict.difference, verdict.low, verdict.high, color=color, words=words,
        left=words("better without"), right=words("better with the GAN"),
    )  # fmt: skip
    return tag(
        "section",
        tag("p", words(OUTCOMES[verdict.outcome]), class_=f"word {color}"),
        tag("p", _sentence(verdict, words), class_="sentence"),
        tag("div", difference, line, note(_compared(verdict, words)), class_="difference"),
        class_="opening",
        aria_label=words("Verdict"),
    )


def _sentence(verdict: Verdict, words: Words) -> str:
    """The study's own, which is in English; in another language one of the same outcome."""
    return verdict.sentence if words is ENGLISH else words(SENTENCES[verdict.outcome])


def _compared(verdict: Verdict, words: Words) -> str:
    parts = []
    if verdict.best_with and verdict.best_without:
        parts.append(words("{a} minus {b}", a=words(verdict.best_with), b=words(verdict.best_without)))
    if verdict.seeds:
        parts.append(words("1 seed") if verdict.seeds == 1 else words("{count} seeds", count=verdict.seeds))
    if verdict.images:
        parts.append(words("{count} test images", count=numbers.count(verdict.images)))
    return " \u00b7 ".join(parts)


def _arms(study: Study, words: Words) -> Markup:
    if not study.arms:
        return Markup()
    chart = dot_chart(
        words("Test accuracy"),
        [Dots(words(arm.name), "generated" if arm.uses_gan else "real", arm.test_accuracy) for arm in study.arms],
        words,
    )
    legend = words(
        "Test accuracy of the recognizer. A ring is a seed, the dot their mean, the bar its 95 % interval "
        "(t, over seeds). The axis need not begin at zero."
    )
    head = ("arm", "validation accuracy", "test accuracy", "generated share", "time a seed")
    rows = [
        (_arm_name(arm, study.verdict, words), numbers.percent_over_seeds(arm.validation_accuracy),
         numbers.percent_over_seeds(arm.test_accuracy), numbers.alternatives(arm.share),
         numbers.duration(numbers.mean(arm.seconds)))
        for arm in study.arms
    ]  # fmt: skip
    table = figures_table(words("The arms"), list(map(words, head)), rows)
    return section(
        words("The ways to train the recognizer"),
        join(note(legend), tag("div", chart, class_="arms")) if chart else "",
        table,
        note(
            words(
                "Mean \u00b1 standard deviation over seeds. Arms are chosen by validation accuracy, and so is, seed by "
                "seed, the generated share of the recognizer's batches; the time includes the GAN's training where it "
                "is used."
            )
        ),
    )


def _arm_name(arm: Arm, verdict: Verdict | None, words: Words) -> Markup:
    chosen = ""
    if verdict and arm.name == verdict.best_with:
        chosen = words("best with the GAN")
    elif verdict and arm.name == verdict.best_without:
        chosen = words("best without")
    return join(tag("span", words(arm.name)), tag("small", chosen) if chosen else "")


def _making(study: Study, runs: list[Path], words: Words) -> Markup:
    facts = [(words(f"{split} images"), numbers.count(size)) for split, size in study.counts.items()]
    if study.source and study.source != study.name:
        facts.insert(0, (words("source"), study.source))
    if study.seeds:
        facts.append((words("seeds"), ", ".join(map(str, study.seeds))))
    if study.recognizer_updates:
        facts.append((words("recognizer updates, every arm"), numbers.count(study.recognizer_updates)))
    if study.images:
        facts.append((words("images the GAN sees"), numbers.count(study.images)))
    config = next((read_table(run / "config.json") for run in runs if (run / "config.json").exists()), {})
    return section(
        words("How this was made"),
        note(words("A seed is a new split, a new GAN and a new recognizer; all arms of a seed share its split.")),
        facts_table(words("Data and budget"), facts),
        settings(config, words),
        commands(study.commands, words("Commands to repeat it")),
        versions(study.environment, words),
        _times(study, words),
    )


def _times(study: Study, words: Words) -> Markup:
    parts = [(words("GAN training"), study.gan_seconds)]
    parts += [(words("arm: {name}", name=words(arm.name)), arm.seconds) for arm in study.arms]
    rows = [
        (name, numbers.duration(numbers.mean(seconds)), numbers.duration(sum(numbers.finite(seconds))))
        for name, seconds in parts
        if numbers.finite(seconds)
    ]
    if study.seconds is not None:
        rows.append((words("the whole study"), "", numbers.duration(study.seconds)))
    if not rows:
        return Markup()
    told = words(
        "An arm's time holds the GAN's training where it is used; the GAN of a seed is trained once for all its arms."
    )
    head = [words(column) for column in ("part", "a seed", "all seeds")]
    return join(tag("h3", words("Time")), figures_table(words("Time"), head, rows), note(told))
