"""The page of a survey: all its words, hidden until its script shows what stands."""

from __future__ import annotations

from elmyr.report.parts.markup import Markup, join, tag
from elmyr.report.words import Words

VERDICTS = {
    "single": "You took {taken} of {count} generated images for real.",
    "pairs": "You took {taken} of {count} generated images for the real one.",
}


def survey_page(form: str, show: float | None, words: Words) -> str:
    """The HTML; what a person is asked comes from the server question by question."""
    title = words("Which images are real?")
    seconds = "" if show is None else words(" An image is shown for {seconds} s.", seconds=f"{show:g}")
    if form == "pairs":
        told = words("Two images at a time: one is real, one was generated. Which is the real one?")
        choices = (("0", words("The left one"), "←"), ("1", words("The right one"), "→"))
        asked = words("Which is the real one?")
    else:
        told = words("One image at a time, half of them real, half generated. Is it real?")
        choices = (("1", words("Real"), "←"), ("0", words("Generated"), "→"))
        asked = words("Real or generated?")
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("title", title),
        Markup('<link rel="stylesheet" href="/static/look/survey.css">'),
        Markup('<script type="module" src="/static/survey.js"></script>'),
    )
    begin = tag(
        "section",
        tag("h1", title),
        tag("p", told + seconds),
        tag("p", words("The right answers are shown at the end. The keys ← and → answer, too."), class_="quiet"),
        tag(
            "form",
            tag("label", words("Your name, if you like"), for_="name"),
            Markup('<input id="name" maxlength="60" autocomplete="off">'),
            tag("button", words("Begin"), type="submit"),
        ),
        id="begin", hidden="",
    )  # fmt: skip
    buttons = [
        tag("button", label, tag("kbd", key, aria_hidden="true"), type="button", data_choice=choice, data_key=key)
        for choice, label, key in choices
    ]
    ask = tag(
        "section",
        tag("h1", asked, id="asked", tabindex="-1"),
        tag("p", words("Question {number} of {total}"), id="progress", class_="quiet", aria_live="polite"),
        tag("div", id="images", data_alt=words("Image {number}"), data_show="" if show is None else f"{show:g}"),
        tag("div", *buttons, id="choices"),
        id="ask", hidden="",
    )  # fmt: skip
    end = tag(
        "section",
        tag("h1", words("Thank you"), id="thanks", tabindex="-1"),
        tag("p", words(VERDICTS[form]), id="found"),
        tag("button", words("The next person"), type="button", id="next"),
        id="end", hidden="",
    )  # fmt: skip
    error = tag("p", id="error", role="alert", data_lost=words("The survey does not answer: is it still running?"))
    body = tag("body", tag("main", begin, ask, end, error, tag("noscript", words("This page needs JavaScript."))))
    return join(Markup("<!doctype html>"), tag("html", head, body, lang=words.tag))
