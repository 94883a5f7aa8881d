"""A folder of images: a folder for each class, a `labels.csv` that names them, or all in one place without labels."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

import numpy as np

from elmyr.errors import InputError
from elmyr.images.encoded import EncodedImages, in_order, is_number, joined, one_line, open_file, shown
from elmyr.images.formats import SUFFIXES
from elmyr.images.readers.parts import training_and_test

LABELS = "labels.csv"
FILE_COLUMNS = ("file", "filename", "file_name", "path", "image")
MOST_OF_A_LINE = 10_000


def read_folder(folder: Path) -> tuple[EncodedImages, EncodedImages | None]:
    """The images of a folder, and of its test part where it has the folders `train` and `test`.

    A folder `val` or `validation` beside them counts as training images: elmyr splits these itself. Raises InputError
    for a layout in which images would be lost, for a class without images, and for a `labels.csv` that does not fit.
    """
    folders, loose = _content(folder)
    divided = None if (folder / LABELS).exists() else training_and_test([folder / name for name in folders])
    if divided is None or loose:  # images beside the parts are told of
        return _read_part(folder, folder), None
    training, testing = ([_read_part(part, folder) for part in parts] for parts in divided)
    return joined(training), joined(testing) if testing else None


def _read_part(part: Path, folder: Path) -> EncodedImages:
    labels, classes = _labels_of_file(part) if (part / LABELS).exists() else _labels_of_folders(part)
    numbers = {name: number for number, name in enumerate(classes)}
    files = [os.path.join(part, name) for name in labels]
    inside = "" if part == folder else f"{part.name}/"
    return EncodedImages(
        name=folder.resolve().name or "images",
        where=str(folder),
        names=[one_line(inside + name) for name in labels],
        open=lambda place: open_file(files[place]),
        files=files,
        labels=np.array([numbers[name] for name in labels.values() if name is not None], np.int64) if classes else None,
        classes=classes,
    )


def _labels_of_folders(folder: Path) -> tuple[dict[str, str | None], tuple[str, ...]]:
    """Each image, by its path in the folder, with the name of its class folder, None where there are none; the classes.

    Raises InputError for a layout in which images would be lost.
    """
    folders, loose = _content(folder)
    if not folders and not loose:
        raise InputError(f"'{folder}' has no images: put them there, in a folder for each class where they have labels")
    if not folders:
        return dict.fromkeys(loose), ()
    if loose:
        raise InputError(
            f"'{folder}' has images ('{shown(loose[0])}') beside folders ('{shown(folders[0])}'): "
            "put every image into the folder of its class"
        )
    by_lower: dict[str, str] = {}
    labels: dict[str, str | None] = {}
    for name in folders:
        deeper, images = _content(folder / name)
        place = one_line(str(folder / name))
        if deeper:
            raise InputError(
                f"the class folder '{place}' holds a folder ('{shown(deeper[0])}'): put its images directly into it"
            )
        if not images:
            raise InputError(f"the class folder '{place}' has no images: put some there, or remove it")
        twin = by_lower.setdefault(name.lower(), name)
        if twin != name:
            raise InputError(f"'{folder}' has the class folders '{shown(twin)}' and '{shown(name)}': make them one")
        labels |= {f"{name}/{image}": name for image in images}
    return labels, in_order(folders)


def _labels_of_file(folder: Path) -> tuple[dict[str, str | None], tuple[str, ...]]:
    """Each image that `labels.csv` names with its class; and the classes, by their numbers where it has both."""
    file = folder / LABELS
    labels: dict[str, str | None] = {}
    numbers: dict[str, str] = {}
    by_number: dict[str, str] = {}
    for row_number, (name, label, class_name) in enumerate(_rows(file), 2):
        if not name or not (class_name or label):
            raise InputError(f"row {row_number} of '{file}' names no file or no label: complete it")
        path = _inside(name, file)
        if path in labels:
            raise InputError(f"'{file}' names '{shown(name)}' twice: keep one of the rows")
        labels[path] = class_name or label
        if not class_name or not label:
            continue
        if numbers.setdefault(class_name, label) != label or by_number.setdefault(label, class_name) != class_name:
            raise InputError(
                f"row {row_number} of '{file}' gives the class '{shown(class_name)}' the label {shown(label)}, which "
                "contradicts a row above: give each class one label of its own"
            )
    if not labels:
        raise InputError(f"'{file}' names no image: add a row for each")
    classes = in_order({name for name in labels.values() if name})
    if len(by_number) == len(classes) and all(map(is_number, by_number)):
        classes = tuple(by_number[number] for number in sorted(by_number, key=int))
    return labels, classes


def _rows(file: Path) -> Iterator[tuple[str, str, str]]:
    """File, label and class of each row; the last two are empty where there is no such column."""
    try:
        with open_file(str(file)) as content, io.TextIOWrapper(content, "utf-8-sig", newline="") as opened:
            rows = csv.DictReader(_short_lines(opened, file), strict=True)
            columns = {name.strip().lower(): name for name in rows.fieldnames or () if name}
            file_column = next((columns[name] for name in FILE_COLUMNS if name in columns), None)
            if file_column is None or not {"label", "class"} & set(columns):
                raise InputError(f"the first line of '{file}' has no columns 'file' and 'label': add that line")
            for row in rows:
                label, class_name = (row.get(columns.get(name, ""), "") or "" for name in ("label", "class"))
                yield row[file_column] or "", label, class_name
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"'{file}' cannot be read ({reason}): save it as CSV in UTF-8") from None


def _short_lines(lines: Iterable[str], file: Path) -> Iterable[str]:
    for line in lines:
        if len(line) > MOST_OF_A_LINE or "\0" in line:
            raise InputError(f"'{file}' is no list of labels (a line is too long, or binary): save it as CSV")
        yield line


def _inside(name: str, file: Path) -> str:
    path = PurePosixPath(name.replace("\\", "/"))
    leads_out = path.is_absolute() or bool(os.path.splitdrive(name)[0]) or ".." in path.parts
    if leads_out or path.suffix.lower() not in SUFFIXES:
        raise InputError(
            f"'{file}' names '{shown(name)}', which is no image inside the folder: give paths relative to it"
        )
    return str(path)


def _content(folder: Path) -> tuple[list[str], list[str]]:
    """The names of the folders and of the images in a folder, in order; hidden ones and other files are passed over."""
    folders, images = [], []
    try:
        with os.scandir(folder) as entries:  # which knows without a further look what is a folder
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                # A link to itself makes is_dir raise, and isdir not.
                if os.path.isdir(entry.path) if entry.is_symlink() else entry.is_dir():
                    folders.append(entry.name)
                elif os.path.splitext(entry.name)[1].lower() in SUFFIXES:
                    images.append(entry.name)
    except OSError as error:
        raise InputError(f"'{folder}' cannot be read ({error.strerror}): make it readable") from None
    return sorted(folders), sorted(images)
