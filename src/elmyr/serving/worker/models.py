"""The models of the worker: opened when they are asked for, the least used closed where memory ends."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from torch import nn

from elmyr.core.errors import InputError
from elmyr.engine.saving.places import range_of
from elmyr.serving.catalog import ServedModel, WorkerOptions
from elmyr.serving.kinds import SERVED

if TYPE_CHECKING:
    from elmyr.serving.worker.operations import Answering

MEGABYTE = 1 << 20


class Gone(InputError):
    """A model that was served cannot be opened any more."""


class Opened:
    """A model in memory."""

    def __init__(self, served: ServedModel, model: Any, networks: Sequence[nn.Module]) -> None:
        self.served, self.model = served, model
        self.beside: Models | None = None  # the others that are served
        self._bytes: int = sum(tensor.nbytes for net in networks for tensor in net.state_dict().values())

    @property
    def nbytes(self) -> int:
        """What it takes of memory, about."""
        return self._bytes

    def range_of(self, images: str = "data") -> tuple[float, float] | None:
        """The values that are black and white in the images of its run, as `elmyr.engine.saving.places.range_of`."""
        return range_of(self.served.path.parent, self.served.kind, images)


@dataclass(frozen=True)
class KindWork:
    """What the worker does with models of a kind: how one is opened, and what answers each operation."""

    open: Callable[[ServedModel, WorkerOptions], Opened]
    answers: Mapping[str, Answering]


class Models:
    """Those in memory, the one used last at the end."""

    def __init__(self, options: WorkerOptions) -> None:
        self.options = options
        self._served = {served.name: served for served in options.models}
        self._opened: OrderedDict[str, tuple[tuple[int, int], Opened]] = OrderedDict()

    @property
    def names(self) -> list[str]:
        """Of those in memory."""
        return list(self._opened)

    def work_of(self, name: str) -> KindWork:
        """What is done with the model of this name; imports it when it is first asked for."""
        work = SERVED[self._served[name].kind].work
        if isinstance(work, str):
            module, _, attribute = work.partition(":")
            work = getattr(import_module(module), attribute)
        assert isinstance(work, KindWork)
        return work

    def __getitem__(self, name: str) -> Opened:
        """The model, opened again where its files have changed; `Gone` where it cannot be."""
        served = self._served[name]
        try:
            stat = served.description.stat()
            stamp = stat.st_mtime_ns, stat.st_ino
            before, opened = self._opened.pop(name, (None, None))
            if opened is None or before != stamp:
                opened = self.work_of(name).open(served, self.options)
        except FileNotFoundError:
            self._opened.pop(name, None)
            raise Gone(
                f"'{name}' has been removed since it is served: restore '{served.path}', or serve another"
            ) from None
        except (InputError, OSError) as error:
            raise Gone(f"'{name}' cannot be opened any more: {error}") from None
        opened.beside = self
        self._opened[name] = stamp, opened
        self._make_room()
        return opened

    def of_name(self, name: str) -> Opened | None:
        """The model of this name, None where none is served; `Gone` where it cannot be opened."""
        return self[name] if name in self._served else None

    def _make_room(self) -> None:
        """The one that was asked for stays, whatever its size."""
        while len(self._opened) > 1 and sum(opened.nbytes for _, opened in self._opened.values()) > (
            self.options.memory * MEGABYTE
        ):
            self._opened.popitem(last=False)
