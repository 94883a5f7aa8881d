"""The frame of a report: one file that needs nothing beside it, and the tables in it."""

from collections.abc import Sequence

from elmyr.report.parts.markup import Markup, join, tag
from elmyr.report.parts.style import STYLE
from elmyr.report.words import ENGLISH, Words

# No script and nothing from elsewhere: a report opens the same in ten years, and a hostile name in it does nothing.
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def page(title: str, *parts: str, foot: str = "", words: Words = ENGLISH) -> Markup:
    """The whole document."""
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=POLICY),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("title", title),
        tag("style", Markup(STYLE)),
    )
    body = tag("main", tag("h1", title), *parts, tag("footer", foot) if foot else "")
    return join(Markup("<!doctype html>"), tag("html", head, tag("body", body), lang=words.tag))


def section(title: str, *parts: str) -> Markup:
    """A part under its heading; empty if there is nothing in it."""
    content = join(*parts)
    return tag("section", tag("h2", title), content) if content else Markup()


def note(text: str) -> Markup:
    """A quiet paragraph."""
    return tag("p", text, class_="note")


def figures_table(label: str, head: Sequence[str], rows: Sequence[Sequence[str]], words: Sequence[int] = ()) -> Markup:
    """Numbers under their headings, to the right; the first column names the row, the columns in `words` hold words."""

    def cell(kind: str, column: int, content: str, **scope: str) -> Markup:
        return tag(kind, content, **scope, **({"class_": "words"} if column == 0 or column in words else {}))

    top = tag("tr", *(cell("th", column, name, scope="col") for column, name in enumerate(head)))
    body = [
        tag("tr", cell("th", 0, row[0], scope="row"), *(cell("td", i, text) for i, text in enumerate(row[1:], 1)))
        for row in rows
    ]
    return scrolling(label, tag("table", tag("thead", top), tag("tbody", *body), class_="figures"))


def facts_table(label: str, rows: Sequence[tuple[str, str]]) -> Markup:
    """Names and their values; empty if there are none."""
    if not rows:
        return Markup()
    body = [tag("tr", tag("th", name, scope="row"), tag("td", value)) for name, value in rows]
    return scrolling(label, tag("table", tag("tbody", *body), class_="facts"))


def folded(title: str, *parts: str) -> Markup:
    """What only some readers want, behind its title; empty if there is nothing in it."""
    content = join(*parts)
    return tag("details", tag("summary", title), content) if content else Markup()


def scrolling(label: str, table: Markup) -> Markup:
    """A table that scrolls by itself where it is wider than the screen, with the keyboard too."""
    return tag("div", table, class_="wide", role="region", aria_label=label, tabindex=0)
