"""Arrays in `.npz` files, read without trust: no pickle, and one line for whatever the file is not."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from pathlib import Path
from tokenize import TokenError
from typing import Any, BinaryIO
from zipfile import BadZipFile, ZipFile, is_zipfile

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from elmyr.core.errors import InputError

DAMAGE = (  # what numpy and zipfile raise for files that are not what they claim to be
    OSError,
    EOFError,
    ValueError,
    TypeError,
    KeyError,
    NotImplementedError,
    RuntimeError,
    MemoryError,
    OverflowError,
    BadZipFile,
    zlib.error,
    struct.error,
    TokenError,
)
PLAIN = npy.magic(1, 0)  # how an array begins whose header is at most 64 KiB long
SHOWN = 120  # characters of a reason


def read_arrays(path: Path, keys: Sequence[str], *, mend: str) -> dict[str, NDArray[Any]]:
    """Those of the keys that an `.npz` file has; InputError, which ends in `mend`, for one that cannot be read."""
    try:
        with path.open("rb") as file:
            _check_members(file, path, keys, mend)
            loaded = np.load(file, allow_pickle=False)
            if isinstance(loaded, np.ndarray):
                raise InputError(f"'{path}' is a single array, not an .npz file: {mend}")
            with loaded:
                return {key: loaded[key] for key in keys if key in loaded}
    except InputError:
        raise
    except DAMAGE as error:
        raise InputError(f"'{path}' cannot be read ({' '.join(str(error).split())[:SHOWN]}): {mend}") from None


def array_names(path: Path, *, mend: str) -> list[str]:
    """The keys of an `.npz` file; InputError as `read_arrays`."""
    read_arrays(path, (), mend=mend)
    with ZipFile(path) as packed:
        return [name.removesuffix(".npy") for name in packed.namelist()]


def _check_members(file: BinaryIO, path: Path, keys: Sequence[str], mend: str) -> None:
    """Numpy unpacks whole what does not begin as an array does, or has a header of any length: a bomb, maybe."""
    if is_zipfile(file):
        with ZipFile(file) as packed:
            for name in packed.namelist():
                if name.removesuffix(".npy") not in keys:
                    continue
                with packed.open(name) as member:
                    if member.read(len(PLAIN)) != PLAIN:
                        raise InputError(f"'{path}' holds '{name}', which is no array: {mend}")
    file.seek(0)
