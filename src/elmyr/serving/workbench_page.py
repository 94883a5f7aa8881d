"""The workbench's page: a placeholder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from elmyr.report.markup import Markup, join, tag
from elmyr.report.words import Words


def workbench_page(models: Sequence[Mapping[str, Any]], words: Words) -> str:
    """The HTML; `models` as GET /v1/models tells of them."""
    names = [tag("li", str(model["name"])) for model in models]
    body = tag("body", tag("h1", "elmyr"), tag("ul", *names))
    return join(Markup("<!doctype html>"), tag("html", tag("head", tag("title", "elmyr")), body, lang=words.tag))
