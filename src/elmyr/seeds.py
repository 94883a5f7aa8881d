"""Randomness as a function: every draw depends on (seed, stream, position) and on nothing else.

A *stream* says what the draw is for ("order", "latents" …), a *position* where in the work it stands (images seen, or a
chunk's number). So an interrupted run that resumes draws what it would have drawn, with no generator state to save.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def derive(seed: int, stream: str, position: int = 0) -> int:
    """A well-mixed integer in [0, 2^63) for a place in a stream."""
    digest = blake2b(f"{seed}/{stream}/{position}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def generator(seed: int, stream: str, position: int = 0) -> torch.Generator:
    """A CPU generator for a place in a stream; what it draws is moved to the device afterwards."""
    import torch

    return torch.Generator().manual_seed(derive(seed, stream, position))


@contextmanager
def initialization(seed: int, stream: str) -> Iterator[None]:
    """Inside, torch's global generator is that of the stream; for the weights of new networks."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive(seed, stream))
        yield
