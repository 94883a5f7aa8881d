"""Labels by folders: a folder for each class, its name the class; or none, where the images lie in one place."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from elmyr.core.errors import InputError
from elmyr.core.notes import note
from elmyr.images.dataset.passed_over import examples, kinds_of
from elmyr.images.decode.codecs import is_other_image, suffix_of
from elmyr.images.decode.encoded import MOST_TOLD, in_order, one_line, shown
from elmyr.images.readers.labels import is_usual
from elmyr.images.readers.labels.dates import step_of_classes
from elmyr.images.readers.parts import divided, part_of
from elmyr.images.readers.tree import Tree, content_of

NO_CLASS = {"images", "image", "imgs", "img", "pictures", "photos", "pics", "jpegimages", "jpeg", "jpg", "png", "data"}

MASKS = {"masks", "mask", "labels", "annotations", "segmentation", "segmentations", "groundtruth", "gt"}
BEGINNING = re.compile(r"([^\W\d_]+)[ ._-]*\(?\d+\)?\.\w+")  # of a file as cat.12.jpg, dog_3.png, dog (4).png
FEWEST_NAMED, MOST_NAMES = 2, 100

Found = tuple[list[str], list[str] | None, tuple[str, ...]]


def labels_of_folders(folder: Path, tree: Tree, *, is_part: bool) -> Found:
    """The images of a folder, by their paths there, the class of each, and the classes; None and () for no classes.

    Images in folders inside a class folder are of that class, which is told. is_part: whether the folder is a training
    or test part, in which a single folder around the class folders is entered. Raises InputError for a layout in which
    images would be lost or be taken for one class.
    """
    content = content_of(folder)
    if not content.folders or not any("/" in path for path in tree.images):
        _note_names(folder, tree.images)
        return tree.images, None, ()
    if content.images:
        raise InputError(
            f"'{folder}' has images ('{shown(content.images[0])}') beside folders ('{shown(content.folders[0])}'): "
            "put every image into the folder of its class"
        )
    groups = _groups(folder, tree, content.folders)
    if len(groups) == 1:
        (only,) = groups
        inner = _folder_of_classes(folder / only)
        if inner is not None:
            return _inside(folder, inner, tree, is_part=is_part)
        if only.lower() in NO_CLASS:
            note(f"the images of '{one_line(str(folder / only))}' have no labels: a folder for each class gives them")
            return tree.images, None, ()
    masks = [name for name in groups if name.lower() in MASKS]
    if masks and len(masks) < len(groups) and all(name.lower() in NO_CLASS | MASKS for name in groups):
        images = next(name for name in groups if name not in masks)
        raise InputError(
            f"'{folder}' has {examples(groups)}, which are no classes: give '{_shown_path(folder / images)}' alone"
        )
    depth = step_of_classes([path.split("/")[:-1] for images in groups.values() for path in images], str(folder))
    if depth:
        groups = _grouped(sorted(path for images in groups.values() for path in images), depth)
        _refuse_twins(folder, groups)
    deeper = [path for path in tree.folders if path.count("/") > depth]
    if deeper:
        note(
            f"folders inside class folders ({len(deeper):,}: {examples(deeper)}) hold images of their class"
            f"{_other_meaning(deeper) if depth == 0 else ''}"
        )
    labels = [name for name, images in groups.items() for _ in images]
    return [path for images in groups.values() for path in images], labels, in_order(groups)


def _other_meaning(deeper: Sequence[str]) -> str:
    """What is to be done where the same folders lie in all class folders, as parts or classes do; "" elsewhere."""
    inside: dict[str, set[str]] = {}
    for path in deeper:
        of_class, name = path.split("/")[:2]
        inside.setdefault(of_class, set()).add(name)
    first, *rest = inside.values()
    if not rest or len(first) < 2 or any(names != first for names in rest):
        return ""
    if all(map(part_of, first)):
        return "; for a test part of its own put folders for each class into train and test"
    return f"; where {examples(sorted(first))} are the classes, put each into one folder, side by side"


def _note_names(folder: Path, images: Sequence[str]) -> None:
    """Tells where the names of images without labels seem to tell classes, as cat.0.jpg and dog.0.jpg do."""
    found = Counter(match[1].lower() for path in images if (match := BEGINNING.fullmatch(path)))
    several = 2 <= len(found) <= min(MOST_NAMES, len(images) // 2) and min(found.values()) >= FEWEST_NAMED
    if several and found.total() == len(images):
        note(
            f"'{folder}': names of files are not read as labels, although they begin with {examples(sorted(found))}: "
            "sort the images into a folder for each class to have labels"
        )


def _groups(folder: Path, tree: Tree, folders: Sequence[str]) -> dict[str, list[str]]:
    """The images of each class folder; InputError for one without, and for two that differ by case alone."""
    groups: dict[str, list[str]] = {name: [] for name in folders}
    others: dict[str, list[str]] = {name: [] for name in folders}
    for kind, paths in ((groups, tree.images), (others, tree.others)):
        for path in paths:
            name, inside, _ = path.partition("/")
            if inside:
                kind[name].append(path)
    for name in folders:
        if not groups[name]:
            _refuse_lost(one_line(str(folder / name)), others[name])
            del groups[name]  # its files are told with all others
    _refuse_twins(folder, groups)
    return groups


def _grouped(paths: Sequence[str], depth: int) -> dict[str, list[str]]:
    """The paths of images by the folder around them at a depth."""
    groups: dict[str, list[str]] = {}
    for path in paths:
        groups.setdefault(path.split("/")[depth], []).append(path)
    return groups


def _refuse_twins(folder: Path, names: Iterable[str]) -> None:
    """InputError for two classes that differ by case alone."""
    by_lower: dict[str, str] = {}
    for name in names:
        twin = by_lower.setdefault(name.lower(), name)
        if twin != name:
            raise InputError(f"'{folder}' has the class folders '{shown(twin)}' and '{shown(name)}': make them one")


def _refuse_lost(place: str, others: Sequence[str]) -> None:
    """InputError for a folder that is empty, or whose images cannot be read: a class would be lost."""
    if not others:
        raise InputError(f"the class folder '{place}' has no images: put some there, or remove it")
    unread = [path for path in others if is_other_image(path) or not suffix_of(path)]
    if unread:
        raise InputError(f"the class folder '{place}' has no images that are read here, but {kinds_of(unread)}")


def _folder_of_classes(folder: Path) -> Path | None:
    """The folder at or below this one that holds class folders, parts or a table of labels; None if it is a class."""
    place = folder
    while True:
        content = content_of(place)
        if any(map(is_usual, content.others)) or divided([place / name for name in content.folders]) is not None:
            return place
        if content.images:
            return None if place == folder else place.parent
        if len(content.folders) != 1:
            return place
        place /= content.folders[0]


def _inside(folder: Path, inner: Path, tree: Tree, *, is_part: bool) -> Found:
    """What lies one folder or more further down, where the part of a set has such a folder; InputError elsewhere."""
    if not is_part:
        raise InputError(f"'{folder}' holds one folder, and the images lie further down: give '{_shown_path(inner)}'")
    below = inner.relative_to(folder).as_posix()
    note(f"'{folder}' holds one folder, '{shown(below)}': what is in that is read")
    images, labels, classes = labels_of_folders(inner, tree.below(below), is_part=False)
    return [f"{below}/{path}" for path in images], labels, classes


def _shown_path(path: Path) -> str:
    """A path that is to be given: whole, as long as that is possible."""
    line = one_line(str(path))
    return line if len(line) <= MOST_TOLD else shown(line)
