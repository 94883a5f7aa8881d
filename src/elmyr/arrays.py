"""Arrays in `.npz` files, read without trust: no pickle, and one line for whatever the file is not."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from elmyr.errors import InputError

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
)


def read_arrays(path: Path, keys: Sequence[str], *, mend: str) -> dict[str, NDArray[Any]]:
    """Those of the keys that an `.npz` file has; InputError, which ends in `mend`, for one that cannot be read."""
    try:
        with path.open("rb") as file:
            loaded = np.load(file, allow_pickle=False)
            if isinstance(loaded, np.ndarray):
                raise InputError(f"'{path}' is a single array, not an .npz file: {mend}")
            with loaded:
                return {key: loaded[key] for key in keys if key in loaded}
    except InputError:
        raise
    except DAMAGE as error:
        raise InputError(f"'{path}' cannot be read ({' '.join(str(error).split())}): {mend}") from None
