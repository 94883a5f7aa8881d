"""A system as its page names and pictures it: what every part of its section needs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from elmyr.report.charts.pictures import embedded, read_pictures, strip
from elmyr.report.pages.articles.record import Articles, System, Training, told_of
from elmyr.report.pages.articles.texts import KINDS
from elmyr.report.parts.markup import Markup, join, tag
from elmyr.report.parts.numbers import MISSING, is_finite, number
from elmyr.report.parts.page import note
from elmyr.report.parts.records import Figure
from elmyr.report.words import Words

MAIN = ("written", "text", "cured", "rescued")  # kinds that stand side by side; remedies have tables of their own
ROWS, COLUMNS = 2, 10  # of a strip
WIDEST = 480  # pixels: of a grid of color images, which is shown narrower
PLUS = "+ "  # begins the name of a step that adds to those before


@dataclass(frozen=True)
class Shown:
    """What every part of a section needs; `anchor` is its place on the page."""

    folder: Path
    articles: Articles
    system: System
    anchor: str
    words: Words

    @property
    def main(self) -> list[Training]:
        """The trainings that stand side by side."""
        return [training for kind in MAIN for training in self.system.of_kind(kind)]

    def told(self, training: Training | None) -> tuple[str, str]:
        """The verdict in words, and its color."""
        return told_of(training, self.articles.images_of(self.system), self.words)

    @property
    def title(self) -> str:
        """The article's number and title."""
        return self.words("Article {number}: {title}", number=self.system.number, title=self.words(self.system.title))

    def label(self, title: str) -> str:
        """The name of a table, which no other of the page has."""
        return self.words("{system}: {title}", system=self.title, title=title)

    def name(self, training: Training) -> str:
        """What the page calls a training."""
        if training.kind in KINDS:
            return self.words(KINDS[training.kind])
        plus = PLUS if training.name.startswith(PLUS) else ""
        return plus + self.words(training.name.removeprefix(PLUS))

    def strip(self, training: Training) -> Markup:
        """A few images of a training: those that its run keeps, or its whole picture, or that there is none."""
        alt = self.words("A few images: {name}", name=self.name(training))
        pictures = read_pictures(self.folder / training.run / "generated.npz") if training.run else None
        if pictures is not None and len(pictures):
            return strip(pictures, ROWS, COLUMNS, alt)
        return self.picture(training.picture, alt) or note(self.words("No picture."))

    def picture(self, relative: str | None, alt: str) -> Markup:
        """A picture of the folder; empty where there is none."""
        return embedded(self.folder / relative, alt, WIDEST) if relative else Markup()


def found_of(training: Training) -> str:
    """How many classes were found, of how many."""
    return MISSING if training.found is None else f"{training.found} / {len(training.classes_found)}"


def cell(figure: Figure | None, words: Words) -> str:
    """A value above its interval."""
    if figure is None:
        return MISSING
    ends = words("{low} to {high}", low=number(figure.low), high=number(figure.high))
    known = is_finite(figure.low) and is_finite(figure.high)
    return join(tag("span", number(figure.value)), tag("small", ends)) if known else number(figure.value)
