"""The page of a study: the verdict first, then what it rests on, then how it was made."""

from pathlib import Path

from elmyr.report import numbers
from elmyr.report.figures import Dots, dot_chart, number_line
from elmyr.report.markup import Markup, join, tag
from elmyr.report.page import facts_table, figures_table, note, page, section
from elmyr.report.records import Arm, Study, Verdict, read_metrics, read_study, read_table
from elmyr.report.sections import commands, curves, evaluation_table, extremes, foot, settings, side_by_side, versions

WORDS = {"better": "Better", "worse": "Worse", "no difference shown": "No difference shown"}
COLORS = {"better": "better", "worse": "worse", "no difference shown": "same"}


def study_page(folder: Path) -> str:
    """The HTML of a study directory."""
    study = read_study(folder / "study.json")
    runs = [folder / run for run in study.gan_runs]
    several = " One line a seed." if len(runs) > 1 else ""
    training = curves([read_metrics(run / "metrics.jsonl") for run in runs])
    return page(
        f"elmyr study of {study.name}",
        _opening(study.verdict) if study.verdict else "",
        side_by_side(folder, study.classes),
        _arms(study),
        section("How good the images are", evaluation_table(study.evaluation), extremes(folder))
        if study.evaluation
        else "",
        section("How the GAN learned", note(f"Against the number of real images seen.{several}"), training)
        if training
        else "",
        _making(study, runs),
        foot=foot(study.environment),
    )


def _opening(verdict: Verdict) -> Markup:
    color = COLORS[verdict.outcome]
    ends = f"{numbers.points(verdict.low)} to {numbers.points(verdict.high)}"
    strong = tag("strong", f"{numbers.points(verdict.difference)} percentage points")
    difference = tag("p", strong, f" of test accuracy, 95 % interval {ends}")
    line = number_line(
        verdict.difference, verdict.low, verdict.high, color=color, left="better without", right="better with the GAN"
    )
    return tag(
        "section",
        tag("p", WORDS[verdict.outcome], class_=f"word {color}"),
        tag("p", verdict.sentence, class_="sentence"),
        tag("div", difference, line, note(_compared(verdict)), class_="difference"),
        class_="opening",
        aria_label="Verdict",
    )


def _compared(verdict: Verdict) -> str:
    parts = []
    if verdict.best_with and verdict.best_without:
        parts.append(f"{verdict.best_with} minus {verdict.best_without}")
    if verdict.seeds:
        parts.append(f"{verdict.seeds} {'seed' if verdict.seeds == 1 else 'seeds'}")
    if verdict.images:
        parts.append(f"{numbers.count(verdict.images)} test images")
    return " \u00b7 ".join(parts)


def _arms(study: Study) -> Markup:
    if not study.arms:
        return Markup()
    chart = dot_chart(
        "Test accuracy",
        [Dots(arm.name, "generated" if arm.uses_gan else "real", arm.test_accuracy) for arm in study.arms],
    )
    legend = (
        "Test accuracy of the recognizer. A ring is a seed, the dot their mean, the bar its 95 % interval "
        "(t, over seeds). The axis need not begin at zero."
    )
    head = ("arm", "validation accuracy", "test accuracy", "generated share", "time a seed")
    rows = [
        (_arm_name(arm, study.verdict), numbers.percent_over_seeds(arm.validation_accuracy),
         numbers.percent_over_seeds(arm.test_accuracy), numbers.alternatives(arm.share),
         numbers.duration(numbers.mean(arm.seconds)))
        for arm in study.arms
    ]  # fmt: skip
    table = figures_table("The arms", head, rows)
    return section(
        "The ways to train the recognizer",
        join(note(legend), tag("div", chart, class_="arms")) if chart else "",
        table,
        note(
            "Mean \u00b1 standard deviation over seeds. Arms are chosen by validation accuracy, and so is, seed by "
            "seed, the generated share of the recognizer's batches; the time includes the GAN's training where it is "
            "used."
        ),
    )


def _arm_name(arm: Arm, verdict: Verdict | None) -> Markup:
    chosen = ""
    if verdict and arm.name == verdict.best_with:
        chosen = "best with the GAN"
    elif verdict and arm.name == verdict.best_without:
        chosen = "best without"
    return join(tag("span", arm.name), tag("small", chosen) if chosen else "")


def _making(study: Study, runs: list[Path]) -> Markup:
    facts = [(f"{split} images", numbers.count(size)) for split, size in study.counts.items()]
    if study.source and study.source != study.name:
        facts.insert(0, ("source", study.source))
    if study.seeds:
        facts.append(("seeds", ", ".join(map(str, study.seeds))))
    if study.recognizer_updates:
        facts.append(("recognizer updates, every arm", numbers.count(study.recognizer_updates)))
    if study.images:
        facts.append(("images the GAN sees", numbers.count(study.images)))
    config = next((read_table(run / "config.json") for run in runs if (run / "config.json").exists()), {})
    return section(
        "How this was made",
        note("A seed is a new split, a new GAN and a new recognizer; all arms of a seed share its split."),
        facts_table("Data and budget", facts),
        settings(config),
        commands(study.commands),
        versions(study.environment),
        _times(study),
    )


def _times(study: Study) -> Markup:
    parts = [("GAN training", study.gan_seconds)]
    parts += [(f"arm: {arm.name}", arm.seconds) for arm in study.arms]
    rows = [
        (name, numbers.duration(numbers.mean(seconds)), numbers.duration(sum(numbers.finite(seconds))))
        for name, seconds in parts
        if numbers.finite(seconds)
    ]
    if study.seconds is not None:
        rows.append(("the whole study", "", numbers.duration(study.seconds)))
    if not rows:
        return Markup()
    told = note(
        "An arm's time holds the GAN's training where it is used; the GAN of a seed is trained once for all its arms."
    )
    return join(tag("h3", "Time"), figures_table("Time", ("part", "a seed", "all seeds"), rows), told)
