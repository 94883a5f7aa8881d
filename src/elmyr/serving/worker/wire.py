"""What the page's process and the worker say to each other: frames of a JSON header and the bytes that belong to it.

A frame is two lengths (of the header and of all parts), the header, and the parts one after the other; the header's
`sizes` tells where each ends. No pickle: what comes from outside stays bytes until it is decoded under guard.
"""

from __future__ import annotations

import asyncio
import json
import struct
from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO

LENGTHS = struct.Struct(">II")
LARGEST = 1 << 30  # bytes of a header, or of all parts

Frame = tuple[dict[str, Any], list[bytes]]


class Broken(Exception):
    """What came is no frame: the other side is not what it should be."""


def packed(header: Mapping[str, Any], parts: Sequence[bytes] = ()) -> bytes:
    """A frame as bytes."""
    written = json.dumps({**header, "sizes": [len(part) for part in parts]}).encode()
    return b"".join([LENGTHS.pack(len(written), sum(map(len, parts))), written, *parts])


def read_frame(stream: BinaryIO) -> Frame | None:
    """The next frame of a stream; None where it has ended. Raises `Broken` for anything else."""
    lengths = stream.read(LENGTHS.size)
    if not lengths:
        return None
    header, content = _checked(lengths)
    return _unpacked(_whole(stream, header), _whole(stream, content))


async def receive(stream: asyncio.StreamReader) -> Frame | None:
    """The same of a pipe that is read while others work."""
    try:
        header, content = _checked(await stream.readexactly(LENGTHS.size))
        return _unpacked(await stream.readexactly(header), await stream.readexactly(content))
    except asyncio.IncompleteReadError:
        return None  # the worker died in the middle of a word: no more than that it died is known


def _whole(stream: BinaryIO, size: int) -> bytes:
    content = stream.read(size)
    if len(content) < size:
        raise Broken(f"a frame ends after {len(content)} of {size} bytes")
    return content


def _checked(lengths: bytes) -> tuple[int, int]:
    if len(lengths) < LENGTHS.size:
        raise Broken(f"a frame begins with {len(lengths)} bytes")
    header, content = LENGTHS.unpack(lengths)
    if header > LARGEST or content > LARGEST:
        raise Broken(f"a frame of {header} and {content} bytes is larger than any")
    return header, content


def _unpacked(written: bytes, content: bytes) -> Frame:
    try:
        header = json.loads(written)
        sizes = [int(size) for size in header.pop("sizes")]
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise Broken(f"a frame's header is none ({error})") from None
    if min(sizes, default=0) < 0 or sum(sizes) != len(content):
        raise Broken(f"a frame's parts are {sum(sizes)} bytes, {len(content)} came")
    parts, start = [], 0
    for size in sizes:
        parts.append(content[start : start + size])
        start += size
    return header, parts
