"""The languages of a page: English as it is written in the code, others by a table of messages."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files

from elmyr.core.errors import InputError, suggestion

TAGS = {"en": "en", "zh": "zh-CN"}


@dataclass(frozen=True)
class Words:
    """Says a message in a language; `tag` is its HTML tag. What is in no table stays as it is."""

    tag: str
    table: Mapping[str, str] = field(default_factory=dict)

    def __call__(self, text: str, **values: object) -> str:
        """The message with its `{places}` filled."""
        said = self.table.get(text, text)
        return said.format(**values) if values else said


ENGLISH = Words("en")


def figure_title(title: str, words: Words) -> str:
    """The title of a figure; where it names an extractor that no table has, that stays as it is."""
    figure, _, extractor = title.removesuffix(")").partition(" (")
    if title in words.table or not extractor:
        return words(title)
    return words("{figure} ({extractor})", figure=words(figure), extractor=extractor)


def words_in(language: str) -> Words:
    """The words of "en" or "zh"; InputError for another language."""
    if language not in TAGS:
        raise InputError(f"no language '{language}': {suggestion(language, TAGS)}")
    return ENGLISH if language == "en" else _read(language)


@cache
def _read(language: str) -> Words:
    table = files("elmyr.report").joinpath(f"words.{language}.toml").read_text(encoding="utf-8")
    return Words(TAGS[language], tomllib.loads(table))
