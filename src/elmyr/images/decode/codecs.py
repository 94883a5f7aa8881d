"""The image formats that are read here, by the suffixes of their files, and what helps against the others."""

from __future__ import annotations

import os
from functools import cache
from importlib.util import find_spec

from PIL import features

PILLOW = {
    ".png": "PNG",
    ".apng": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".jpe": "JPEG",
    ".jfif": "JPEG",
    ".bmp": "BMP",
    ".dib": "BMP",
    ".webp": "WEBP",
    ".gif": "GIF",
    ".tif": "TIFF",
    ".tiff": "TIFF",
}
HEIF = (".heic", ".heif", ".hif")
AVIF = ".avif"

# Files that hold images, labels or both, and are not read: what makes them readable.
CONVERT, UNPACK, AS_CSV, AS_ARRAYS = "convert to PNG", "unpack first", "save as CSV", "save as .npz with numpy.savez"
FIXES = {
    **dict.fromkeys(HEIF, "pip install 'elmyr[heic]'"),
    AVIF: "upgrade Pillow",
    **dict.fromkeys(
        (
            *(".svg", ".eps", ".psd", ".xcf", ".ico", ".icns", ".ppm", ".pgm", ".pbm", ".pnm", ".tga", ".dds", ".pcx"),
            *(".jp2", ".j2k", ".jpx", ".jxl", ".exr", ".hdr", ".dcm", ".dicom", ".nii", ".fits", ".raw", ".cr2"),
            *(".cr3", ".nef", ".arw", ".dng", ".orf", ".rw2", ".raf", ".czi", ".nd2", ".lif", ".svs"),
        ),
        CONVERT,
    ),
    **dict.fromkeys((".zip", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar"), UNPACK),
    **dict.fromkeys((".xlsx", ".xls", ".ods", ".numbers", ".parquet", ".feather", ".arrow"), AS_CSV),
    **dict.fromkeys((".mat", ".h5", ".hdf5", ".pkl", ".pickle", ".pt", ".pth", ".tfrecord", ".tfrecords"), AS_ARRAYS),
}


@cache
def decoders() -> dict[str, str]:
    """Pillow's decoder for each suffix that is read on this machine."""
    found = dict(PILLOW)
    if features.check("avif"):
        found[AVIF] = "AVIF"
    if find_spec("pillow_heif") is not None:
        import pillow_heif

        pillow_heif.register_heif_opener()
        found |= dict.fromkeys(HEIF, "HEIF")
    return found


def suffix_of(name: str) -> str:
    """The suffix of a file's name in lower case, with its dot; empty where it has none."""
    return os.path.splitext(name)[1].lower()


def is_image(name: str) -> bool:
    """Whether a file of this name is read as an image."""
    return suffix_of(name) in decoders()


def is_other_image(name: str) -> bool:
    """Whether a file of this name holds an image that is not read on this machine."""
    suffix = suffix_of(name)
    return suffix not in decoders() and FIXES.get(suffix, UNPACK) not in (UNPACK, AS_CSV, AS_ARRAYS)
