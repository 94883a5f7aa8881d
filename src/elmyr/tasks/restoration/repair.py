"""What a repair gives, and what it is given: checked where it enters the library."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from elmyr.core.errors import InputError


@dataclass(frozen=True)
class Repair:
    """Repaired images.

    images: uint8 (N, H, W, C), one answer to each; answers: uint8 (A, N, H, W, C), others that agree with what is
    known, none where not asked for; uncertainty: float32 (N, H, W), by how many levels (of 255) the answers deviate at
    each pixel, 0 without several.
    """

    images: NDArray[np.uint8]
    answers: NDArray[np.uint8]
    uncertainty: NDArray[np.float32]

    @classmethod
    def room_for(cls, images: NDArray[np.uint8], answers: int) -> Repair:
        """Empty room for the repair of images uint8 (N, H, W, C)."""
        several = np.empty((answers if answers > 1 else 0, *images.shape), np.uint8)
        return cls(np.empty_like(images), several, np.zeros(images.shape[:3], np.float32))


def deviation(answers: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Standard deviation of answers uint8 (A, N, H, W, C) over the answers, mean over the channels: (N, H, W)."""
    return np.asarray(answers.astype(np.float32).std(0).mean(-1))


def checked(
    images: ArrayLike, masks: ArrayLike | None, *, channels: int, answers: int
) -> tuple[NDArray[np.uint8], NDArray[np.bool_] | None]:
    """Images uint8 (N, H, W, C) and masks bool (N, H, W), true where hidden; InputError for anything else."""
    pixels = np.asarray(images)
    pixels = pixels[..., None] if pixels.ndim == 3 else pixels
    require_pixels(pixels)
    require_channels(pixels.shape[3], channels)
    if answers < 1:
        raise InputError(f"{answers} answers are asked for: ask for at least 1")
    if masks is None:
        return pixels, None
    hidden = np.asarray(masks)
    if hidden.dtype != np.bool_:
        raise InputError(f"the masks are {hidden.dtype}: give bool, true where a pixel is hidden")
    if hidden.shape != pixels.shape[:3]:
        raise InputError(f"the masks are {hidden.shape}, the images {pixels.shape[:3]}: make them one size")
    whole = np.flatnonzero(hidden.all((1, 2)))
    if len(whole):
        raise InputError(f"image {whole[0]} is hidden wholly by its mask: leave some of it")
    return pixels, hidden


def require_pixels(images: object) -> None:
    """InputError for what is no array of images uint8 (N, H, W, C)."""
    shape, dtype = getattr(images, "shape", None), getattr(images, "dtype", None)
    if shape is None or dtype is None:
        raise InputError(f"the images are a {type(images).__name__}: give an array uint8 (N, H, W, C)")
    if dtype != np.uint8 or len(shape) != 4 or 0 in shape:
        raise InputError(f"the images are {dtype} of the shape {tuple(shape)}: give uint8 (N, H, W, C)")


def require_channels(of_image: int, of_model: int, what: str = "the images are") -> None:
    """InputError where a model is for other channels."""
    if of_image != of_model:
        names = {1: "gray", 3: "RGB"}
        raise InputError(
            f"{what} {names.get(of_image, f'of {of_image} channels')}, the model is for {names[of_model]} images: "
            f"pass --channels {of_model}, or take another model"
        )
