"""The largest change of an attack: what is usual, and how it is read and told (`0.3`, or `8/255`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from elmyr.core.errors import InputError

if TYPE_CHECKING:
    from elmyr.tasks.recognition.attacks.balls import Norm

# What the field takes, by the norm: of gray images of digits (MNIST), and of others (CIFAR-10).
USUAL: dict[Norm, tuple[float, float]] = {"Linf": (0.3, 8 / 255), "L2": (2.0, 0.5)}
LARGEST_OF_DIGITS = 28  # pixels a side
LEVELS = 255


def usual(norm: Norm, shape: tuple[int, int, int]) -> float:
    """For images (H, W, C), of trainings and of attacks alike."""
    height, width, channels = shape
    of_digits, of_others = USUAL[norm]
    return of_digits if channels == 1 and max(height, width) <= LARGEST_OF_DIGITS else of_others


def told_of(epsilon: float) -> str:
    """An epsilon as the field writes it: `0.3`, or `8/255`."""
    levels = LEVELS * epsilon
    whole = abs(levels - round(levels)) < 1e-6 and 0 < round(levels) < 26
    return f"{round(levels)}/{LEVELS}" if whole else f"{epsilon:g}"


def number_of(text: str, what: str, give: str) -> float:
    """`0.3` or `8/255` as a number; InputError, which names what it is and what to give, for anything else."""
    above, slash, below = text.strip().partition("/")
    try:
        return float(above) / (float(below) if slash else 1)
    except (ValueError, ZeroDivisionError):
        raise InputError(f"{what} is '{text.strip()[:40]}': give {give}") from None
