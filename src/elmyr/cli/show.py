"""What the commands print: results to stdout, messages to stderr."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any, TextIO

from elmyr.core.notes import DataWarning, Note
from elmyr.evaluation.published.conventions import CONVENTIONS


def show_error(message: str) -> None:
    """One line on stderr."""
    print("elmyr: " + " ".join(message.split()), file=sys.stderr)


class Warned:
    """Shows each warning once, as one line on stderr; those that are not meant for a user are dropped.

    Of a group under torchrun, which opens the same data in each process, the first process tells the notes.
    """

    def __init__(self) -> None:
        self._shown: set[str] = set()
        self._first = os.environ.get("RANK", "0") == "0"

    def __call__(
        self,
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        """What `warnings.showwarning` is called with."""
        kind = "note" if issubclass(category, Note) else "warning"
        # A study opens the same folder again by its whole path.
        told = f"elmyr: {kind}: " + " ".join(str(message).split()).replace(f"'{os.getcwd()}{os.sep}", "'")
        meant = issubclass(category, UserWarning) and (self._first or not issubclass(category, DataWarning))
        if meant and told not in self._shown:
            self._shown.add(told)
            print(told, file=sys.stderr)


def say(line: str) -> None:
    """A message about the work, on stderr."""
    print(line, file=sys.stderr, flush=True)


def hush(line: str) -> None:
    """What `--quiet` makes of a message."""


def show_json(content: Any) -> None:
    """A result for a program: JSON on one line."""
    print(json.dumps(content, ensure_ascii=False))


def show_trained(run: Any, *following: str, quiet: bool, as_json: bool) -> None:
    """Writes the report of a run that is finished; shows where it is, and the commands that follow."""
    from elmyr.core.files import read_json
    from elmyr.core.plugins import with_plugins
    from elmyr.report import write_report

    report = write_report(run.path)
    if as_json:
        show_json({"run": str(run.path), "report": str(report)} | read_json(run.summary))
    elif not quiet:
        say(f"the report: {report}")
        for number, command in enumerate(following):
            say(f"{'       ' if number else 'next:  '}{with_plugins(command)}")


def show_table(rows: list[list[str]]) -> None:
    """Rows of words in aligned columns; the first row is the head."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def show_figures(evaluation: dict[str, Any]) -> None:
    """The figures of an evaluation, beside the same of real images."""
    from elmyr.report.parts.evidence import copies_sentence
    from elmyr.report.parts.numbers import number
    from elmyr.report.parts.records import Copies

    rows = [["figure", "generated", "95 % interval", "real-data baseline", "better when"]]
    for figure in evaluation["figures"]:
        interval = "" if figure["low"] is None else f"{number(figure['low'])} to {number(figure['high'])}"
        value = number(figure["value"]) + (f" ± {number(deviation)}" if (deviation := figure.get("deviation")) else "")
        rows.append([figure["title"], value, interval, number(figure["yardstick"]), figure["better"]])
    print(f"\n{evaluation['subject']}: {conditions(evaluation)}")
    show_table(rows)
    if evaluation["copies"] is not None:
        print(f"\n{copies_sentence(Copies.model_validate(evaluation['copies']))}")


def conditions(of: dict[str, Any]) -> str:
    """Without which a figure means nothing."""
    from elmyr.evaluation.extractors import called

    extractor = of["extractor"]
    about = [f"{extractor['dimension']} features"]
    about += [f"{name} {extractor[name]}" for name in ("seed", "width") if name in extractor]
    told = (
        f"{of['count']:,} images, against {_real_side(of)}, feature extractor '{called(extractor)}' "
        f"({', '.join(about)})"
    )
    if not of.get("convention"):
        return told
    convention = CONVENTIONS[of["convention"]["name"]]
    said = "; ".join(text.format(**values) for text, values in convention.said())
    return f"{told}\nby the conventions of {convention.name}: {said}"


def _real_side(of: dict[str, Any]) -> str:
    if statistics := of.get("statistics"):
        count = "" if statistics["count"] is None else f" of {statistics['count']:,} images"
        return f"the statistics '{statistics['file']}'{count}"
    as_many = f"{of['convention']['real']:,}" if of.get("convention") else "as many"
    return f"{as_many} of the {of['against']} part of {of['data']} (split {of['split_seed']})"


def save_captioned(drawn: Any, path: Path, none: str) -> None:
    """Writes a picture with the legend of its captions said beside it; says `none` where there is no picture."""
    from elmyr.images import save_png

    if drawn is None:
        say(none)
        return
    picture, legend = drawn
    save_png(picture, path)
    for line in legend:
        say(f"in the picture, {line}")
