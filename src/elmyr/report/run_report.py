"""The page of a run: what the GAN makes, how it came to make it, and how to make it again."""

import shlex
from pathlib import Path
from typing import Any

from elmyr.report import numbers
from elmyr.report.markup import Markup, join, tag
from elmyr.report.page import facts_table, note, page, section
from elmyr.report.pictures import embedded
from elmyr.report.records import flattened, read_evaluation, read_metrics, read_table
from elmyr.report.sections import commands, curves, evaluation_table, extremes, foot, settings, side_by_side, versions

FACTS = {
    "preset": "preset",
    "data": "data.source",
    "training images": "data.images",
    "seed": "seed",
    "images seen": "loop.images",
    "batch": "loop.batch",
    "device": "device",
    "precision": "precision",
}
FIRST, LAST = 3, 3  # previews shown; what lies between is left out


def run_page(folder: Path) -> str:
    """The HTML of a run directory."""
    config, environment = read_table(folder / "config.json"), read_table(folder / "environment.json")
    gan = config.get("gan")
    classes = gan.get("classes") if isinstance(gan, dict) else None
    training = curves([read_metrics(folder / "metrics.jsonl")])
    return page(
        _title(config, folder),
        _opening(config, read_table(folder / "summary.json")),
        side_by_side(folder, [str(name) for name in classes] if isinstance(classes, list) else []),
        _previews(folder),
        section("How good the images are", _figures(folder)),
        section("How the GAN learned", note("Against the number of real images seen."), training) if training else "",
        section(
            "How this was made",
            facts_table("Data and budget", _facts(config)),
            settings(config),
            commands([environment["command"]] if isinstance(environment.get("command"), str) else [], "The command"),
            commands(
                [f"elmyr {verb} {shlex.quote(str(folder))}" for verb in ("sample", "evaluate")], "Go on from here"
            ),
            versions(environment),
        ),
        foot=foot(environment),
    )


def _title(config: dict[str, Any], folder: Path) -> str:
    name = dict(flattened(config)).get("data.name")
    return f"elmyr run on {name}" if name else f"elmyr run {folder.resolve().name}"


def _opening(config: dict[str, Any], summary: dict[str, Any]) -> Markup:
    images, seconds, speed = (_value(summary, key) for key in ("images", "seconds", "images_per_second"))
    if images is None:
        return Markup()
    told = [f"A generator that has seen {numbers.count(images)} images"]
    if seconds is not None:
        told.append(f"in {numbers.duration(seconds)}")
    aside = [f"{numbers.count(speed)} images a second"] if speed is not None else []
    aside += [f"{key} {config[key]}" for key in ("preset", "seed") if config.get(key) is not None]
    return tag(
        "section",
        tag("p", f"{' '.join(told)}.", class_="sentence"),
        note(" \u00b7 ".join(aside)) if aside else "",
        *(note(line) for line in _troubles(summary)),
        class_="opening",
    )


def _troubles(summary: dict[str, Any]) -> list[str]:
    """What the watch saw go wrong while it trained, and what was or could be done."""
    found = summary.get("troubles")
    return [_trouble(told) for told in found if isinstance(told, dict)] if isinstance(found, list) else []


def _trouble(told: dict[str, Any]) -> str:
    settings = [f"{name}={value}" for key in ("rescued_with", "try") for name, value in told.get(key, {}).items()]
    done = "the training went on with" if "rescued_with" in told else "to try:"
    return f"The watch, after {told.get('images'):,} images: {told.get('trouble')}; {done} {', '.join(settings)}."


def _value(table: dict[str, Any], key: str) -> float | None:
    value = table.get(key)
    return float(value) if isinstance(value, int | float) and numbers.is_finite(value) else None


def _previews(folder: Path) -> Markup:
    files = sorted((folder / "previews").glob("*.png"))
    chosen = files if len(files) <= FIRST + LAST else files[:FIRST] + files[-LAST:]
    shown = [_preview(file, _seen(file), "generated") for file in chosen]
    shown.append(_preview(folder / "reals.png", "real images", "real"))
    shown = [figure for figure in shown if figure]
    if not shown:
        return Markup()
    left_out = f" {len(files) - len(chosen)} between them are left out." if len(files) > len(chosen) else ""
    return section(
        "How the images came to be",
        note(f"The same latent vectors at each step of the training.{left_out}"),
        tag("div", *shown, class_="small blocks"),
    )


def _preview(file: Path, caption: str, side: str) -> Markup:
    picture = embedded(file, f"Grid of {side} images, {caption}")
    return tag("figure", tag("figcaption", caption, class_=f"side {side}"), picture) if picture else Markup()


def _seen(file: Path) -> str:
    position = file.stem.rpartition("-")[2]
    return f"after {int(position):,} images" if position.isdecimal() else file.stem


def _figures(folder: Path) -> Markup:
    evaluation = read_evaluation(folder / "evaluation.json")
    if evaluation is not None:
        return join(evaluation_table(evaluation), extremes(folder))
    return join(
        note("Not measured yet. This command measures it; the report made after it shows the figures:"),
        tag("pre", tag("code", f"elmyr evaluate {shlex.quote(str(folder))}")),
    )


def _facts(config: dict[str, Any]) -> list[tuple[str, str]]:
    settings = dict(flattened(config))
    return [(name, settings[key]) for name, key in FACTS.items() if settings.get(key, "null") != "null"]
