"""Repair: a part of an image is erased, and a restorer fills it in."""

from __future__ import annotations

from elmyr.report.parts.markup import Markup, tag
from elmyr.report.words import Words
from elmyr.serving.http.limits import MOST_PIXELS
from elmyr.serving.pages import tab_parts as parts
from elmyr.serving.pages.tab_parts import Models, Tab


def _repair(models: Models, words: Words) -> list[Markup]:
    restorers, gans = parts.of_kind(models, "restorer"), parts.of_kind(models, "gan")
    tools = tag(
        "fieldset",
        tag("legend", words("Tool")),
        parts.radio("repair", "tool", "pen", words("Pen"), checked=True),
        parts.radio("repair", "tool", "rub", words("Eraser")),
        class_="tools",
    )
    desk = tag(
        "div",
        parts.model_field("repair", words("Restorer"), restorers),
        parts.image_sources(
            "repair",
            gans,
            words,
            most=MOST_PIXELS,
            too_large=words("'{name}' has {pixels} pixels, at most {most} are taken: make it smaller"),
        ),
        tools,
        parts.slider("repair", "width", words("Width"), 9, 2, 40, 1),
        parts.pad("repair", words("The image to repair"), words),
        class_="desk",
    )
    form = tag(
        "form",
        parts.slider("repair", "noise", words("Noise"), 0, 0, 1, 0.05,
                words("Standard deviation of the noise (white is 1). The noise is added first; then every pixel is "
                      "repaired.")),
        parts.number("repair", "answers", words("Answers"), 4, 1, 8),
        parts.number("repair", "seed", words("Seed"), 0, 0, parts.LAST_SEED),
        parts.buttons(tag("button", words("Repair"), class_="main")),
        class_="panel",
    )  # fmt: skip
    found = tag(
        "div",
        form,
        parts.error_line(),
        tag("p", class_="told quiet", aria_live="polite", data_working=words("The image is being repaired …"),
            data_done=words("Repaired: {count} answers"), data_one=words("Repaired: one answer")),
        tag("div", class_="answers", data_given=words("Given"), data_answer=words("Answer {number}"),
            data_spread=words("Where the answers differ (bright: much)")),
        class_="results", aria_busy="false",
    )  # fmt: skip
    return [tag("div", desk, found, class_="columns")]


REPAIR = Tab(
    "Repair",
    "Erase a part of an image and see what the restorer fills in; it can give several answers.",
    _repair,
    kind="restorer",
    missing="No restorer is served.",
)
