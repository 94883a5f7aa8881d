"""A page says the same in every language: every message has its translation, with the same places to fill."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

import elmyr
from elmyr.core.errors import InputError
from elmyr.evaluation import copies
from elmyr.evaluation.figure_spec import BETTER
from elmyr.evaluation.figure_specs import FIGURES
from elmyr.evaluation.of_tasks import kept_figures
from elmyr.evaluation.of_tasks.repair import DAMAGED, REPAIRED
from elmyr.evaluation.published import conventions
from elmyr.report.charts import confusion
from elmyr.report.charts.curve_titles import CURVE_TITLES
from elmyr.report.pages import articles_page, attack_page, recognizer_report, study_cell, study_report, task_report
from elmyr.report.pages.articles import course, record, tables, texts
from elmyr.report.pages.articles.shown import PLUS
from elmyr.report.parts import evidence, kept_attacks, run_parts, sections, task_figures
from elmyr.report.parts.numbers import duration
from elmyr.report.words import ENGLISH, words_in
from elmyr.serving.pages.workbench_page import TABS
from elmyr.studies import next_steps
from elmyr.studies.arms import ARMS
from elmyr.studies.articles.systems import SYSTEMS
from elmyr.studies.articles.trainings import trainings_of
from elmyr.studies.sweeps import findings
from elmyr.tasks.gan import collapse
from elmyr.tasks.gan.problems import Problem
from elmyr.tasks.recognition.attacks.outcome import CHECKS, SIGNS
from elmyr.tasks.recognition.attacks.table import ATTACKS

SOURCE = Path(elmyr.__file__).parent
ROOMS = ("report", "serving")
TABLE = tomllib.loads((SOURCE / "report" / "words.zh.toml").read_text(encoding="utf-8"))


def literal_messages() -> set[str]:
    return {
        call.args[0].value
        for room in ROOMS
        for path in (SOURCE / room).rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id == "words"
        and call.args
        and isinstance(call.args[0], ast.Constant)
        and isinstance(call.args[0].value, str)
    }


def messages_of_tables() -> set[str]:
    titles = {*copies.TITLES.values(), *BETTER}
    titles |= {text for spec in FIGURES.values() for text in (spec.title, spec.meaning, spec.reason) if text}
    titles |= {meaning for spec in FIGURES.values() for _, meaning in spec.published.values()}
    logged = {*CURVE_TITLES.values(), *Problem}
    told_of_tasks = {
        text
        for task in task_report.TASKS.values()
        for text in (task.title, task.measured, task.pictures, task.settings, *filter(None, task.parts))
    }
    labels = {label for curves in sections.CURVES.values() for label, _ in curves.values()}
    outcomes = {*study_report.OUTCOMES.values(), *study_report.SENTENCES.values()}
    outcomes |= {study_report.NUMBERS, study_report.MEANS, study_report.RANGE, *study_report.RANGES.values()}
    studies = {
        *study_report.AXES.values(),
        *study_report.ERRORS.values(),
        *study_cell.TROUBLES.values(),
        "accuracy",
        "balanced accuracy",
    }
    studies |= set(next_steps.STEPS) | {*findings.SENTENCES, findings.WORSE, findings.OPEN, "best"}
    studies |= {text for arm in ARMS.values() if not arm.repetition for text in (arm.name, arm.about)}
    verdicts = {*evidence.VERDICTS.values(), *evidence.SENTENCES.values()}
    outcomes |= {study_report.COLLAPSED, study_report.REPAIR, *collapse.SENTENCES} | set(collapse.SENTENCES.values())
    keys = {*run_parts.FACTS, *sections.CURVES, *recognizer_report.HEAD, *confusion.HEAD}
    keys |= {*task_figures.REPAIR_HEAD, *task_figures.READ_HEAD, *task_figures.STROKES_HEAD, *task_figures.READING_HEAD}
    tabs = {text for tab in TABS.values() for text in (tab.title, tab.about, *filter(None, [tab.missing]))}
    keys |= messages_of_articles() | set(conventions.TEXTS)
    keys |= {*tabs, *task_figures.STROKES.values(), *kept_figures.TITLES.values(), DAMAGED, REPAIRED}
    keys |= messages_of_attacks()
    return titles | logged | labels | outcomes | studies | verdicts | told_of_tasks | keys


def messages_of_attacks() -> set[str]:
    told = {text for spec in ATTACKS.values() for text in (spec.title, spec.sees)} | {*SIGNS.values(), *CHECKS.values()}
    heads = (attack_page.LEVEL_HEAD, attack_page.ATTACK_HEAD, attack_page.CLASS_HEAD, attack_page.DAMAGE_HEAD)
    return told.union(
        *heads, attack_page.KNOWS.values(), {attack_page.UNAWARE, attack_page.DEFENDED}, kept_attacks.ATTACKS_HEAD
    )


def messages_of_articles() -> set[str]:
    told = (texts.LAYERS, texts.KINDS, texts.SETTINGS, texts.REASONS, texts.CAUSES, texts.RECOGNIZED)
    told += (course.WATCHED,)
    heads = {*tables.REMEDY_HEAD, *tables.CHANGE_HEAD, *tables.REMEDIES_TOLD, *articles_page.PARTS, "digits", "classes"}
    return {*record.VERDICTS, *heads} | {text for table in told for text in table.values()}


def texts_of_systems() -> set[str]:
    """What `elmyr articles` writes into its record for people, in English."""
    trainings = [training for system in SYSTEMS for training in trainings_of(system, remedies=True)]
    names = {training.name.removeprefix(PLUS) for training in trainings if training.kind == "remedy"}
    return names.union(*({system.title, *system.put_right, *system.troubles} for system in SYSTEMS))


def test_every_message_is_in_the_table() -> None:
    assert sorted((literal_messages() | messages_of_tables() | texts_of_systems()) - set(TABLE)) == []


def test_translations_have_the_same_places_and_are_chinese() -> None:
    for english, chinese in TABLE.items():
        assert sorted(re.findall(r"{\w*}", english)) == sorted(re.findall(r"{\w*}", chinese)), english
    assert all(
        re.search("[\u4e00-\u9fff\u3002\uff0c]|Python|Inception|FID|KID|C_T|git", chinese) or "{" in chinese
        for chinese in TABLE.values()
    )


def test_an_unknown_message_stays_and_braces_of_data_do_no_harm() -> None:
    chinese = words_in("zh")
    assert chinese("a class called {this}") == "a class called {this}"
    assert chinese("elmyr run on {name}", name="{x}") == "elmyr 训练\uff1a{x}"
    assert words_in("en") is ENGLISH
    with pytest.raises(InputError, match="no language 'zz': choose from: en, zh"):
        words_in("zz")


def test_a_duration_is_told_in_the_page_s_language() -> None:
    told = {language: [duration(s, words_in(language)) for s in (2.25, 36, 141, 3700)] for language in ("en", "zh")}
    assert told["en"] == ["2.2 s", "36 s", "2 min 21 s", "1 h 1 min"]
    assert told["zh"] == ["2.2 秒", "36 秒", "2 分钟 21 秒", "1 小时 1 分钟"]
