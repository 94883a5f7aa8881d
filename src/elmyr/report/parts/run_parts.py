"""The parts that the page of every run has, whatever was trained: opening, previews, curves, how it was made."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from elmyr.core.plugins import with_plugins
from elmyr.report.charts.pictures import embedded
from elmyr.report.parts import numbers
from elmyr.report.parts.markup import Markup, join, tag
from elmyr.report.parts.page import facts_table, note, section
from elmyr.report.parts.records import flattened, read_metrics
from elmyr.report.parts.sections import commands, curves, settings, versions
from elmyr.report.words import Words
from elmyr.tasks.gan.collapse import Collapse, written

# What a reader calls a setting, and where the config of one kind of run or another holds it.
FACTS = {
    "preset": ("preset",),
    "method": ("parameters.method", "choices.method"),
    "damage": ("corruption",),
    "data": ("data.source", "source"),
    "from": ("a.source",),
    "to": ("b.source", "target"),
    "training images": ("data.images", "a.images"),
    "seed": ("seed",),
    "training images processed": ("loop.images",),
    "updates": ("parameters.updates", "updates"),
    "batch": ("loop.batch",),
    "device": ("device",),
    "numeric precision": ("precision",),
}
COUNTS = ("training images", "training images processed", "updates")
ASIDE = ("preset", "method", "damage", "seed")
FIRST, LAST = 3, 3  # previews shown; what lies between is left out


def facts_of(config: Mapping[str, Any], words: Words) -> dict[str, str]:
    """The facts that a config holds, by their English names."""
    known = dict(flattened(dict(config)))
    found = {
        name: next((known[key] for key in keys if known.get(key, "null") != "null"), "") for name, keys in FACTS.items()
    }
    return {
        name: numbers.count(int(value)) if name in COUNTS and value.isdecimal() else value
        for name, value in found.items()
        if value
    }


def opening(
    config: Mapping[str, Any],
    summary: Mapping[str, Any],
    words: Words,
    *,
    before: Sequence[str] = (),
    after: Sequence[str] = (),
) -> Markup:
    """What a run came to: `before` in large letters, then images and time, then `after`."""
    images, seconds, speed = (_value(summary, key) for key in ("images", "seconds", "images_per_second"))
    if images is None and not before:
        return Markup()
    told = ""
    if images is not None and seconds is not None:
        told = words(
            "{images} training images processed in {time}.",
            images=numbers.count(images), time=numbers.duration(seconds, words),
        )  # fmt: skip
    elif images is not None:
        told = words("{images} training images processed.", images=numbers.count(images))
    aside = [words("{count} images a second", count=numbers.count(speed))] if speed is not None else []
    facts = facts_of(config, words)
    aside += [f"{words(name)} {facts[name]}" for name in ASIDE if name in facts]
    return tag(
        "section",
        *before,
        tag("p", told, class_="sentence") if told else "",
        note(" \u00b7 ".join(aside)) if aside else "",
        *after,
        class_="opening",
    )


def previews(folder: Path, told: str, words: Words) -> Markup:
    """The first and last pictures that the training made; `told` says what is in them."""
    files = sorted(file for file in (folder / "previews").glob("*.png") if not file.is_symlink())
    chosen = files if len(files) <= FIRST + LAST else files[:FIRST] + files[-LAST:]
    shown = [_preview(file, _seen(file, words), "generated", words) for file in chosen]
    shown.append(_preview(folder / "reals.png", words("real images"), "real", words))
    shown = [figure for figure in shown if figure]
    if not shown:
        return Markup()
    if len(files) > len(chosen):
        told += words(" {count} between them are left out.", count=len(files) - len(chosen))
    return section(words("Images during training"), note(told), tag("div", *shown, class_="small blocks"))


def training_curves(folder: Path, words: Words, *, of: str = "") -> Markup:
    """What `metrics.jsonl` holds, drawn; `of` is said behind the title."""
    drawn = curves([read_metrics(folder / "metrics.jsonl")], words)
    told = note(words("Horizontal axis: training images processed (images seen)."))
    return section(words("Training curves") + of, told, drawn) if drawn else Markup()


def not_measured(command: str, words: Words) -> Markup:
    """Which command measures what the page would show."""
    return join(
        note(words("Not measured yet. This command measures it; the report made after it shows the figures:")),
        tag("pre", tag("code", with_plugins(command))),
    )


def monitor_lines(found: object, words: Words) -> list[str]:
    """What the training monitor found, as `summary.json` lists it, and which settings were changed or proposed."""
    return [_trouble(told, words) for told in found if isinstance(told, dict)] if isinstance(found, list) else []


def collapse_parts(collapse: Collapse, words: Words) -> list[str]:
    """What a training ended in, with cause and fix, in pieces; each setting to try stays in one line."""
    template, values = collapse.message
    here = "\0"  # where the settings stand
    told = words(template, **values | {"trouble": words(collapse.trouble), "settings": here}).split(here)
    settings = [tag("code", f"--set {setting}", class_="whole") for setting in written(collapse.settings)]
    return [told[0], join(*settings), *told[1:]]


def _trouble(told: dict[str, Any], words: Words) -> str:
    given = [told[key] for key in ("rescued_with", "try") if isinstance(told.get(key), dict)]
    new = {"generator": words("a new generator"), "discriminator": words("a new discriminator")}
    renewed = told["renewed"] if isinstance(told.get("renewed"), list) else []
    settings = [text for name, text in new.items() if name in renewed]
    settings += [f"{name}={value}" for table in given for name, value in table.items()]
    values = {
        "images": numbers.count(_value(told, "images")),
        "trouble": words(str(told.get("trouble"))),
        "settings": ", ".join(settings),
    }
    if renewed or told.get("rescued_with"):
        return words(
            "Training monitor, after {images} images: {trouble}; training continued with {settings}.", **values
        )
    return words("Training monitor, after {images} images: {trouble}; settings to try: {settings}.", **values)


def how_made(
    config: dict[str, Any], environment: dict[str, Any], settings_of: str, following: Sequence[str], words: Words
) -> Markup:
    """Data, budget, all settings, the command, versions, and the commands that follow."""
    command = environment.get("command")
    facts = facts_of(config, words)
    return section(
        words("How this was made"),
        facts_table(words("Data and budget"), [(words(name), value) for name, value in facts.items()]),
        settings(config, settings_of),
        commands([command] if isinstance(command, str) else [], words("The command")),
        commands([with_plugins(each) for each in following], words("Next commands")),
        versions(environment, words),
    )


def quoted(folder: Path) -> str:
    """A path as a shell takes it."""
    return shlex.quote(str(folder))


def _value(table: Mapping[str, Any], key: str) -> float | None:
    value = table.get(key)
    return float(value) if isinstance(value, int | float) and numbers.is_finite(value) else None


def _preview(file: Path, caption: str, side: str, words: Words) -> Markup:
    alt = words("Grid of {side} images, {caption}", side=words(side), caption=caption)
    picture = embedded(file, alt)
    return tag("figure", tag("figcaption", caption, class_=f"side {side}"), picture) if picture else Markup()


def _seen(file: Path, words: Words) -> str:
    position = file.stem.rpartition("-")[2]
    return words("after {images} images", images=f"{int(position):,}") if position.isdecimal() else file.stem
