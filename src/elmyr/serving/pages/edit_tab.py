"""Edit: an image that is drawn, uploaded or generated, and what a GAN makes of it along its directions."""

from __future__ import annotations

from elmyr.report.parts.markup import Markup, tag
from elmyr.report.words import Words
from elmyr.serving.http.limits import MOST_PIXELS
from elmyr.serving.pages import tab_parts as parts
from elmyr.serving.pages.tab_parts import Models, Tab


def _edit(models: Models, words: Words) -> list[Markup]:
    gans = parts.of_kind(models, "gan")
    desk = tag(
        "div",
        parts.model_field("edit", words("GAN"), gans),
        parts.image_sources("edit", gans, words, most=MOST_PIXELS),
        parts.pad("edit", words("The image to edit"), words),
        class_="desk",
    )
    form = tag(
        "form",
        parts.class_field("edit", "from_class", words("What it shows"), words("find out")),
        parts.class_field("edit", "into_class", words("Make it"), words("as it is")),
        parts.steering("edit", gans, words),
        class_="panel",
    )
    told = tag(
        "p", class_="told quiet", aria_live="polite", data_none=words("Draw or choose an image."),
        data_working=words("The image is being edited …"),
        data_found=words("The nearest image is off by a mean squared error of {error} (pixels from 0 to 1)."),
        data_read=words("The nearest image is of class {class}, off by a mean squared error of {error} (pixels from 0 "
                        "to 1)."),
    )  # fmt: skip
    answers = tag(
        "div", class_="answers", data_given=words("Given"), data_nearest=words("Nearest that the GAN makes"),
        data_edited=words("Edited"),
    )  # fmt: skip
    hand = tag("div", class_="hand", data_as=words("As {class}"))
    every = tag("div", tag("h2", words("The same hand, every class")), hand, class_="every", hidden="")
    found = tag("div", form, parts.error_line(), told, answers, every, class_="results", aria_busy="false")
    return [tag("div", desk, found, class_="columns")]


EDIT = Tab(
    "Edit",
    "Edit an image by way of the nearest that a GAN makes: thicker, more slanted, or another class by the same hand.",
    _edit,
    kind="gan",
    missing="No GAN is served.",
)
