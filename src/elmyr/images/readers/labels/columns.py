"""Which columns of a table name the files, and which their labels."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from elmyr.core.errors import InputError
from elmyr.images.decode.encoded import is_number, shown
from elmyr.images.readers.labels.places import Places
from elmyr.images.readers.labels.tables import Table
from elmyr.images.readers.parts import Part, part_of

FILES = (
    *("file", "filename", "filepath", "path", "image", "imagename", "imagefile", "imagepath", "imagefilename", "img"),
    *("imgname", "imgpath", "imageid", "imgid", "id", "uid", "name", "photo", "picture", "key", "index", "url"),
    *("imageurl", "dateiname", "datei", "bild", "fichier", "archivo", "imagen", "файл", "изображение"),
    *("ファイル名", "画像", "파일", "파일명", "이미지"),
    *("文件", "文件名", "图片", "图像", "路径", "名称", "编号"),
)
# The first that a table has is taken.
LABELS = (
    *("label", "labels", "class", "classname", "classlabel", "classid", "classes", "target", "category"),
    *("categoryname", "categoryid", "finelabel", "coarselabel", "species", "breed", "diagnosis", "dx", "disease"),
    *("defect", "defecttype", "type", "kind", "genus", "family", "variety", "digit", "letter", "character", "grade"),
    *("level", "y", "gt", "groundtruth", "annotation", "tag", "cls", "choice", "klasse", "kategorie", "étiquette"),
    *("etiquette", "classe", "catégorie", "etiqueta", "clase", "categoría", "класс", "метка", "категория"),
    *("ラベル", "クラス", "라벨", "레이블", "클래스"),
    *("标签", "类别", "类", "分类", "种类", "类型"),
)
LIKELY = re.compile("label|class|categor|species|diagnos")  # of a name that none of these is
SPLITS = ("split", "set", "subset", "partition", "phase", "usage")
NO_NAMES = re.compile(r"(unnamed\d*|index|rowid)?")  # of the rows' numbers
NO_LABELS = re.compile(rf"({'|'.join(SPLITS)}|fold|width|height|bbox|[xy](min|max))|{NO_NAMES.pattern}")
NUMBERS, NAMES = ("label", "cls"), "class"  # of the classes, as elmyr writes them
OWN = ["label", NAMES]
PROBED = 1000  # rows, evenly spread, that tell which column names the files
FRACTION = re.compile(r"[+-]?(\d*\.\d+|\d+\.\d*)(e[+-]?\d+)?|[+-]?\d+e[+-]?\d+", re.IGNORECASE)
WHOLE = re.compile(r"([+-]?\d+(\.0*)?)?")
TOO_MANY = 0.5  # of the rows, beyond which different values are no classes


@dataclass(frozen=True)
class Labels:
    """Of each row its label, empty where it has none; the number of each class, where the table tells it.

    name: of the column; others: that might hold labels, too; guessed: whether its name tells nothing; used: the columns
    that are read.
    """

    name: str
    values: list[str]
    numbers: dict[str, int] | None = None
    others: tuple[str, ...] = ()
    guessed: bool = False
    used: tuple[str, ...] = ()


def plain(name: str) -> str:
    """A column's name without case, spaces and signs."""
    return re.sub(r"[\W_]+", "", name.lower())


def file_column(table: Table, places: Places) -> int | None:
    """The column that names the most images, of several one whose name says so; None where none names any."""
    best: tuple[int, int, int] | None = None
    step = max(1, len(table.rows) // PROBED)
    for column, name in enumerate(table.names):
        known = plain(name) in FILES
        values = table.column(column)[:: 1 if known else step]
        found = len({places.find(value) for value in values} - {None})
        rank = (found * (1 if known else step), known, -column)
        if found and (best is None or rank > best):
            best = rank
    return None if best is None else -best[2]


def label_column(table: Table, files: int, wanted: str | None, where: str) -> Labels | None:
    """The labels of a table whose column `files` names the files: of the column `wanted`, else of the likeliest.

    None where no column is likely. Raises InputError for a column that is not there, and for values that are no labels.
    """
    columns = {column: name for column, name in enumerate(table.names) if column != files}
    if wanted is not None:
        chosen = [column for column, name in columns.items() if name == wanted]
        chosen = chosen or [column for column, name in columns.items() if plain(name) == plain(wanted)]
        if not chosen:
            raise InputError(
                f"{where} has no column '{shown(wanted)}': choose from {named(columns.values())} for --label-column"
            )
        name = columns[chosen[0]]
        return Labels(name, _checked(table.column(chosen[0]), name, where), used=(name,))
    known = sorted((LABELS.index(plain(name)), column) for column, name in columns.items() if plain(name) in LABELS)
    known = known or [(0, column) for column, name in columns.items() if LIKELY.search(plain(name))]
    if known:
        return _of_known([column for _, column in known], table, where)
    likely = [column for column, name in columns.items() if not NO_LABELS.fullmatch(plain(name))]
    likely = [column for column in likely if any(table.column(column))]
    if len(likely) > 1:
        return _one_hot(table, likely, where)
    values = [table.column(column) for column in likely]
    if not likely or len(set(values[0])) > max(2, TOO_MANY * len(values[0])) or any(map(FRACTION.fullmatch, values[0])):
        return None
    return Labels(columns[likely[0]], values[0], guessed=True, used=(columns[likely[0]],))


def part_column(table: Table, labels: Labels) -> tuple[str, list[Part | None]] | None:
    """The column that tells of each row whether it is for training or for testing; None where there is none."""
    for column, name in enumerate(table.names):
        if plain(name) in SPLITS and name not in labels.used:
            parts = [part_of(value) for value in table.column(column)]
            if {"train", "test"} <= set(parts) and None not in parts:
                return name, parts
    return None


def named(names: Iterable[str]) -> str:
    """The names of columns in quotes, the first ten."""
    known = [f"'{shown(name)}'" for name in names]
    return ", ".join(known[:10]) + (", …" if len(known) > 10 else "")


def _of_known(known: list[int], table: Table, where: str) -> Labels:
    """The labels of the first of some columns; another one that says the same gives numbers to the names of classes."""
    names = {column: plain(table.names[column]) for column in known}
    # Where another column numbers the classes, the names of "class" stand as they are: "1.0" is one.
    stands = any(names[column] in NUMBERS and all(map(is_number, table.column(column))) for column in known)
    first, others = table.names[known[0]], []
    values = table.column(known[0])
    values = values if stands and names[known[0]] == NAMES else _checked(values, first, where)
    for column in known[1:]:
        name, twin = table.names[column], table.column(column)
        twin = twin if stands and names[column] == NAMES else whole_numbers(twin)
        own = [plain(first), plain(name)] == OWN and all(map(is_number, values))
        pairs = set(zip(values, twin, strict=True))
        if not len(pairs) == len(set(values)) == len(set(twin)):
            if own:
                _refuse_contradiction(values, twin, table, where)
            others.append(name)
            continue
        if own or (all(map(is_number, values)) and not all(map(is_number, twin))):
            numbers = {of_class: int(number) for number, of_class in pairs}
            return Labels(name, twin, numbers, tuple(others), used=(first, name))
        if all(map(is_number, twin)):
            return Labels(first, values, {n: int(number) for n, number in pairs}, tuple(others), used=(first, name))
    return Labels(first, values, None, tuple(others), used=(first,))


def _refuse_contradiction(numbers: list[str], names: list[str], table: Table, where: str) -> None:
    by_number: dict[str, str] = {}
    by_name: dict[str, str] = {}
    for row, (number, name) in enumerate(zip(numbers, names, strict=True), table.first):
        if by_number.setdefault(number, name) != name or by_name.setdefault(name, number) != number:
            raise InputError(
                f"row {row} of {where} gives the class '{shown(name)}' the label {shown(number)}, which contradicts a "
                "row above: give each class one label of its own"
            )


def _one_hot(table: Table, columns: list[int], where: str) -> Labels | None:
    """The labels of columns of zeros, with a single one in each row, in that of its class."""
    cells = [whole_numbers(table.column(column)) for column in columns]
    if not table.rows or not all(set(values) <= {"0", "1"} for values in cells):
        return None
    rows = list(zip(*cells, strict=True))
    odd = next((row for row, values in enumerate(rows) if values.count("1") != 1), None)
    if odd is not None:
        ones = rows[odd].count("1")
        raise InputError(
            f"row {odd + table.first} of {where} has {ones} of the classes {named([table.names[c] for c in columns])}, "
            "and an image has exactly one: pass --label-column NAME to learn one of these columns"
        )
    names = [table.names[column] for column in columns]
    values = [names[row.index("1")] for row in rows]
    numbers = {name: number for number, name in enumerate(names)}
    return Labels("one-hot", values, numbers, guessed=True, used=tuple(names))


def whole_numbers(values: list[str]) -> list[str]:
    """The values, 3.0 as 3 where all are such numbers."""
    if any("." in value for value in values) and all(
        WHOLE.fullmatch(value) or is_number(value) or not value for value in values
    ):
        return [value.partition(".")[0] for value in values]
    return values


def _checked(values: list[str], name: str, where: str) -> list[str]:
    values = whole_numbers(values)
    fractions = Counter(value for value in values if FRACTION.fullmatch(value))
    if fractions and len(fractions) > 1:
        raise InputError(
            f"the column '{shown(name)}' of {where} holds numbers such as {next(iter(fractions))}, which are no "
            "classes: pass --label-column NAME for another, or sort the images into class folders"
        )
    return values
