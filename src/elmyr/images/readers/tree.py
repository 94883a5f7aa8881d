"""What lies in a folder: its folders, images and other files, without leftovers."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from elmyr.core.errors import InputError
from elmyr.core.notes import note
from elmyr.images.dataset.passed_over import examples, is_leftover, note_files
from elmyr.images.decode.codecs import is_image
from elmyr.images.readers.parts import part_of, training_and_test


@dataclass(frozen=True)
class Content:
    """Names in one folder, sorted."""

    folders: list[str] = field(default_factory=list)
    images: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)


def content_of(folder: Path | str) -> Content:
    """What lies directly in a folder; InputError where it cannot be read."""
    content = Content()
    try:
        with os.scandir(folder) as entries:  # which knows without a further look what is a folder
            for entry in entries:
                if is_leftover(entry.name):
                    continue
                # A link to itself makes is_dir raise, and isdir not.
                is_folder = os.path.isdir(entry.path) if entry.is_symlink() else entry.is_dir()
                kind = content.folders if is_folder else content.images if is_image(entry.name) else content.others
                kind.append(entry.name)
    except OSError as error:
        raise InputError(f"'{folder}' cannot be read ({error.strerror}): make it readable") from None
    for names in (content.folders, content.images, content.others):
        names.sort()
    return content


def shards_in(folder: Path, suffix: str) -> list[Path]:
    """The files of a suffix that hold the images of a folder, sorted: none where images lie beside them.

    Where none lies directly in it, those in its folders for training, validation and test images.
    """
    found = _files_of(folder, suffix)
    if found:
        return [] if content_of(folder).images else found
    parts = [folder / name for name in content_of(folder).folders if part_of(name) is not None]
    return [file for part in parts for file in _files_of(part, suffix) if not content_of(part).images]


def _files_of(folder: Path, suffix: str) -> list[Path]:
    return sorted(file for file in folder.glob(f"*{suffix}") if file.is_file() and not is_leftover(file.name))


def parts_of_shards(shards: list[Path]) -> tuple[list[Path], list[Path]]:
    """The shards of training and of test images, by their names or by those of the folders that they lie in."""
    folders = sorted({shard.parent for shard in shards})
    if len(folders) == 1:
        return training_and_test(shards) or (shards, [])
    training, testing = training_and_test(folders) or (folders, [])
    return tuple([shard for shard in shards if shard.parent in part] for part in (training, testing))  # type: ignore[return-value]  # two


def note_beside(shards: Sequence[Path]) -> None:
    """Tells of what lies beside shards in their folder, and is passed over."""
    for folder in sorted({shard.parent for shard in shards}):
        _note_beside(folder, [shard for shard in shards if shard.parent == folder])


def _note_beside(folder: Path, shards: Sequence[Path]) -> None:
    content = content_of(folder)
    names = {shard.name for shard in shards}
    note_files(folder, [name for name in content.others if name not in names])
    filled = [name for name in content.folders if content_of(folder / name).images]
    if filled:
        note(f"'{folder}': {examples(filled)} with images beside '{shards[0].name}' is passed over: give it by itself")


@dataclass(frozen=True)
class Tree:
    """All that lies below a folder: paths in it with `/` between; `folders` are those inside that hold images."""

    images: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)

    def below(self, folder: str) -> Tree:
        """What lies below one of its folders."""
        start = f"{folder}/"
        parts = (self.images, self.others, self.folders)
        return Tree(*([path[len(start) :] for path in paths if path.startswith(start)] for paths in parts))


def tree_of(folder: Path | str) -> Tree:
    """What lies below a folder, folder by folder in the order of their names; no folder is entered twice by links."""
    tree = Tree()
    entered = {os.path.realpath(folder)}
    waiting = [""]
    while waiting:
        inside = waiting.pop()
        content = content_of(os.path.join(folder, inside))
        tree.images.extend(inside + name for name in content.images)
        tree.others.extend(inside + name for name in content.others)
        if inside and content.images:
            tree.folders.append(inside[:-1])
        for name in reversed(content.folders):
            path = os.path.join(folder, inside + name)
            if os.path.islink(path):
                real = os.path.realpath(path)
                if real in entered:
                    continue
                entered.add(real)
            waiting.append(f"{inside}{name}/")
    return tree
