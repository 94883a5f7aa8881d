"""Tables of labels as text: CSV with any usual separator and encoding, JSON lines, JSON."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from elmyr.core.errors import InputError
from elmyr.images.decode.codecs import suffix_of
from elmyr.images.decode.encoded import open_file, shown
from elmyr.images.readers.labels.json_forms import table_of

SEPARATORS = {",": "", ";": "';' between", "\t": "tabs between", "|": "'|' between"}
PLAIN = "utf-8-sig"
WESTERN, CYRILLIC, CHINESE = "cp1252", "cp1251", "gb18030"  # as spreadsheets on Windows save
HIGH = re.compile(rb"[\x80-\xff]+")
MARKS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
OWN = ["file", "label", "class"]  # the columns that elmyr writes
LONGEST_ACCENTS = 2  # high bytes in a row, on average, of a Western text
LISTS = ".txt"  # which mostly hold other things
MOST_OF_A_LINE = 10_000
BINARY = frozenset(map(chr, (*range(9), *range(14, 32))))


@dataclass(frozen=True)
class Table:
    """The names of the columns, the cells of each row as text, and how these were found where that is not plain.

    first: the number of the first row as an editor counts lines.
    """

    names: Sequence[str]
    rows: Sequence[Sequence[str]]
    about: tuple[str, ...] = ()
    first: int = 1

    def column(self, place: int) -> list[str]:
        """The cells of one column; empty where a row is too short."""
        return [row[place] if place < len(row) else "" for row in self.rows]


def read_table(file: Path) -> Table:
    """The table in a file, by its suffix; InputError for what is none."""
    text, encoding = _text(file)
    about = () if encoding == PLAIN else (encoding,)
    return FORMS[suffix_of(file.name)](text, file, about)


def is_table(name: str) -> bool:
    """Whether a file of this name may hold labels."""
    return suffix_of(name) in FORMS


def is_own(file: Path) -> bool:
    """Whether a table is one that elmyr wrote: it tells the labels of a whole set."""
    return file.is_file() and _text(file)[0].split("\n", 1)[0].strip() == ",".join(OWN)


def _text(file: Path) -> tuple[str, str]:
    try:
        with open_file(str(file)) as opened:
            content = opened.read()
    except OSError as error:
        raise InputError(f"'{file}' cannot be read ({error.strerror or error}): save it as CSV in UTF-8") from None
    marked = next((encoding for mark, encoding in MARKS.items() if content.startswith(mark)), None)
    for encoding in (marked,) if marked else (PLAIN, _windows_encoding(content)):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if not BINARY.isdisjoint(text[: 1 << 20]):
            break
        return text, encoding
    raise InputError(f"'{file}' is no list of labels (it is binary): save it as CSV in UTF-8")


def _windows_encoding(content: bytes) -> str:
    """What is no UTF-8: Chinese has pairs of high bytes, Cyrillic whole words of them; Western accents stand alone."""
    runs = HIGH.findall(content)
    if runs and all(len(run) % 2 == 0 for run in runs):
        return CHINESE
    return CYRILLIC if sum(map(len, runs)) > LONGEST_ACCENTS * len(runs) else WESTERN


def _csv(text: str, file: Path, about: tuple[str, ...]) -> Table:
    lines = list(_short_lines(io.StringIO(text, newline=""), file))
    skipped = _lines_above(lines)
    lines = lines[skipped:]
    head = lines[:1]
    separator = max(SEPARATORS, key=lambda sign: len(next(csv.reader(head, delimiter=sign), [])))
    own = [line.strip() for line in head] == [",".join(OWN)]  # whose cells are exact
    try:
        rows = [row for row in csv.reader(lines, delimiter=separator, skipinitialspace=not own, strict=True) if row]
    except csv.Error as error:
        raise InputError(f"'{file}' cannot be read ({error}): save it as CSV in UTF-8") from None
    if not rows:
        raise InputError(f"'{file}' is empty: give it a first line 'file,label' and a row for each image")
    if not own:
        rows = [[cell.strip() for cell in row] for row in rows]
    told = (SEPARATORS[separator],) if SEPARATORS[separator] and suffix_of(file.name) != ".tsv" else ()
    return Table(rows[0], rows[1:], (*told, *about), first=2 + skipped)


def _lines_above(lines: Sequence[str]) -> int:
    """How many lines stand above the names of the columns: a spreadsheet's own mark, comments, empty ones."""
    usual = max(map(_cells, lines[-2:]), default=0)
    for number, line in enumerate(lines):
        comment = line.startswith("#") and _cells(line) < usual
        if line.strip() and line.strip().lower()[:4] != "sep=" and not comment:
            return number
    return 0


def _cells(line: str) -> int:
    return max(map(line.count, SEPARATORS))


def _short_lines(lines: io.StringIO, file: Path) -> Iterator[str]:
    for line in lines:
        if len(line) > MOST_OF_A_LINE:
            raise InputError(f"'{file}' is no list of labels (a line is too long): save it as CSV")
        yield line


def _json_lines(text: str, file: Path, about: tuple[str, ...]) -> Table:
    records = [_parsed(line, file) for line in text.splitlines() if line.strip()]
    return _of_json(records, file, about)


def _json(text: str, file: Path, about: tuple[str, ...]) -> Table:
    return _of_json(_parsed(text, file), file, about)


def _parsed(text: str, file: Path) -> object:
    try:
        content: object = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"'{file}' is no JSON ({shown(str(error))}): write it again") from None
    return content


def _of_json(content: object, file: Path, about: tuple[str, ...]) -> Table:
    found = table_of(content)
    if found is None:
        raise InputError(f'\'{file}\' is no list of labels: write {{"labels": [["a.png", 0], …]}}')
    return Table(*found, about)


def _list(text: str, file: Path, about: tuple[str, ...]) -> Table:
    """Lines of a file and a label with a space between, or of CSV."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if any(sign in line for line in lines[:1] for sign in SEPARATORS):
        return _csv(text, file, about)
    rows = [line.rsplit(maxsplit=1) for line in lines]
    return Table(["column 1", "column 2"], rows, (*about, "spaces between"))


FORMS: dict[str, Callable[[str, Path, tuple[str, ...]], Table]] = {
    ".csv": _csv,
    ".tsv": _csv,
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
    ".json": _json,
    LISTS: _list,
}
