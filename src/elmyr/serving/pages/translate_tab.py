"""Translate: an image beside what a translator makes of it, in either direction."""

from __future__ import annotations

from elmyr.report.parts.markup import Markup, tag
from elmyr.report.words import Words
from elmyr.serving.http.limits import MOST_TRANSLATED
from elmyr.serving.pages import tab_parts as parts
from elmyr.serving.pages.tab_parts import Models, Tab


def _translate(models: Models, words: Words) -> list[Markup]:
    translators = parts.of_kind(models, "translator")
    asked = tag(
        "div",
        parts.model_field("translate", words("Translator"), translators),
        tag(
            "fieldset",
            tag("legend", words("Direction")),
            parts.radio("translate", "direction", "a-to-b", "", checked=True),
            parts.radio("translate", "direction", "b-to-a", ""),
            class_="directions", data_way=words("{from} to {to}"),
        ),
        tag(
            "div",
            parts.number("translate", "answers", words("Answers"), 4, 1, 8),
            parts.number("translate", "seed", words("Seed"), 0, 0, parts.LAST_SEED),
            tag("p", words("Each answer has the style of another training image of the target domain."),
                class_="quiet"),
            class_="styles panel", hidden="",
        ),
        parts.image_sources("translate", parts.of_kind(models, "gan"), words, most=MOST_TRANSLATED),
        class_="asked",
    )  # fmt: skip
    given = tag(
        "div",
        tag("h2", class_="source"),
        parts.pad("translate", words("The image to translate"), words),
        class_="given",
    )
    made = tag(
        "div",
        tag("h2", class_="target"),
        parts.error_line(),
        tag("div", class_="answers", data_answer=words("Answer {number}"),
            data_alt=words("The image, translated into {to}")),
        tag("p", class_="told quiet", role="status", data_working=words("The image is being translated …"),
            data_done=words("Translated into {to}")),
        tag("p",
            tag("button", words("Translate the result back"), type="button", data_do="back"),
            tag("a", words("Download as PNG"), class_="png", download=""),
            class_="after", hidden=""),
        class_="results", aria_busy="false",
    )  # fmt: skip
    return [tag("div", asked, given, made, class_="beside")]


TRANSLATE = Tab(
    "Translate",
    "Draw or upload an image of one domain and see it in the other; it is translated as you draw.",
    _translate,
    kind="translator",
    missing="No translator is served.",
)
