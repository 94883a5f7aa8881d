"""Images made ready for a network: its channels, its size, its range of values, its normalization."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Self

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import Tensor
from torch.nn import functional

from elmyr.core.errors import InputError, suggestion
from elmyr.core.tables import Table

Size = tuple[int, int]  # height, width
Resize = Callable[[Tensor, Size], Tensor]  # of pixels float32 (N, C, H, W) from 0 to 255, which stay in that range


def _as_tensorflow(pixels: Tensor, size: Size) -> Tensor:
    """Bilinear without half-pixel centers, as TensorFlow 1.x and so torch-fidelity and the first FID have it."""
    for axis, wanted in ((3, size[1]), (2, size[0])):
        length = pixels.shape[axis]
        step = torch.tensor(length / wanted, dtype=pixels.dtype, device=pixels.device)
        place = torch.arange(wanted, dtype=pixels.dtype, device=pixels.device) * step
        low = place.long()
        share = (place - low).view([-1 if each == axis else 1 for each in range(4)])
        first = pixels.index_select(axis, low)
        pixels = first + (pixels.index_select(axis, (low + 1).clamp_max(length - 1)) - first) * share
    return pixels


def _by_torch(mode: str) -> Resize:
    def resize(pixels: Tensor, size: Size) -> Tensor:
        return functional.interpolate(pixels, size, mode=mode, align_corners=False).clamp(0, 255)

    return resize


def _by_pillow(filter: Image.Resampling) -> Resize:
    """A channel at a time in floats, cut to 0 and 255, with a filter that widens where an image becomes smaller."""

    def resize(pixels: Tensor, size: Size) -> Tensor:
        planes = pixels.cpu().numpy().reshape(-1, *pixels.shape[2:])
        made = [np.asarray(Image.fromarray(plane).resize(size[::-1], filter)).clip(0, 255) for plane in planes]
        return torch.from_numpy(np.stack(made).reshape(*pixels.shape[:2], *size)).to(pixels.device)

    return resize


def _by_pillow_in_bytes(filter: Image.Resampling) -> Resize:
    """As Pillow brings pictures to a size: pixels are rounded to whole numbers along the way."""

    def resize(pixels: Tensor, size: Size) -> Tensor:
        planes = pixels.round().to(torch.uint8).cpu().numpy().reshape(-1, *pixels.shape[2:])
        made = [np.asarray(Image.fromarray(plane).resize(size[::-1], filter)) for plane in planes]
        return torch.from_numpy(np.stack(made).reshape(*pixels.shape[:2], *size)).to(pixels)

    return resize


RESIZES: Table[Resize] = Table(
    "resize rule",
    {
        "tensorflow": _as_tensorflow,  # torch-fidelity
        "torch-bilinear": _by_torch("bilinear"),  # pytorch-fid
        "torch-bicubic": _by_torch("bicubic"),
        "pillow-bilinear": _by_pillow(Image.Resampling.BILINEAR),
        "pillow-bicubic": _by_pillow(Image.Resampling.BICUBIC),  # clean-fid: Parmar et al. 2022
        "pillow-bicubic-bytes": _by_pillow_in_bytes(Image.Resampling.BICUBIC),  # CLIP
    },
)


class Preparation(BaseModel):
    """What is done to images before a network looks at them; without any choice they become floats from 0 to 1.

    size: height and width that `resize` brings them to, None for those that they have. crop: whether they keep their
    proportions, and what is beyond the size is cut off at both ends. channels: 3 repeats gray ones.
    range: what the bytes 0 and 255 become; then the mean is taken off and the rest divided by std, a number for all
    channels or one for each.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    size: tuple[int, int] | None = None
    resize: str = "torch-bilinear"
    crop: bool = False
    channels: Literal[1, 3] | None = None
    range: tuple[float, float] = (0.0, 1.0)
    mean: tuple[float, ...] = Field((0.0,), min_length=1, max_length=3)
    std: tuple[float, ...] = Field((1.0,), min_length=1, max_length=3)

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.resize not in RESIZES:
            raise ValueError(f"no resize rule '{self.resize}': {suggestion(self.resize, RESIZES)}")
        if self.size and not all(1 <= side <= 4096 for side in self.size):
            raise ValueError("size is two numbers of pixels, 1 to 4096: height, width")
        if self.range[0] >= self.range[1]:
            raise ValueError("range is two numbers, the smaller first: what the bytes 0 and 255 become")
        if any(len(each) not in (1, self.channels or 3) for each in (self.mean, self.std)):
            raise ValueError("mean and std are lists of one number, or of one for each channel")
        if not all(each > 0 for each in self.std):
            raise ValueError("std is above 0: values are divided by it")
        return self

    @property
    def told(self) -> str:
        """All of it in a line, which stands beside figures."""
        size = "none" if self.size is None else f"{self.resize} to {self.size[0]}x{self.size[1]}"
        size += " and cropped" if self.crop else ""
        mean, std = (",".join(f"{value:g}" for value in each) for each in (self.mean, self.std))
        channels = "" if self.channels is None else f", {self.channels} channels"
        return f"{size}{channels}, {self.range[0]:g} to {self.range[1]:g}, mean {mean}, std {std}"

    def of(self, images: NDArray[np.uint8], device: torch.device | None = None) -> Tensor:
        """Images uint8 (N, H, W, C) as float32 (N, channels, *size); InputError where their channels do not fit."""
        pixels = torch.from_numpy(np.array(images)).to(device).permute(0, 3, 1, 2).float()
        if self.channels not in (None, pixels.shape[1]):
            if pixels.shape[1] != 1:
                raise InputError(
                    f"the images have {pixels.shape[1]} channels, the extractor takes {self.channels}: pass --channels "
                    f"{self.channels}, or take another extractor"
                )
            pixels = pixels.expand(-1, int(self.channels or 1), -1, -1)
        if self.size is not None:
            pixels = self._resized(pixels, self.size)
        low, high = self.range
        values = pixels if self.range == (0, 255) else pixels / 255 * (high - low) + low
        mean, std = (torch.tensor(each, device=device).view(1, -1, 1, 1) for each in (self.mean, self.std))
        return ((values - mean) / std).contiguous()

    def _resized(self, pixels: Tensor, size: Size) -> Tensor:
        resize = RESIZES[self.resize]
        if not self.crop:
            return resize(pixels, size)
        height, width = pixels.shape[2:]
        if size[0] * width >= size[1] * height:  # sides are cut off
            pixels = resize(pixels, (size[0], int(size[0] * width / height)))
        else:
            pixels = resize(pixels, (int(size[1] * height / width), size[1]))
        top, left = (round((has - wanted) / 2) for has, wanted in zip(pixels.shape[2:], size, strict=True))
        return pixels[:, :, top : top + size[0], left : left + size[1]]
