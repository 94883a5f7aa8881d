"""The page of the workbench: its frame, and which tab stands in it; each tab's own words are in its module.

All words are in the HTML: what a script says stands in data- attributes, with {places} that it fills.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from elmyr.core.tables import Table
from elmyr.evaluation.figure_spec import BETTER
from elmyr.evaluation.figure_specs import FIGURES
from elmyr.evaluation.of_tasks.kept_figures import TITLES as KEPT_TITLES
from elmyr.report.charts.curve_titles import CURVE_TITLES
from elmyr.report.parts.markup import Markup, join, tag
from elmyr.report.words import Words
from elmyr.serving.kinds import SERVED
from elmyr.serving.pages.draw_tab import DRAW
from elmyr.serving.pages.edit_tab import EDIT
from elmyr.serving.pages.generate_tabs import BETWEEN, GENERATE
from elmyr.serving.pages.repair_tab import REPAIR
from elmyr.serving.pages.run_tabs import RUNS, WATCH
from elmyr.serving.pages.tab_parts import Tab
from elmyr.serving.pages.translate_tab import TRANSLATE

# What the records of runs call their kinds, figures and curves; the page says them in its own language.
SPOKEN = (
    *BETTER,
    "recognizer", "restorer", "translator", "adaptation", "study",
    "Losses", "Logits", "discriminator", "generator", "real", "generated",
    "accuracy", "balanced accuracy", "images per second", "generator learning rate", "discriminator learning rate",
    "restorer learning rate", "learning rate", "gradient norm", "gradient norms", "generator gradient norm",
    "discriminator gradient norm", "classification loss", "adversarial loss", "distance", "spread", "loss",
    "validation error", "train", "validation", "test",
    "thickness", "slant", "brightness", "contrast", "saturation",
    "mode collapse", "oscillation", "the discriminator has won",
)  # fmt: skip


TABS: Table[Tab] = Table(
    "tab",
    {
        "draw": DRAW,
        "generate": GENERATE,
        "repair": REPAIR,
        "translate": TRANSLATE,
        "between": BETWEEN,
        "edit": EDIT,
        "runs": RUNS,
        "watch": WATCH,
    },
)


def workbench_page(models: Sequence[Mapping[str, Any]], words: Words) -> str:
    """The HTML for the models of GET /v1/models; every tab is hidden until the script shows the one of the address."""
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("title", words("elmyr workbench")),
        tag("link", rel="icon", href="/static/look/icon.svg", type="image/svg+xml"),
        tag("link", rel="stylesheet", href="/static/look/workbench.css"),
        tag("script", type="module", src="/static/workbench.js"),
    )
    titles = {name: words(tab.title) for name, tab in TABS.items()}
    links = [tag("a", title, href=f"#{name}") for name, title in titles.items()]
    other = ("zh", "zh-CN", "中文") if words.tag == "en" else ("en", "en", "English")
    top = tag(
        "header",
        tag("span", "elmyr", class_="brand"),
        tag("nav", *links, aria_label=words("Workbench")),
        tag("a", other[2], href=f"/?lang={other[0]}", lang=other[1], hreflang=other[1], id="language"),
    )
    sections = [tag("section", *tab.shown(models, words), data_tab=name, hidden="") for name, tab in TABS.items()]
    titles_of_figures = (spec.title for spec in FIGURES.values())  # of plug-ins too
    spoken = {text: words(text) for text in (*SPOKEN, *titles_of_figures, *KEPT_TITLES.values()) if words(text) != text}
    spoken |= {"gan": words("GAN")}
    spoken |= {key.replace("_", " "): words(title) for key, title in CURVE_TITLES.items()}
    main = tag(
        "main",
        *sections,
        tag("noscript", words("This page needs JavaScript.")),
        id="workbench",
        data_first=_first_tab(models),
        data_lost=words("The server does not answer: is elmyr serve still running?"),
        data_spoken=json.dumps(spoken, ensure_ascii=False),
        data_seen=words("training images processed"),
        data_told=words("{label} is {value} at {images}"),
        data_chart=words("{title} against training images processed: {ends}"),
        data_down=words("The pen is down: arrow keys draw."),
        data_up=words("The pen is up: arrow keys only move it."),
    )
    return join(Markup("<!doctype html>"), tag("html", head, tag("body", top, main), lang=words.tag))


def _first_tab(models: Sequence[Mapping[str, Any]]) -> str:
    """That of the first model; without one the runs."""
    return next((SERVED[model["kind"]].tab for model in models if model["kind"] in SERVED), "runs")
