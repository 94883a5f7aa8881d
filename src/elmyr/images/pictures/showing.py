"""An image set as people look at it: a picture of some of its images, in a window or in a notebook."""

from __future__ import annotations

import base64
import html
import io
import os
import sys
from collections.abc import Sequence

import numpy as np
from PIL import Image

from elmyr.images.dataset.imageset import ImageSet
from elmyr.images.pictures.grid import as_picture, class_rows, enlarged, image_grid

COLUMNS, MOST_ROWS = 10, 20
MOST_COUNTED = 20  # classes


def picture_of(images: ImageSet) -> Image.Image:
    """A row of up to ten images for each of the first twenty classes that has any; without labels the first hundred."""
    if not len(images):
        return as_picture(enlarged(np.full((1, 8, 1), 128, np.uint8)))
    if images.labels is None:
        return as_picture(enlarged(image_grid(images[: COLUMNS**2].in_memory(), min(COLUMNS, len(images)))))
    present = np.unique(images.labels)[:MOST_ROWS]
    some = images.take(np.concatenate([np.flatnonzero(images.labels == label)[:COLUMNS] for label in present]))
    assert some.labels is not None
    rows = ImageSet(
        some.images, np.searchsorted(present, some.labels), [images.classes[label] for label in present.tolist()]
    )
    return as_picture(enlarged(class_rows(rows, min(COLUMNS, int(np.bincount(some.labels).max())))))


def html_of(images: ImageSet) -> str:
    """What the set is, how many images each class has, and the picture, as HTML."""
    words = [html.escape(repr(images))]
    if images.labels is not None:
        counts = np.bincount(images.labels, minlength=len(images.classes)).tolist()
        told = [f"{html.escape(name)}: {count:,}" for name, count in zip(images.classes, counts, strict=True)]
        more = [f"… {len(told) - MOST_COUNTED:,} more"] if len(told) > MOST_COUNTED else []
        words.append(", ".join(told[:MOST_COUNTED] + more))
    return f"<div>{'<br>'.join(words)}<br>{picture_html(picture_of(images))}</div>"


def picture_html(picture: Image.Image) -> str:
    """A picture as an element that holds it, whatever becomes of its file."""
    file = io.BytesIO()
    picture.save(file, format="PNG")
    return f'<img src="data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}">'


def table_html(rows: Sequence[Sequence[str]]) -> str:
    """A table, its first row the heads of the columns."""
    tags = ("th", *("td" for _ in rows[1:]))
    lines = [[f"<{tag}>{html.escape(word)}</{tag}>" for word in row] for tag, row in zip(tags, rows, strict=True)]
    return "<table>" + "".join(f"<tr>{''.join(line)}</tr>" for line in lines) + "</table>"


def opened(picture: Image.Image) -> Image.Image:
    """The same picture, opened in a window where there is a screen; a notebook shows what a cell gives."""
    has_screen = sys.platform in ("darwin", "win32") or any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY")
    )
    if has_screen and "ipykernel" not in sys.modules:
        picture.show()
    return picture
