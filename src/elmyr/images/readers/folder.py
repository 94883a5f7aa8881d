"""A folder of images: a folder for each class, or all in one place without labels."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from elmyr.errors import InputError
from elmyr.images.imageset import ImageSet

# Only these decoders are let near a file, whatever its suffix says.
FORMATS = ("PNG", "JPEG", "BMP", "WEBP", "GIF", "TIFF")
SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".webp", ".gif", ".tif", ".tiff"}
GRAY_MODES = {"1", "L", "LA"}  # and the 16-bit ones, which all begin with I;16
MODES_WITHOUT_RANGE = {"I", "F"}
MOST_UNREADABLE = 0.01
NAMED = 5

T = TypeVar("T")


def read_folder(folder: Path) -> tuple[ImageSet, None]:
    """The images of a folder, of one size; gray where all of them are gray, else RGB (alpha is dropped).

    Of an animation the first frame; of 16 bits the upper 8. Up to 1 % unreadable images are skipped with a
    warning that names them. Raises InputError for more, for unequal sizes, and for a class without images.
    """
    labels, classes = _listing(folder)
    damage: dict[Path, str] = {}
    # Headers first: sizes and modes are known, and refused, before a pixel is decoded.
    headers = {path: seen for path in labels if (seen := _look(path, _header, damage, folder))}
    _check_damage(damage, len(labels), folder)
    width, height = _common_size({path: size for path, (size, _) in headers.items()}, folder)
    mode = "L" if all(gray for _, gray in headers.values()) else "RGB"

    images = np.empty((len(headers), height, width, Image.getmodebands(mode)), np.uint8)
    whole: list[Path] = []
    for path in headers:
        pixels = _look(path, lambda image: _pixels(image, mode), damage, folder)
        if pixels is not None:
            images[len(whole)] = pixels
            whole.append(path)
    _check_damage(damage, len(labels), folder)
    if damage:
        warnings.warn(f"'{folder}': {_told(damage, folder)} skipped", stacklevel=2)
    numbers = np.array([labels[path] for path in whole], np.int64) if classes else None
    return ImageSet(images[: len(whole)], numbers, classes, folder.resolve().name or "images"), None


def _listing(folder: Path) -> tuple[dict[Path, int], tuple[str, ...]]:
    """Each image's label (0 where there are no classes), and the classes."""
    folders, loose = _content(folder)
    if not folders and not loose:
        raise InputError(f"'{folder}' has no images: put them there, in a folder for each class where they have labels")
    if not folders:
        return dict.fromkeys(loose, 0), ()
    if loose:
        raise InputError(
            f"'{folder}' has images ('{loose[0].name}') beside folders ('{folders[0].name}'): "
            "put every image into the folder of its class"
        )
    labels: dict[Path, int] = {}
    for label, of_class in enumerate(folders):
        deeper, images = _content(of_class)
        if deeper:
            raise InputError(
                f"the class folder '{of_class}' holds a folder ('{deeper[0].name}'): put its images directly into it"
            )
        if not images:
            raise InputError(f"the class folder '{of_class}' has no images: put some there, or remove it")
        labels |= dict.fromkeys(images, label)
    return labels, tuple(of_class.name for of_class in folders)


def _content(folder: Path) -> tuple[list[Path], list[Path]]:
    try:
        visible = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise InputError(f"'{folder}' cannot be read ({error.strerror}): make it readable") from None
    folders = [path for path in visible if path.is_dir()]
    images = [path for path in visible if path.suffix.lower() in SUFFIXES and not path.is_dir()]
    return folders, images


def _look(path: Path, see: Callable[[Image.Image], T], damage: dict[Path, str], folder: Path) -> T | None:
    """What `see` makes of an image; None, and a line in `damage`, where the file is not whole."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's remarks on odd metadata
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=FORMATS) as image:
                return see(image)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise InputError(f"image '{_shown(path, folder)}' is far too large: resize it, or remove it") from None
    except Exception as error:  # a damaged file makes Pillow's decoders raise nearly anything
        damage[path] = str(error).replace(str(path), path.name) or type(error).__name__
        return None


def _header(image: Image.Image) -> tuple[tuple[int, int], bool]:
    if image.mode in MODES_WITHOUT_RANGE:
        raise ValueError(f"its pixels are of mode {image.mode}, whose range is not known")
    return image.size, image.mode in GRAY_MODES or _is_16_bit(image)


def _pixels(image: Image.Image, mode: str) -> NDArray[np.uint8]:
    if _is_16_bit(image):
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    image.info.pop("transparency", None)  # else Pillow chooses a color for it
    pixels = np.asarray(image.convert(mode))
    return pixels.reshape(*pixels.shape[:2], -1)


def _is_16_bit(image: Image.Image) -> bool:
    return image.mode.startswith("I;16")


def _common_size(sizes: dict[Path, tuple[int, int]], folder: Path) -> tuple[int, int]:
    common = Counter(sizes.values()).most_common(1)[0][0]
    odd = next((path for path, size in sizes.items() if size != common), None)
    if odd is not None:
        (width, height), (common_width, common_height) = sizes[odd], common
        raise InputError(
            f"image '{_shown(odd, folder)}' is {height}x{width}, the others are "
            f"{common_height}x{common_width}: resize them to one size"
        )
    return common


def _check_damage(damage: dict[Path, str], count: int, folder: Path) -> None:
    if len(damage) > MOST_UNREADABLE * count:
        raise InputError(f"'{folder}': {_told(damage, folder)} among {count}: replace or remove what is damaged")


def _told(damage: dict[Path, str], folder: Path) -> str:
    named = ", ".join(f"'{_shown(path, folder)}': {why}" for path, why in list(damage.items())[:NAMED])
    more = ", …" if len(damage) > NAMED else ""
    return f"{len(damage)} unreadable image{'s' * (len(damage) > 1)} ({named}{more})"


def _shown(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()
