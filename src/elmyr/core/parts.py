"""Work that is divided among processes: which of so many things are in a part."""

from __future__ import annotations

import re
from dataclasses import dataclass

from elmyr.core.errors import InputError

PART = re.compile(r"(\d{1,9})/(\d{1,9})", re.ASCII)


@dataclass(frozen=True)
class Part:
    """The part `number`, from 1 on, of `of` parts."""

    number: int = 1
    of: int = 1

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    def places(self, count: int, unit: int = 1) -> range:
        """Which of `count` things are in the part: whole units of them, in each part as many, or one more.

        The last parts are empty where there are fewer units than parts. Together, in their order, they are everything.
        """
        units = -(-count // unit)
        start, stop = (-(-number * units // self.of) * unit for number in (self.number - 1, self.number))
        return range(min(count, start), min(count, stop))

    def divided(self, number: int, of: int) -> Part:
        """The part `number`, from 1 on, of so many of this part."""
        return Part((self.number - 1) * of + number, self.of * of)


def part_of(given: str | tuple[int, int] | None) -> Part:
    """`2/4`, or (2, 4), as a part; the whole where None. Raises InputError for what is none."""
    if given is None:
        return Part()
    text = given if isinstance(given, str) else "/".join(map(str, given))
    found = PART.fullmatch(text)
    part = Part(*map(int, found.groups())) if found else Part(0)
    if not 1 <= part.number <= part.of:
        raise InputError(f"the part is '{text[:40]}': give its number and how many parts there are, from 1/4 to 4/4")
    return part
