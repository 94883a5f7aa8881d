import struct
import zlib
from contextlib import suppress
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from elmyr.core.errors import InputError
from elmyr.serving.http.uploads import decoded, decoded_one, in_channels
from tests.serving.workbench import as_npy, as_png

GRAY = np.arange(64, dtype=np.uint8).reshape(8, 8) * 3
COLOR = np.arange(192, dtype=np.uint8).reshape(8, 8, 3)


def test_png_jpeg_and_arrays_come_out_as_their_pixels() -> None:
    (picture,) = decoded(as_png(GRAY))
    assert (picture.pixels == GRAY[..., None]).all() and not picture.clear.any()
    assert (decoded(as_png(COLOR))[0].pixels == COLOR).all()
    buffer = BytesIO()
    Image.fromarray(COLOR).save(buffer, "JPEG", quality=100)
    assert np.abs(decoded(buffer.getvalue())[0].pixels.astype(int) - COLOR).mean() < 20
    several = np.stack([GRAY, 255 - GRAY])
    for array, count in ((several, 2), (several[..., None], 2), (GRAY, 1), (COLOR, 1), (COLOR[None], 1)):
        for content in (as_npy(array), as_npy(np.asfortranarray(array))):
            pictures = decoded(content)
            assert len(pictures) == count
            assert (pictures[0].pixels == array.reshape(count, 8, 8, -1)[0]).all()


def test_what_is_transparent_is_told_and_lies_on_white() -> None:
    image = np.dstack([COLOR, np.full((8, 8), 255, np.uint8)])
    image[2:4, 5, 3] = 0
    picture = decoded_one(as_png(image))
    assert picture.clear.sum() == 2 and picture.clear[2:4, 5].all()
    assert (picture.pixels[2:4, 5] == 255).all() and (picture.pixels[0] == COLOR[0]).all()


def test_channels_are_made_to_fit() -> None:
    picture = decoded_one(as_png(COLOR))
    gray = in_channels(picture, 1)
    assert np.abs(gray[..., 0].astype(int) - np.asarray(Image.fromarray(COLOR).convert("L"))).max() <= 1
    assert (in_channels(decoded_one(as_png(GRAY)), 3) == GRAY[..., None]).all()


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png_of(width: int, height: int, content: bytes = b"") -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + content + chunk(b"IEND", b"")


def npy_of(header: bytes, content: bytes = b"", version: bytes = b"\x01\x00") -> bytes:
    return b"\x93NUMPY" + version + struct.pack("<H", len(header)) + header + content


BOMB = chunk(b"IDAT", zlib.compress(bytes(1 << 20), 9))
OBJECTS = BytesIO()
np.save(OBJECTS, np.array([{"a": 1}], dtype=object), allow_pickle=True)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "is empty"),
        (b"GIF89a" + bytes(20), "is no image"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "is no image"),
        (b"\x80\x04\x95", "is no image"),
        (b"PK\x03\x04" + bytes(30), "is no image"),
        (b"  \x89PNG\r\n\x1a\n", "is no image"),
        (png_of(50_000, 50_000, BOMB), "too large"),
        (png_of(4_001, 1_000, BOMB), "too large"),
        (png_of(8, 8, chunk(b"IDAT", zlib.compress(b"\0")[:-3])), "cannot be read"),
        (png_of(8, 8), "cannot be read"),
        (png_of(0, 8), "cannot be read"),
        (b"\xff\xd8\xff" + as_png(GRAY), "cannot be read"),
        (b"\x89PNG\r\n\x1a\n", "cannot be read"),
        (OBJECTS.getvalue(), "send uint8"),
        (as_npy(GRAY.astype(np.float32)), "send uint8"),  # type: ignore[arg-type]
        (as_npy(np.zeros((2, 8, 8, 2), np.uint8)), "2 channels"),
        (as_npy(np.zeros((0, 8, 8), np.uint8)), "has the shape"),
        (as_npy(np.zeros(64, np.uint8)), "has the shape"),
        (as_npy(np.zeros((1001, 8, 8), np.uint8)), "at most 1,000 images"),
        (npy_of(b"{'descr': '|u1', 'fortran_order': False, 'shape': (9999999999, 8, 8), }\n"), "at most"),
        (npy_of(b"{'descr': '|u1', 'fortran_order': False, 'shape': (-1, 8, 8), }\n"), "has the shape"),
        (npy_of(b"{'descr': '|u1', 'fortran_order': False, 'shape': (2, 8, 8), }\n", bytes(127)), "promises 128"),
        (npy_of(b"__import__('os').system('x')\n"), "cannot be read"),
        (npy_of(b"(" * 900), "cannot be read"),
        (npy_of(b"{" + b" " * 60_000 + b"}"), "cannot be read"),
        (npy_of(b"{}", version=b"\x09\x00"), "cannot be read"),
    ],
)
def test_what_is_no_image_or_too_much_is_one_line(content: bytes, expected: str) -> None:
    with pytest.raises(InputError, match=expected) as refused:
        decoded(content)
    assert "\n" not in str(refused.value) and len(str(refused.value)) < 400


def test_a_polyglot_is_the_image_that_it_begins_as() -> None:
    content = as_png(GRAY) + b"<script>alert(1)</script>PK\x03\x04" + as_npy(np.zeros((3, 8, 8), np.uint8))
    assert (decoded_one(content).pixels[..., 0] == GRAY).all()


def test_an_array_whose_header_counts_in_truths_is_read_as_in_numbers() -> None:
    (picture,) = decoded(npy_of(b"{'descr': '|u1', 'fortran_order': False, 'shape': (True, 9), }\n", bytes(9)))
    assert picture.pixels.shape == (1, 9, 1)


def test_one_picture_is_asked_for_where_one_is_needed() -> None:
    with pytest.raises(InputError, match="holds 2 images: send one"):
        decoded_one(as_npy(np.zeros((2, 8, 8), np.uint8)))


@given(st.binary(max_size=300), st.sampled_from([b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"\x93NUMPY\x01\x00", b""]))
def test_any_bytes_are_images_or_refused(content: bytes, start: bytes) -> None:
    with suppress(InputError):
        assert all(picture.pixels.dtype == np.uint8 for picture in decoded(start + content))
