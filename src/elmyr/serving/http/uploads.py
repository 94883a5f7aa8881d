"""From the bytes that someone sent to images: what they are is told by how they begin, and by nothing else."""

from __future__ import annotations

from io import BytesIO

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from elmyr.core.arrays import DAMAGE
from elmyr.core.errors import InputError
from elmyr.images.dataset.ranges import Range, bytes_hold, in_bytes
from elmyr.images.dataset.sizes import Size
from elmyr.images.decode.formats import Picture, TooLarge, quiet_decoders, read_picture
from elmyr.serving.http.limits import MOST_IMAGES, MOST_PHOTO_PIXELS, MOST_PIXELS

PNG, JPEG, NPY = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", npy.MAGIC_PREFIX
DECODERS = {PNG: "PNG", JPEG: "JPEG"}
LONGEST_HEADER = 1_000  # of an array: bytes that are parsed
SHOWN = 120  # characters of a reason


def decoded(content: bytes, wanted: Size | None = None, of: Range | None = None) -> list[Picture]:
    """The pictures of an upload: one PNG or JPEG, or an array uint8 (N, H, W), (N, H, W, C), (H, W, C) or (H, W).

    wanted: the size that a PNG or JPEG is to be brought into, which may be a photograph then. of: the values that are
    black and white, those of the type where None. InputError for anything else, also where it is more than the limits
    allow; nothing is decoded before that is known.
    """
    if content.startswith(NPY):
        images = _array(content)
        leveled = in_bytes(images, of) if of is not None and bytes_hold(of) else images
        return [Picture(image, np.zeros(image.shape[:2], np.bool_)) for image in leveled]
    decoder = next((name for start, name in DECODERS.items() if content.startswith(start)), None)
    if decoder is None:
        what = "is empty" if not content else "is no image"
        raise InputError(f"the upload {what}: send a PNG, a JPEG, or an array of uint8 as .npy")
    most = MOST_PIXELS if wanted is None else MOST_PHOTO_PIXELS[decoder]
    try:
        with quiet_decoders():
            return [read_picture(BytesIO(content), formats=[decoder], most=most, wanted=wanted, of=of)]
    except TooLarge as error:
        raise InputError(f"the picture is too large ({error}): at most {most:,} pixels") from None
    except MemoryError:
        raise
    except Exception as error:  # a damaged file makes Pillow's decoders raise nearly anything
        raise InputError(f"the {decoder} cannot be read ({_reason(error)}): save it again") from None


def decoded_one(content: bytes, of: Range | None = None) -> Picture:
    """The picture of an upload that is to hold one; `of` as `decoded` has it."""
    pictures = decoded(content, of=of)
    if len(pictures) != 1:
        raise InputError(f"the upload holds {len(pictures)} images: send one")
    return pictures[0]


def _array(content: bytes) -> NDArray[np.uint8]:
    file = BytesIO(content)
    try:
        version = npy.read_magic(file)
        read_header = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}[version]
        shape, in_columns, dtype = read_header(file, max_header_size=LONGEST_HEADER)
    except (*DAMAGE, SyntaxError, RecursionError) as error:
        raise InputError(f"the array cannot be read ({_reason(error)}): write it with numpy.save") from None
    if dtype != np.uint8:
        raise InputError(f"the array is {str(dtype)[:40]}: send uint8")
    if not 2 <= len(shape) <= 4 or min(shape) < 1:
        raise InputError(f"the array has the shape {str(shape)[:80]}: send (N, H, W), (N, H, W, C) or one image")
    shape = tuple(map(int, shape))  # True passes for 1 up to here
    form = _form(shape)
    if form[3] not in (1, 3):
        raise InputError(f"the images have {form[3]} channels: send 1, gray, or 3, RGB")
    if form[0] > MOST_IMAGES or form[0] * form[1] * form[2] > MOST_PIXELS:
        raise InputError(
            f"the array holds {form[0]:,} images of {form[1]}x{form[2]}: send at most {MOST_IMAGES:,} images and "
            f"{MOST_PIXELS:,} pixels at once"
        )
    flat = np.frombuffer(content, np.uint8, offset=file.tell())
    if flat.size != np.prod(form, dtype=np.int64):
        raise InputError(
            f"the array's header promises {np.prod(form, dtype=np.int64)} bytes, {flat.size} came: cut off?"
        )
    return flat.reshape(shape, order="F" if in_columns else "C").reshape(form)


def _form(shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """The shape as (N, H, W, C)."""
    if len(shape) == 4:
        return shape[0], shape[1], shape[2], shape[3]
    if len(shape) == 2:
        return 1, shape[0], shape[1], 1
    return (1, shape[0], shape[1], shape[2]) if shape[2] in (1, 3) else (shape[0], shape[1], shape[2], 1)


def in_channels(picture: Picture, channels: int) -> NDArray[np.uint8]:
    """The pixels (H, W, C), gray or RGB, as the model takes them."""
    pixels = picture.pixels
    if pixels.shape[2] == channels:
        return pixels
    if channels == 3:
        return np.repeat(pixels, 3, axis=2)
    luma = pixels @ np.array([299, 587, 114], np.float32) / 1000  # ITU-R 601, as Pillow's "L" has it
    return np.rint(luma).astype(np.uint8)[..., None]


def _reason(error: Exception) -> str:
    return " ".join(str(error).split())[:SHOWN] or type(error).__name__
