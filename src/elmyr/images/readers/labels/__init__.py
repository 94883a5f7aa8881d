"""Labels of files from a table: which tables may hold them, and what such a table says of the images of a folder."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

from elmyr.core.errors import InputError
from elmyr.core.notes import note
from elmyr.images.dataset.passed_over import examples
from elmyr.images.decode.codecs import suffix_of
from elmyr.images.decode.encoded import in_order, shown
from elmyr.images.readers.labels.columns import NO_NAMES, Labels, file_column, label_column, named, part_column, plain
from elmyr.images.readers.labels.places import Places
from elmyr.images.readers.labels.tables import LISTS, Table, is_table, read_table

PLAIN = "labels.csv"  # the table that elmyr itself writes
USUAL = re.compile(
    r"((train|training|test|testing|val|valid|validation|dev|eval|all|full|image|images|img|my)*(set|data)?)"
    r"(labels?|metadata|meta|annotations?|dataset|data|groundtruth|gt|targets?|class(es)?|index|info|list|files?)?"
)
# Of these names a table that tells no labels is refused, where there are no class folders.
MEANT = re.compile(r".*(label|annotation|metadata|groundtruth|target)s?|(train|training)(set)?|dataset")
NEVER = re.compile(r"submission|prediction|predicted|results?$")  # tables of answers, not of labels


@dataclass(frozen=True)
class TableLabels:
    """What a table says of images: the label of each, in the order of its rows, and the classes in their order.

    testing: the images of the set's own test part, where the table tells it. told: how the labels were found, for
    people; plain: whether that needs no word. others, unused: columns that may be labels, and those passed over.
    missing: names in its rows that are no image's; shared: names that are those of several; unlabeled: the numbers of
    the rows without a label.
    also: other tables that are read with this one.
    """

    file: Path
    labels: dict[str, str]
    testing: set[str]
    classes: tuple[str, ...]
    told: str
    plain: bool
    others: tuple[str, ...]
    unused: list[str]
    missing: list[str]
    shared: list[str]
    unlabeled: list[int]
    rows: int
    also: tuple[Path, ...] = ()

    def tell(self) -> None:
        """Notes what was chosen and what is passed over."""
        if not self.plain:
            note(f"labels from {self.told}")
        if self.others:
            note(
                f"'{self.file.name}' has other columns that may be labels ({named(self.others)}): pass --label-column "
                f"{shown(self.others[0])} to take that"
            )
        if self.unused:
            note(f"columns of '{self.file.name}' that are passed over: {named(self.unused)}")
        if self.missing:
            note(
                f"{len(self.missing):,} of {self.rows:,} rows of '{self.file.name}' name files that are not there "
                f"({examples(self.missing)})"
            )
        if self.shared:
            note(
                f"{len(self.shared):,} of {self.rows:,} rows of '{self.file.name}' name several images each "
                f"({examples(self.shared)}), which are left out: name the files with their folders and suffixes"
            )
        if self.unlabeled:
            note(
                f"{len(self.unlabeled):,} of {self.rows:,} rows of '{self.file.name}' have no file or no label (row "
                f"{self.unlabeled[0]}): passed over"
            )


def merged(first: TableLabels, other: TableLabels, *, testing: bool) -> TableLabels:
    """What two tables say, one of the training and one of other images; testing: whether these are test images."""
    own = {path: label for path, label in other.labels.items() if path not in first.labels}
    classes = first.classes if set(other.classes) <= set(first.classes) else in_order({*first.classes, *other.classes})
    return replace(
        first,
        labels=first.labels | own,
        testing=first.testing | (set(own) if testing else set()),
        classes=classes,
        told=f"{first.told} and {other.told}",
        missing=[*first.missing, *other.missing],
        shared=[*first.shared, *other.shared],
        rows=first.rows + other.rows,
        also=(*first.also, other.file),
    )


@dataclass(frozen=True)
class NoLabels:
    """Why a table says nothing of the labels of images; of_others: its rows are not of these images."""

    reason: str
    of_others: bool


def is_usual(name: str) -> bool:
    """Whether a table of this name is meant to hold labels."""
    stem = plain(Path(name).stem)
    return is_table(name) and bool(USUAL.fullmatch(stem) or MEANT.fullmatch(stem)) and not NEVER.search(stem)


def is_meant(name: str) -> bool:
    """Whether a table of this name is expected to tell labels."""
    return is_usual(name) and suffix_of(name) != LISTS and bool(MEANT.fullmatch(plain(Path(name).stem)))


def is_possible(name: str) -> bool:
    """Whether a table of this name may hold labels."""
    return is_usual(name) or (is_table(name) and suffix_of(name) != LISTS and not NEVER.search(plain(Path(name).stem)))


def table_labels(file: Path, places: Places, wanted: str | None = None) -> TableLabels | NoLabels:
    """What a table says of the images of a folder, by their paths there; or why it says nothing.

    wanted: the column of the labels. Raises InputError for what is no table, and for labels that contradict.
    """
    table = _with_header(read_table(file), places)
    if not table.rows:
        return NoLabels("it names no image: add a row for each", of_others=False)
    files = file_column(table, places)
    if files is None:
        reason = f"no column names an image here (it has {named(table.names)}; an image is '{shown(places.images[0])}')"
        return NoLabels(f"{reason}: name the files in a column 'file'", of_others=True)
    labels = label_column(table, files, wanted, f"'{file}'")
    if labels is None:
        rest = named(name for column, name in enumerate(table.names) if column != files)
        reason = f"it has no column of labels (it has {rest or 'no other'})"
        return NoLabels(f"{reason}: name it 'label', or pass --label-column NAME", of_others=False)
    return _joined(file, table, places, files, labels)


def _with_header(table: Table, places: Places) -> Table:
    """The table, with made-up names where its first row tells of an image already."""
    if not any("." in name and places.find(name) for name in table.names):
        return table
    names = [f"column {number}" for number, _ in enumerate(table.names, 1)]
    return Table(names, [table.names, *table.rows], (*table.about, "no line of column names"), table.first - 1)


def _joined(file: Path, table: Table, places: Places, files: int, chosen: Labels) -> TableLabels:
    labels: dict[str, str] = {}
    missing: list[str] = []
    shared: list[str] = []
    unlabeled: list[int] = []
    testing: set[str] = set()
    split, parts = part_column(table, chosen) or (None, [None] * len(table.rows))
    cells = zip(table.column(files), chosen.values, parts, strict=True)
    for row, (name, label, part) in enumerate(cells, table.first):
        if not label or not name:
            unlabeled.append(row)
            continue
        path = places.find(name)
        if path is None:
            (shared if places.is_shared(name) else missing).append(name)
            continue
        if part == "test":
            testing.add(path)
        if labels.setdefault(path, label) != label:
            raise InputError(
                f"row {row} of '{file}' names '{shown(name)}' twice, as '{shown(labels[path])}' and as "
                f"'{shown(label)}': keep one of the rows"
            )
    if unlabeled and not labels:
        raise InputError(f"row {unlabeled[0]} of '{file}' names no file or no label: complete it")
    read = {table.names[files], split, *chosen.used, *chosen.others}
    return TableLabels(
        file=file,
        labels=labels,
        testing=testing,
        classes=_classes(set(labels.values()), chosen),
        told=_told(file, table, files, chosen, split),
        plain=file.name == PLAIN and not chosen.guessed and plain(table.names[files]) == "file" and not table.about,
        others=chosen.others,
        unused=[
            name for name in dict.fromkeys(table.names) if name not in read and not NO_NAMES.fullmatch(plain(name))
        ],
        missing=missing,
        shared=shared,
        unlabeled=unlabeled,
        rows=len(table.rows),
    )


def _classes(names: set[str], chosen: Labels) -> tuple[str, ...]:
    numbers = chosen.numbers or {}
    known = chosen.numbers is not None and all(numbers[name] >= 0 for name in names)
    return tuple(sorted(names, key=numbers.__getitem__)) if known else in_order(names)


def _told(file: Path, table: Table, files: int, chosen: Labels, split: str | None) -> str:
    column = "one column for each class" if chosen.name == "one-hot" else f"column '{shown(chosen.name)}'"
    parts = [] if split is None else [f"test images by '{shown(split)}'"]
    about = [column, f"files in '{shown(table.names[files])}'", *parts, *table.about]
    return f"'{shown(file.name)}' ({', '.join(about)})"
