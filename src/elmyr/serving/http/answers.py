"""Answers as they are sent: JSON, a picture, arrays; and how images stand in them."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from io import BytesIO
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from elmyr.serving.http.pictures import png_of
from elmyr.serving.kinds import JSON, NPZ, PNG


@dataclass(frozen=True)
class Answer:
    """What the worker made of a request: ready to be sent."""

    status: int
    media_type: str
    content: bytes


def refusal(status: int, message: str) -> Answer:
    """An answer that says what is wrong."""
    return json_answer({"error": message}, status)


def json_answer(content: Any, status: int = 200) -> Answer:
    """An answer in JSON; what is no text is replaced."""
    return Answer(status, JSON, json.dumps(content, ensure_ascii=False).encode("utf-8", "replace"))


def png_answer(image: NDArray[np.uint8]) -> Answer:
    """A picture uint8 (H, W, C)."""
    return Answer(200, PNG, png_of(image))


def npz_answer(**arrays: NDArray[Any]) -> Answer:
    """Arrays by their names."""
    buffer = BytesIO()
    np.savez_compressed(buffer, **cast(Any, arrays))
    return Answer(200, NPZ, buffer.getvalue())


def in_base64(image: NDArray[np.uint8]) -> str:
    """An image uint8 (H, W, C) as the text of a PNG."""
    return base64.b64encode(png_of(image)).decode("ascii")
