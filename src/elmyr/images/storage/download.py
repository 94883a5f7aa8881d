"""Files from the network: resumed, checked against their checksum, and there only when whole and right."""

from __future__ import annotations

import hashlib
import http.client
import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from urllib import request
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit

from elmyr.core.errors import InputError
from elmyr.core.files import flush
from elmyr.images.storage.catalog import DataFile, DataSet
from elmyr.images.storage.lock import alone_in

PIECE = 1 << 18
LARGEST = 1 << 30  # of a file whose size is not known
PASSING = {408, 425, 429, 500, 502, 503, 504}

Progress = Callable[[str, int, int | None], None]  # what is done, the bytes so far, all bytes where known


@dataclass(frozen=True)
class Patience:
    """How long to try: seconds without a byte or for a connection, rounds over the mirrors, seconds between these.

    The pause doubles from round to round.
    """

    timeout: float = 20.0
    rounds: int = 4
    pause: float = 1.0


class Unavailable(Exception):
    """A file could not be had; says why and where, as `404 at example.org`."""


class _Refused(Exception):
    """It makes no sense to ask this mirror again."""


class _Broken(Exception):
    """The transfer ended early: the next attempt goes on from there."""


def fetch(
    data_set: DataSet,
    folder: Path,
    *,
    patience: Patience = Patience(),
    progress: Progress | None = None,
) -> None:
    """Downloads into `folder` the files of a data set that it lacks; without `progress` a bar is drawn on a terminal.

    `ELMYR_MIRROR` is asked before all other mirrors; with `ELMYR_OFFLINE` nobody is. One process a folder works, the
    others wait. Raises Unavailable, and InputError for a folder that cannot be written and a mirror that is none.
    """
    if os.environ.get("ELMYR_OFFLINE", "") not in ("", "0"):
        raise Unavailable("ELMYR_OFFLINE is set")
    mirrors = (*_own_mirror(data_set), *data_set.mirrors)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _shown(progress) as told, alone_in(folder, lambda: told("waiting for another download", 0, None)):
            for file in data_set.files:
                if not (folder / file.name).is_file():
                    addresses = [mirror + file.name for mirror in mirrors]
                    _fetch_file(file, addresses, folder, patience, told)
    except OSError as error:
        raise InputError(
            f"'{folder}' cannot be written ({error.strerror or error}): name another cache folder with ELMYR_CACHE_DIR"
        ) from None


def _own_mirror(data_set: DataSet) -> list[str]:
    mirror = os.environ.get("ELMYR_MIRROR", "")
    if not mirror:
        return []
    try:
        parts = urlsplit(mirror)
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        sound = False
    if not sound:
        raise InputError(f"ELMYR_MIRROR is '{mirror}': give an address that begins with https:// or http://")
    return [f"{mirror.rstrip('/')}/{data_set.place}/"]


def _fetch_file(file: DataFile, addresses: list[str], folder: Path, patience: Patience, progress: Progress) -> None:
    part = folder / f"{file.name}.part"
    if part.exists() and (file.size is None or part.stat().st_size >= file.size):
        if _is_right(part, file):
            return _put(part, folder / file.name)
        if file.size is not None:
            part.unlink()
    reason = "no mirror"
    for number in range(patience.rounds):
        if not addresses:
            break
        if number:
            time.sleep(patience.pause * 2 ** (number - 1))
        for address in list(addresses):
            resumed = part.exists()
            try:
                _transfer(address, part, file, patience.timeout, progress)
                if _is_right(part, file):
                    return _put(part, folder / file.name)
                part.unlink()
                reason = f"wrong checksum at {_host(address)}"
                if not resumed:  # else the bytes that were there already may have been the wrong ones
                    addresses.remove(address)
            except _Broken as broken:
                reason = f"{broken} at {_host(address)}"
            except _Refused as refused:
                reason = f"{refused} at {_host(address)}"
                addresses.remove(address)
    raise Unavailable(reason)


def _transfer(address: str, part: Path, file: DataFile, timeout: float, progress: Progress) -> None:
    """Adds to `part` what it lacks of the file, or begins anew where the server cannot go on."""
    start = part.stat().st_size if part.exists() else 0
    with _answer(address, start, part, timeout) as answer:
        if answer.status != http.client.PARTIAL_CONTENT:
            start = 0
        elif not re.match(rf"bytes {start}-", answer.headers.get("Content-Range", "")):
            raise _Refused("another range than asked for")
        total = file.size if answer.length is None else start + answer.length
        if total is not None and (total > LARGEST if file.size is None else total != file.size):
            raise _Refused(f"{total:,} bytes instead of {file.size or LARGEST:,}")
        end = LARGEST if total is None else total
        done = start
        with part.open("ab" if start else "wb") as out:
            while done < end and (piece := _read(answer)):
                out.write(piece)
                done += len(piece)
                progress(file.name, done, total)
        if total is not None and done < total:
            raise _Broken(f"broke off after {done:,} bytes")


@contextmanager
def _answer(address: str, start: int, part: Path, timeout: float) -> Iterator[http.client.HTTPResponse]:
    headers = {"User-Agent": f"elmyr/{version('elmyr')}"} | ({"Range": f"bytes={start}-"} if start else {})
    try:
        answer = _opener().open(request.Request(address, headers=headers), timeout=timeout)
    except HTTPError as error:
        error.close()
        if error.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
            part.unlink(missing_ok=True)  # longer than the file
            raise _Broken(str(error.code)) from None
        raise (_Broken if error.code in PASSING else _Refused)(str(error.code)) from None
    except URLError as error:
        raise _Refused(_words(error.reason)) from None
    except (OSError, http.client.HTTPException) as error:
        raise _Broken(_words(error)) from None
    with answer:
        yield answer


def _read(answer: http.client.HTTPResponse) -> bytes:
    """What has come, up to a piece; empty at the end."""
    try:
        return answer.read1(PIECE)
    except (OSError, http.client.HTTPException) as error:
        raise _Broken(_words(error)) from None


def _opener() -> request.OpenerDirector:
    """One that leads to http and https alone, wherever it is redirected."""
    opener = request.OpenerDirector()
    for handler in (
        request.ProxyHandler,
        request.UnknownHandler,
        request.HTTPHandler,
        request.HTTPSHandler,
        request.HTTPDefaultErrorHandler,
        request.HTTPRedirectHandler,
        request.HTTPErrorProcessor,
    ):
        opener.add_handler(handler())
    return opener


def _is_right(part: Path, file: DataFile) -> bool:
    algorithm, _, digest = file.checksum.partition(":")
    with part.open("rb") as content:
        return hashlib.file_digest(content, lambda: hashlib.new(algorithm, usedforsecurity=False)).hexdigest() == digest


def _put(part: Path, path: Path) -> None:
    flush(part)
    os.replace(part, path)
    flush(path.parent)


def _host(address: str) -> str:
    return urlsplit(address).netloc.rpartition("@")[2]


def _words(reason: object) -> str:
    if isinstance(reason, TimeoutError):
        return "timed out"
    if isinstance(reason, OSError) and reason.strerror:
        return reason.strerror.lower()
    return " ".join(str(reason).split()) or type(reason).__name__


@contextmanager
def _shown(progress: Progress | None) -> Iterator[Progress]:
    if progress is not None or not sys.stderr.isatty():
        yield progress or (lambda what, done, total: None)
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn
    from rich.progress import Progress as Bar

    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Bar(TextColumn("{task.description}"), *columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("connecting", total=None)
        yield lambda what, done, total: bar.update(task, description=what, completed=done, total=total)
