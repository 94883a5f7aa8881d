"""The forms in which JSON tells the labels of files: each becomes columns and rows of text."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

Found = tuple[list[str], list[list[str]]]


def table_of(content: object) -> Found | None:
    """Columns and rows of what JSON holds; None where it is no form that is known."""
    return next((found for form in FORMS if (found := form(content)) is not None), None)


def cell(value: object) -> str:
    """A value as a table would write it: of a vector with a single 1 its place, of other lists and mappings nothing."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        whole = [number for number in value if isinstance(number, int | float)]
        single = len(whole) == len(value) and sorted(whole)[-1:] == [1] and sum(map(abs, whole)) == 1
        return str(value.index(1)) if single else ""
    return str(value) if isinstance(value, str | int | float) else ""


def _stylegan(content: object) -> Found | None:
    """{"labels": [[file, number], …]}, or a mapping there, or null for none."""
    if not isinstance(content, dict) or "labels" not in content:
        return None
    told = content["labels"]
    return (["file"], []) if told is None else _pairs(told) or _of_files(told)


def _coco(content: object) -> Found | None:
    """{"images": [{id, file_name}], "annotations": [{image_id, category_id}], "categories": [{id, name}]}."""
    if not isinstance(content, dict):
        return None
    images, annotations, categories = (_mappings(content.get(key)) for key in ("images", "annotations", "categories"))
    if not images or not annotations:
        return None
    files = {cell(image.get("id")): cell(image.get("file_name")) for image in images}
    names = {cell(category.get("id")): cell(category.get("name")) for category in categories or ()}
    rows = []
    for annotation in annotations:
        number = cell(annotation.get("category_id"))
        rows.append([files.get(cell(annotation.get("image_id")), ""), names.get(number) or number])
    return ["file_name", "category"], rows


def _label_studio(content: object) -> Found | None:
    """[{data: {image: …}, annotations: [{result: [{value: {choices: [label]}}]}]}, …], as Label Studio exports it."""
    tasks = _mappings(content)
    if not tasks or not all(isinstance(task.get("data"), dict) and "annotations" in task for task in tasks):
        return None
    return ["image", "choice"], [[_first_text(task["data"]), _choice(task["annotations"])] for task in tasks]


def _first_text(data: Mapping[str, Any]) -> str:
    return cell(data.get("image", next((value for value in data.values() if isinstance(value, str)), "")))


def _choice(annotations: object) -> str:
    """The only choice of a task; none where several were made, or where parts of the image were marked."""
    results = [result for one in _mappings(annotations) or () for result in _mappings(one.get("result")) or ()]
    values = [result["value"].get("choices") for result in results if isinstance(result.get("value"), dict)]
    return cell(values[0][0]) if len(values) == 1 and isinstance(values[0], list) and len(values[0]) == 1 else ""


def _pandas(content: object) -> Found | None:
    """{"columns": […], "data": [[…], …]} or {"file": {"0": …}, "label": {"0": …}}, as pandas writes a table."""
    if not isinstance(content, dict):
        return None
    names, rows = content.get("columns"), content.get("data")
    if isinstance(names, list) and isinstance(rows, list) and all(isinstance(row, list) for row in rows):
        return list(map(cell, names)), [list(map(cell, row)) for row in rows]
    columns = [value for value in content.values() if isinstance(value, dict)]
    if len(columns) != len(content) or not _tells_files(content) or len({tuple(column) for column in columns}) != 1:
        return None
    return list(map(str, content)), [[cell(column[key]) for column in columns] for key in columns[0]]


def _records(content: object) -> Found | None:
    """[{file: …, label: …}, …], or the only such list in a mapping."""
    if isinstance(content, dict):
        lists = [value for value in content.values() if _mappings(value)]
        content = lists[0] if len(lists) == 1 else None
    records = _mappings(content)
    if not records:
        return None
    names = list(dict.fromkeys(str(name) for record in records for name in record))
    return names, [[cell(record.get(name)) for name in names] for record in records]


def _pairs(content: object) -> Found | None:
    """[[file, label], …]."""
    if not isinstance(content, list) or not content:
        return None
    if not all(isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], str) for pair in content):
        return None
    return ["file", "label"], [[cell(value) for value in pair] for pair in content]


def _columns(content: object) -> Found | None:
    """{"file": […], "label": […]}: lists of one length."""
    if not isinstance(content, dict) or len(content) < 2:
        return None
    columns = [value for value in content.values() if isinstance(value, list)]
    scalar = all(not isinstance(value, list | dict) for column in columns for value in column[:1])
    if len(columns) != len(content) or len(set(map(len, columns))) != 1 or not scalar or not _tells_files(content):
        return None
    return list(map(str, content)), [[cell(value) for value in row] for row in zip(*columns, strict=True)]


def _tells_files(content: Mapping[str, Any]) -> bool:
    return any("file" in name.lower() or "path" in name.lower() or "image" in name.lower() for name in content)


def _of_classes(content: object) -> Found | None:
    """{class: [file, …], …}."""
    if not isinstance(content, dict) or not content:
        return None
    if not all(isinstance(files, list) and all(isinstance(file, str) for file in files) for files in content.values()):
        return None
    return ["file", "label"], [[file, str(name)] for name, files in content.items() for file in files]


def _of_files(content: object) -> Found | None:
    """{file: label, …}, or {file: {"label": …}, …}."""
    if not isinstance(content, dict) or not content:
        return None
    if all(isinstance(value, dict) for value in content.values()):
        return _records([{"file": file} | value for file, value in content.items()])
    if any(isinstance(value, dict) or value is None for value in content.values()):
        return None
    return ["file", "label"], [[str(file), cell(value)] for file, value in content.items()]


def _mappings(content: object) -> Sequence[Mapping[str, Any]] | None:
    """A list of mappings; None for all else, and for an empty one."""
    known = isinstance(content, list) and bool(content) and all(isinstance(one, dict) for one in content)
    return content if known else None  # type: ignore[return-value]  # just checked


# The first that knows it.
FORMS: tuple[Callable[[object], Found | None], ...] = (
    _stylegan,
    _coco,
    _label_studio,
    _pandas,
    _records,
    _pairs,
    _columns,
    _of_classes,
    _of_files,
)
