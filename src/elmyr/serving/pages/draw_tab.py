"""Draw: a digit is drawn, or photos are uploaded, and a recognizer says what they are."""

from __future__ import annotations

import json

from elmyr.report.parts.markup import Markup, tag
from elmyr.report.words import Words
from elmyr.serving.http.limits import LARGEST_BODY, MOST_PHOTO_PIXELS
from elmyr.serving.pages import tab_parts as parts
from elmyr.serving.pages.tab_parts import Models, Tab


def _draw(models: Models, words: Words) -> list[Markup]:
    recognizers = parts.of_kind(models, "recognizer")
    desk = tag(
        "div",
        parts.model_field("draw", words("Recognizer"), recognizers),
        parts.pad("draw", words("Drawing surface"), words),
        _photos(words),
        class_="desk",
    )
    reading = tag(
        "div",
        tag("h2", words("Prediction")),
        tag("p", class_="reading", aria_live="polite", data_none=words("Nothing is drawn yet."),
            data_read=words("{label}, with a probability of {probability}")),
        tag("ol", class_="bars", aria_label=words("Probability of each class")),
        parts.error_line(),
        tag("ul", class_="photos", aria_label=words("Photos"), data_read=words("{label}, {probability}")),
        tag("h2", words("Input of the recognizer")),
        tag("p", words("Cut out, scaled and centered as its training images were."), class_="quiet how",
            data_photo=words("Brought to the size and channels of its training images."),
            data_opposite=words("The photo is light where the training images are dark, or the reverse. "
                                "If it shows one character on paper, tick the box below “Upload photos”.")),
        tag("div", class_="seen", data_alt=words("The drawing, prepared for the recognizer"),
            data_photo=words("The photo, prepared for the recognizer")),
        tag("p", tag("label", tag("input", type="checkbox", class_="explains"), " ",
                     words("Show which pixels speak for the prediction (red) and against it (blue)"))),
        tag("div", class_="map", data_alt=words("The input, red where it speaks for {label}, blue where against it")),
        tag("h2", words("Nearest training images")),
        tag("p", words("By the recognizer's own features; the nearest come first."), class_="quiet"),
        tag("p", class_="quiet why-none", role="status",
            data_preparing=words("Searching the training images …")),
        tag("ul", class_="nearest", data_alt=words("A training image of class {label}, distance {distance}")),
        _changes(parts.of_kind(models, "gan"), words),
        class_="results", aria_busy="false",
    )  # fmt: skip
    return [tag("div", desk, reading, class_="columns")]


def _changes(gans: Models, words: Words) -> Markup:
    """What would change the prediction, on demand: by an image that a GAN makes, or by a change that no eye sees."""
    makes = [
        parts.select("draw", "gan", words("GAN"), [parts.option(gan) for gan in gans]),
        parts.class_field("draw", "into", words("Read as"), words("the nearest other class")),
        tag("button", words("Show what would have to change"), type="button", data_do="change"),
    ]
    told = tag(
        "p", class_="told quiet", aria_live="polite", data_working=words("Searching …"),
        data_change=words("{read} becomes {becomes} ({probability}), at a distance of {distance} (L2 of pixels from 0 "
                          "to 1)."),
        data_fool=words("{read} becomes {becomes} ({probability}); no pixel changes by more than {most} of 255."),
    )  # fmt: skip
    answers = tag(
        "div", class_="answers", data_seen=words("Read as {read}"), data_found=words("Read as {becomes}"),
        data_difference=words("Added red, taken away blue"),
    )  # fmt: skip
    return tag(
        "div",
        tag("h2", words("What would change the prediction")),
        tag("div", *makes, class_="taken") if gans else "",
        parts.buttons(tag("button", words("Fool it"), type="button", data_do="fool")),
        told,
        answers,
        class_="changes",
    )


def _photos(words: Words) -> Markup:
    """A field for photos, which may also be dropped on the tab."""
    upload = tag(
        "label",
        tag("input", class_="unseen", type="file", accept="image/*", multiple="", data_most=LARGEST_BODY,
            data_pixels=json.dumps(MOST_PHOTO_PIXELS),
            data_no_image=words("'{name}' is no image that this browser can open: choose a PNG or JPEG file")),
        tag("span", words("Upload photos")),
        class_="button",
    )  # fmt: skip
    told = words("Photos of any size, one or more; or drop them here. They stay in this service's memory.")
    paper = tag(
        "label",
        tag("input", type="checkbox", class_="on-paper"),
        " ",
        words("One character on paper: cut it out and center it"),
    )
    return tag("div", parts.buttons(upload), tag("p", paper), tag("p", told, class_="quiet"), class_="sources")


DRAW = Tab(
    "Draw",
    "Draw a digit, or another class that the recognizer knows: it is recognized as you draw. Or upload photos.",
    _draw,
    kind="recognizer",
    missing="No recognizer is served.",
)
