"""A folder of images: class folders, a table of labels, or all in one place without labels; with its own test part."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from elmyr.core.errors import InputError
from elmyr.core.notes import note
from elmyr.images.dataset.passed_over import examples, kinds_of, note_files
from elmyr.images.decode.codecs import is_other_image, suffix_of
from elmyr.images.decode.encoded import EncodedImages, joined, one_line, open_file, shown
from elmyr.images.readers.array_folder import has_arrays
from elmyr.images.readers.class_folders import labels_of_folders
from elmyr.images.readers.idx_paths import has_idx_files
from elmyr.images.readers.labels import (
    PLAIN,
    NoLabels,
    TableLabels,
    is_meant,
    is_possible,
    is_usual,
    merged,
    table_labels,
)
from elmyr.images.readers.labels.places import Places, stem_of
from elmyr.images.readers.labels.tables import is_own
from elmyr.images.readers.parquet import has_parquet_files
from elmyr.images.readers.parts import Part, part_of, training_and_test
from elmyr.images.readers.tar import has_tar_files
from elmyr.images.readers.tree import Tree, content_of, tree_of

OTHER_DATA = (has_arrays, has_idx_files, has_parquet_files, has_tar_files)  # what else a folder may hold
OF_IMAGES = (".json", ".xml", ".txt", ".csv")  # of a file for each image
FEWEST_OF_IMAGES = 2


@dataclass(frozen=True)
class _Place:
    """A folder of one part: where it is, what lies below it, and the tables that may tell its labels."""

    path: Path
    tree: Tree
    tables: list[Path]
    part: Part | None = None

    def named(self, path: str) -> str:
        """What an image is called."""
        return one_line(path if self.part is None else f"{self.path.name}/{path}")


class Labeled(NamedTuple):
    """Images by their paths in a folder, in order, with the names of their classes; the classes; what told them.

    reasons: why tables tell no labels.
    """

    images: list[str]
    labels: list[str] | None
    classes: tuple[str, ...]
    told: str | None
    table: TableLabels | None
    reasons: dict[Path, str]


def read_folder(folder: Path, label_column: str | None = None) -> tuple[EncodedImages, EncodedImages | None]:
    """The images of a folder, and of its test part where it has one of its own.

    label_column: of the table that tells the labels. A folder of validation images counts as training images: elmyr
    splits these itself. What was chosen and what is passed over is told as notes. Raises InputError for a layout in
    which images would be lost, for a class without images, and for a table that contradicts itself.
    """
    top, tree = content_of(folder), tree_of(folder)
    of_images = _files_of_images(tree)
    if not tree.images:
        raise InputError(_without_images(folder, tree))
    filled = {path.partition("/")[0] for path in tree.images} - set(top.images)
    whole = bool(top.images) or is_own(folder / PLAIN)
    found = None if whole else training_and_test([folder / name for name in top.folders if name in filled])
    tables = [folder / path for path in tree.others if path not in of_images and _tells(path, filled)]
    if found is None:
        places = [_Place(folder, tree, tables)]
        training, testing = places, []
    else:
        training, testing = ([_part(folder, path, tree, tables, of_images) for path in paths] for paths in found)
        places = [*training, *testing]
        _tell_joined(found[0])
    if label_column is not None and not any(place.tables for place in places):
        raise InputError(f"'{folder}' has no table of labels: leave out --label-column")
    labeled = {place.path: _labeled(place, label_column) for place in places}
    others = [path for path in tree.others if path not in of_images]
    _tell(folder, others, places, list(labeled.values()))
    if of_images:
        kinds = kinds_of(sorted(of_images))
        note(
            f"'{folder}': {len(of_images):,} files of single images are passed over: {kinds}. Labels are read from "
            "class folders, or from one table of all images: a CSV file with the columns file and label"
        )
    if found is None and (split := _split_by_table(labeled[folder])) is not None:
        of_training, of_testing = (_encoded(folder, places[0], half) for half in split)
        return of_training, of_testing
    train, test = ([_encoded(folder, place, labeled[place.path]) for place in part] for part in (training, testing))
    return joined(train), joined(test) if test else None


def _files_of_images(tree: Tree) -> set[str]:
    """The files that are called as images are, as those of LabelMe, VOC and YOLO: no tables of all, and thousands."""
    stems = set(map(stem_of, tree.images)) if tree.others else set()
    found = {path for path in tree.others if suffix_of(path) in OF_IMAGES and stem_of(path) in stems}
    return found if len(found) >= FEWEST_OF_IMAGES else set()


def _tell_joined(training: list[Path]) -> None:
    """Notes that several folders of training images, as `trainA` and `trainB`, are taken together."""
    several = [path.name for path in training if part_of(path.name) == "train"]
    if len(several) > 1:
        note(
            f"the training images are those of {examples(several)} together: give one of these folders to take it alone"
        )


def _tells(path: str, filled: set[str]) -> bool:
    """Whether a file in a folder may tell the labels of all: it lies directly there, or in a folder without images."""
    steps = path.split("/")
    return is_possible(steps[-1]) and len(steps) <= 2 and (len(steps) == 1 or steps[0] not in filled)


def _part(folder: Path, path: Path, tree: Tree, tables: list[Path], of_images: set[str]) -> _Place:
    """The place of a part: its own tables first, then those beside it that are not of another part."""
    part = part_of(path.name) or part_of(path.name.rpartition("_")[2])
    beside = [table for table in tables if part_of(table.name) in (part, None)]
    below = tree.below(path.name)
    names = [name for name in below.others if f"{path.name}/{name}" not in of_images]
    own = [path / name for name in names if "/" not in name and is_possible(name)]
    named = [table for table in beside if part_of(table.name) is not None]
    return _Place(path, below, [*own, *named, *(table for table in beside if table not in named)], part)


def _labeled(place: _Place, column: str | None) -> Labeled:
    """The labels of a place: of a table, else of its class folders."""
    flat = any("/" not in path for path in place.tree.images)
    found, reasons = _of_table(place, column, flat)
    if found is None:
        images, labels, classes = labels_of_folders(place.path, place.tree, is_part=place.part is not None)
        return Labeled(images, labels, classes, "the class folders" if classes else None, None, reasons)
    _tell_disagreement(place, found)
    left_out = [path for path in place.tree.images if path not in found.labels]
    if left_out:
        note(
            f"'{place.path}': {len(left_out):,} of {len(place.tree.images):,} images are in no row of "
            f"'{found.file.name}' and are left out ({examples(left_out)})"
        )
    return Labeled([*found.labels], [*found.labels.values()], found.classes, found.told, found, reasons)


def _tell_disagreement(place: _Place, found: TableLabels) -> None:
    """Notes the images that a table gives to another class than that of the folder that they lie in."""
    classes = set(found.classes)
    folders = {path: path.partition("/")[0] for path in found.labels}
    odd = [path for path, label in found.labels.items() if folders[path] != label and folders[path] in classes]
    if odd:
        note(
            f"'{place.path}': {len(odd):,} images lie in the folder of another class than '{found.file.name}' says "
            f"('{shown(odd[0])}' is '{shown(found.labels[odd[0]])}'): the table counts"
        )


def _of_table(place: _Place, column: str | None, flat: bool) -> tuple[TableLabels | None, dict[Path, str]]:
    """What the first table says that says anything, and why others say nothing.

    Beside class folders only tables are asked whose name promises labels.
    """
    tables = [file for file in place.tables if flat or column is not None or is_usual(file.name)]
    places = Places(place.tree.images)
    reasons: dict[Path, str] = {}
    refused: InputError | None = None
    for file in sorted(tables, key=_likelihood):
        meant = column is None and place.part != "test" and (file.name == PLAIN or (flat and is_meant(file.name)))
        try:
            found = table_labels(file, places, column)
        except InputError as error:
            if meant:
                raise
            refused, found = error, NoLabels(str(error), of_others=False)
        if isinstance(found, TableLabels):
            return _with_parts(found, place, places, tables, column, reasons), reasons
        if meant and (file.name == PLAIN or found.of_others):
            raise InputError(f"'{file}' tells no labels: {found.reason}")
        reasons[file] = found.reason
    if refused is not None and column is not None and place.part != "test":
        raise refused
    return None, reasons


def _likelihood(file: Path) -> tuple[bool, bool, bool, str]:
    """A key that sorts tables by how likely they tell the labels of training images."""
    return file.name != PLAIN, not is_usual(file.name), part_of(file.stem) == "test", file.name


def _with_parts(
    found: TableLabels,
    place: _Place,
    places: Places,
    tables: list[Path],
    column: str | None,
    reasons: dict[Path, str],
) -> TableLabels:
    """The labels of a table of training images with those of its like for other parts, where all lie in one place."""
    if place.part is not None or part_of(found.file.stem) != "train":
        return found
    for file in tables:
        part = part_of(file.stem)
        if part in ("validation", "test"):
            other = table_labels(file, places, column)
            if isinstance(other, TableLabels):
                found = merged(found, other, testing=part == "test")
            else:
                reasons[file] = other.reason
    return found


def _split_by_table(labeled: Labeled) -> tuple[Labeled, Labeled] | None:
    """The training and the test images, where a table tells both."""
    if labeled.table is None or labeled.labels is None or not labeled.table.testing:
        return None
    halves = []
    for testing in (False, True):
        kept = [place for place, path in enumerate(labeled.images) if (path in labeled.table.testing) == testing]
        images, labels = [labeled.images[place] for place in kept], [labeled.labels[place] for place in kept]
        halves.append(labeled._replace(images=images, labels=labels))
    return (halves[0], halves[1]) if halves[0].images else None


def _tell(folder: Path, others: list[str], places: list[_Place], labeled: list[Labeled]) -> None:
    """Notes what the labels were read from, the rows without an image, and the files that are passed over."""
    used: dict[Path, list[TableLabels]] = {}
    for of_place in labeled:
        if of_place.table is not None:
            used.setdefault(of_place.table.file, []).append(of_place.table)
    for of_parts in used.values():
        nowhere = set.intersection(*(set(table.missing) for table in of_parts))
        replace(of_parts[0], missing=[name for name in of_parts[0].missing if name in nowhere]).tell()
    told = next((of_place.told for of_place in labeled if of_place.told is not None), None)
    reasons = {file: reason for of_place in labeled for file, reason in of_place.reasons.items()}
    tables = {file for place in places for file in place.tables}
    read = {file for of_parts in used.values() for table in of_parts for file in (table.file, *table.also)}
    for file in sorted(tables - read):
        note(f"'{file.name}' is passed over: {reasons.get(file, f'the labels are from {told}')}")
    in_folder = {os.path.relpath(file, folder).replace(os.sep, "/") for file in tables}
    note_files(folder, [path for path in others if path not in in_folder])


def _encoded(folder: Path, place: _Place, labeled: Labeled) -> EncodedImages:
    numbers = {name: number for number, name in enumerate(labeled.classes)}
    files = [os.path.join(place.path, path) for path in labeled.images]
    return EncodedImages(
        name=folder.resolve().name or "images",
        where=str(folder),
        names=[place.named(path) for path in labeled.images],
        open=lambda at: open_file(files[at]),
        files=files,
        labels=None if labeled.labels is None else np.array([numbers[name] for name in labeled.labels], np.int64),
        classes=labeled.classes,
        labels_from=labeled.told,
    )


def _folders_of(folder: Path, files: list[str]) -> list[Path]:
    return sorted({(folder / file).parent for file in files})


def _without_images(folder: Path, tree: Tree) -> str:
    if not tree.others:
        return f"'{folder}' has no images: put them there, in a folder for each class where they have labels"
    data = next(
        (place for place in _folders_of(folder, tree.others) if any(holds(place) for holds in OTHER_DATA)), None
    )
    if data is not None:
        return f"'{folder}' has no images itself: give '{data}', which has data"
    if not any(map(suffix_of, tree.others)):
        fix = ": name images with the suffix of their format, such as .png"
    else:
        fix = "" if any(map(is_other_image, tree.others)) else ": give the folder of the images"
    return f"'{folder}' has no images that are read here, but {kinds_of(tree.others)}{fix}"
