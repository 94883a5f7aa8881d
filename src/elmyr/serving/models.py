"""The models of the worker: opened when they are asked for, the least used closed where memory ends."""

from __future__ import annotations

import threading
import traceback
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol

from torch import nn

from elmyr.errors import ElmyrError, InputError
from elmyr.gan import GAN
from elmyr.recognition import Recognizer
from elmyr.recognition.nearest import Nearest
from elmyr.recognition.runs import config_of, splits_of
from elmyr.restoration import Restorer
from elmyr.serving.catalog import ServedModel, WorkerOptions
from elmyr.training.rundir import RunDirectory

MEGABYTE = 1 << 20


class Gone(InputError):
    """A model that was served cannot be opened any more."""


class Opener(Protocol):
    """How a kind of model is opened."""

    def __call__(self, folder: Path, device: str, precision: str) -> tuple[Any, Sequence[nn.Module]]:
        """The model, and its networks."""
        ...


def _open_gan(folder: Path, device: str, precision: str) -> tuple[GAN, Sequence[nn.Module]]:
    gan = GAN.load(folder, device=device, precision=precision)
    return gan, [gan.generator, gan.discriminator]


def _open_recognizer(folder: Path, device: str, precision: str) -> tuple[Recognizer, Sequence[nn.Module]]:
    recognizer = Recognizer.load(folder, device=device)
    return recognizer, [recognizer.net_]


def _open_restorer(folder: Path, device: str, precision: str) -> tuple[Restorer, Sequence[nn.Module]]:
    restorer = Restorer.load(folder, device=device, precision=precision)
    return restorer, [restorer.net_]


OPENERS: dict[str, Opener] = {"gan": _open_gan, "recognizer": _open_recognizer, "restorer": _open_restorer}


class Opened:
    """A model in memory."""

    def __init__(self, served: ServedModel, stamp: tuple[int, int], model: Any, networks: Iterable[nn.Module]) -> None:
        self.served, self.stamp, self.model = served, stamp, model
        tensors = [tensor for net in networks for tensor in net.state_dict().values()]
        self._bytes: int = sum(tensor.nbytes for tensor in tensors)
        self._looking: threading.Thread | None = None
        self._nearest: Nearest | None = None
        self._refusal: str | None = None

    @property
    def nbytes(self) -> int:
        """What it takes of memory, about."""
        return self._bytes + (0 if self._nearest is None else self._nearest.nbytes)

    def nearest(self, data_root: str | None) -> Nearest | None:
        """What finds its training images; None while that is being prepared, which the first question begins.

        InputError where the training images are not to be had.
        """
        if self._refusal is not None:
            raise InputError(self._refusal)
        if self._nearest is None and self._looking is None:
            # On the side: whoever only wants a picture recognized waits for nothing.
            self._looking = threading.Thread(target=self._prepare, args=(data_root,), daemon=True)
            self._looking.start()
            self._looking.join(PATIENCE)
        if self._refusal is not None:
            raise InputError(self._refusal)
        return self._nearest

    def _prepare(self, data_root: str | None) -> None:
        try:
            run = RunDirectory(self.served.path.parent)
            if not run.config.is_file():
                raise InputError(f"'{self.served.name}' is no run: it does not say what it was trained on")
            self._nearest = Nearest(self.model, splits_of(config_of(run), data_root).train)
        except Exception as error:  # whatever it is: nobody is told for ever that it is being prepared
            if not isinstance(error, ElmyrError | OSError):
                traceback.print_exc()
            self._refusal = f"the training images of '{self.served.name}' are not available: {error}"


PATIENCE = 0.3  # seconds that the first question waits: enough for small sets


class Models:
    """Those in memory, the one used last at the end."""

    def __init__(self, options: WorkerOptions) -> None:
        self.options = options
        self._served = {served.name: served for served in options.models}
        self._opened: OrderedDict[str, Opened] = OrderedDict()

    @property
    def names(self) -> list[str]:
        """Of those in memory."""
        return list(self._opened)

    def __getitem__(self, name: str) -> Opened:
        """The model, opened again where its files have changed; `Gone` where it cannot be."""
        served = self._served[name]
        try:
            stat = served.description.stat()
            stamp = stat.st_mtime_ns, stat.st_ino
            opened = self._opened.get(name)
            if opened is None or opened.stamp != stamp:
                self._opened.pop(name, None)
                model, networks = OPENERS[served.kind](served.path, self.options.device, self.options.precision)
                opened = Opened(served, stamp, model, networks)
                self._opened[name] = opened
        except FileNotFoundError:
            self._opened.pop(name, None)
            raise Gone(
                f"'{name}' has been removed since it is served: restore '{served.path}', or serve another"
            ) from None
        except (InputError, OSError) as error:
            raise Gone(f"'{name}' cannot be opened any more: {error}") from None
        self._opened.move_to_end(name)
        self._make_room()
        return opened

    def _make_room(self) -> None:
        """The one that was asked for stays, whatever its size."""
        while len(self._opened) > 1 and sum(each.nbytes for each in self._opened.values()) > (
            self.options.memory * MEGABYTE
        ):
            self._opened.popitem(last=False)
