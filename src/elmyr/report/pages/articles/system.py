"""One system of `elmyr articles` on its page: its images, how the training went, figures, remedies, uses."""

from __future__ import annotations

from collections.abc import Sequence

from elmyr.report.pages.articles.course import courses
from elmyr.report.pages.articles.record import Training
from elmyr.report.pages.articles.shown import Shown
from elmyr.report.pages.articles.tables import changes, figures, remedies
from elmyr.report.pages.articles.texts import LAYERS, SIDES
from elmyr.report.pages.articles.uses import uses
from elmyr.report.parts.markup import Markup, join, tag
from elmyr.report.parts.numbers import count, duration, number
from elmyr.report.parts.page import note
from elmyr.report.words import Words


def system_section(shown: Shown) -> Markup:
    """All that the page says of one system."""
    words, system = shown.words, shown.system
    layers = LAYERS.get(system.preset)
    return tag(
        "section",
        tag("h2", shown.title),
        tag("p", _summary(shown), class_="sentence"),
        note(words(layers)) if layers else "",
        tag("div", *(_grid(shown, training) for training in shown.main), class_="blocks"),
        _titled(words("How the training went"), courses(shown)),
        _titled(words("Figures"), figures(shown)),
        _titled(words("What cured changes"), changes(shown)),
        _titled(words("Remedies"), remedies(shown)),
        _titled(words("What had to be put right in the article"), _listed(system.put_right, words)),
        _titled(words("Problems that the article names"), _listed(system.troubles, words)),
        _titled(words("What the images are good for"), uses(shown)),
        id=shown.anchor,
    )


def _titled(title: str, content: Markup) -> Markup:
    return join(tag("h3", title), content) if content else Markup()


def _listed(texts: Sequence[str], words: Words) -> Markup:
    said = map(words, texts)
    return tag("ul", *(tag("li", text[:1].upper() + text[1:]) for text in said)) if texts else Markup()


def _summary(shown: Shown) -> str:
    written, cured = (shown.told(each)[0] for each in (shown.system.written, shown.system.cured))
    return shown.words("As written: {written}. Cured: {cured}.", written=written, cured=cured)


def _grid(shown: Shown, training: Training) -> Markup:
    words, name = shown.words, shown.name(training)
    told, color = shown.told(training)
    caption = tag("strong", name, class_=SIDES.get(training.kind, "side written"))
    return tag(
        "figure",
        tag("figcaption", caption, _budget(training, words)),
        shown.picture(training.picture, words("Grid of generated images: {name}", name=name)) or shown.strip(training),
        tag("p", told, class_=f"told {color}"),
        note(words(LAYERS[training.preset])) if training.kind == "text" and training.preset in LAYERS else "",
    )


def _budget(training: Training, words: Words) -> Markup:
    """How long it was trained."""
    parts = [words("{images} images seen", images=count(training.images))] if training.images is not None else []
    if training.epochs is not None:
        parts.append(words("epochs: {epochs}", epochs=number(training.epochs)))
    if training.seconds is not None:
        parts.append(duration(training.seconds, words))
    return tag("small", " \u00b7 ".join(parts)) if parts else Markup()
