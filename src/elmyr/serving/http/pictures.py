"""Images as PNG files that tell nothing of where they come from: one way to encode them, one size for all."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

END = 12  # bytes of the chunk that ends a PNG file
PADDING = b"paDd"  # ancillary, private, safe to copy: readers pass over it


def equal_pngs(images: Sequence[NDArray[np.uint8]]) -> list[bytes]:
    """Each image uint8 (H, W, C) as a PNG file, all of the same length in bytes."""
    written = [png_of(image) for image in images]
    longest = max(map(len, written))
    return [_padded(png, longest) for png in written]


def png_of(image: NDArray[np.uint8]) -> bytes:
    """An image uint8 (H, W, C) as a PNG file."""
    buffer = BytesIO()
    Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image).save(buffer, "PNG")
    return buffer.getvalue()


def _padded(png: bytes, longest: int) -> bytes:
    """With a chunk of zeros before its end: also where it is the longest, so that all have as many chunks."""
    content = PADDING + bytes(longest - len(png))
    chunk = struct.pack(">I", len(content) - 4) + content + struct.pack(">I", zlib.crc32(content))
    return png[:-END] + chunk + png[-END:]
