"""HTML that is safe by construction: whatever is not Markup already is escaped on its way in."""

from html import escape

VOID = frozenset({"img", "input", "link", "meta"})


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def markup(content: str) -> Markup:
    """The content as HTML; plain text is escaped."""
    return content if isinstance(content, Markup) else Markup(escape(content))


def join(*parts: str) -> Markup:
    """The parts one after the other, a line each."""
    return Markup("\n".join(markup(part) for part in parts if part))


def tag(name: str, /, *children: str, **attributes: str | float) -> Markup:
    """An element of HTML or SVG. `class_` stands for class, `aria_label` for aria-label."""
    written = "".join(f' {_attribute(key)}="{escape(_value(value))}"' for key, value in attributes.items())
    if name in VOID:
        return Markup(f"<{name}{written}>")
    return Markup(f"<{name}{written}>{''.join(markup(child) for child in children)}</{name}>")


def _attribute(key: str) -> str:
    return key.rstrip("_").replace("_", "-")


def _value(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:.2f}".rstrip("0").rstrip(".")
