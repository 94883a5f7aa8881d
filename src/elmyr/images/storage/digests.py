"""Digests of images on the disk, kept with the stamp of what they were taken of: they are not read again for that."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress

from elmyr.core.errors import InputError
from elmyr.core.files import cache_folder, read_json, write_json

DIGEST = re.compile(r"[0-9a-f]{64}")


def kept_digest(stamp: Callable[[], str], take: Callable[[], str]) -> str:
    """The sha256 in hex that was kept with this stamp, or is taken now, and kept where nothing changed meanwhile.

    Where the cache cannot be written it is taken each time.
    """
    before = stamp()
    path = cache_folder() / "digests" / f"{before}.json"
    with suppress(InputError):
        known = read_json(path)
        if isinstance(known, str) and DIGEST.fullmatch(known):
            return known
    digest = take()
    if stamp() == before:
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            write_json(path, digest)
    return digest
