"""StyleGAN2's generator in plain PyTorch (Karras et al. 2020, "Analyzing and improving the image quality of StyleGAN").

The latent becomes a style; the style scales the inputs of every convolution, from a learned constant upwards; each
size adds its share to the image. No custom operators, and no grouped convolution, which is slow on a CPU.
"""

from math import sqrt

import torch
from torch import nn
from torch.nn import functional as F

from elmyr.nets.layers.equalized import EqualizedLinear, activated
from elmyr.nets.layers.parts import doubled_widths, halvings
from elmyr.nets.pairs.pair import BlocksConfig, Shape

MAPPING_LAYERS = 2  # as in the StyleGAN2 of Karras et al. 2020 ("limited data") for CIFAR-10; 8 for faces
MAPPING_SPEED = 0.01
NOISE_ENTRIES = 16
AVERAGED = 1000  # styles behind the mean of a class
SMALLEST = 1e-8


def unit_length(x: torch.Tensor) -> torch.Tensor:
    """(N, entries) -> the same with a mean square of 1 in each row."""
    return x * (x.square().mean(1, keepdim=True) + SMALLEST).rsqrt()


def doubled(x: torch.Tensor) -> torch.Tensor:
    """(N, C, H, W) -> (N, C, 2H, 2W), bilinear: inside the border just the paper's filter, [1, 3, 3, 1] each way."""
    return F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


class Mapping(nn.Module):
    """Latents (and classes) to styles: both normalized, then dense layers that learn slowly."""

    def __init__(self, latent: int, classes: int, embedding: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(classes, embedding) if classes else None
        entries = latent + (embedding if classes else 0)
        self.layers = nn.ModuleList(
            EqualizedLinear(latent if k else entries, latent, speed=MAPPING_SPEED) for k in range(MAPPING_LAYERS)
        )

    def forward(self, latents: torch.Tensor, labels: torch.Tensor | None) -> torch.Tensor:
        """Latents (N, latent) and labels int64 (N,), None without classes -> styles (N, latent)."""
        x = unit_length(latents)
        if self.embedding is not None:
            x = torch.cat([x, unit_length(self.embedding(labels))], 1)
        for layer in self.layers:
            x = activated(layer(x))
        return x


class ModulatedConvolution(nn.Module):
    """A convolution whose weights are scaled by a style, for each image its own, and then to unit length.

    A weight w[o, i] becomes s[i] w[o, i] / |s w[o]|. The same comes out where the inputs are scaled by s, convolved
    with the shared w, and the outputs divided by |s w[o]|: that is what is done.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, style: int, *, demodulates: bool = True) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.style = EqualizedLinear(style, inputs, bias=1.0)
        self.gain, self.demodulates = 1 / sqrt(inputs * kernel**2), demodulates

    def forward(self, x: torch.Tensor, styles: torch.Tensor) -> torch.Tensor:
        """Maps (N, inputs, H, W) and styles (N, style) -> (N, outputs, H, W)."""
        scales = self.style(styles)
        weight = self.weight * self.gain
        x = F.conv2d(x * scales[:, :, None, None], weight, padding=weight.shape[2] // 2)
        if self.demodulates:
            squared_lengths = scales.square() @ weight.square().sum((2, 3)).T
            x = x * (squared_lengths + SMALLEST).rsqrt()[:, :, None, None]
        return x


class StyledLayer(nn.Module):
    """A modulated 3x3 convolution, noise, a bias and LeakyReLU.

    The noise is a function of the latent, so that a latent has one image, in any company and on every machine: its
    first entries (16 at most) weigh as many fixed random patterns. From image to image it differs as fresh noise
    does, and along a way through the latents it changes smoothly. Its strength is learned, and 0 at the start.
    """

    patterns: torch.Tensor

    def __init__(self, inputs: int, outputs: int, style: int, size: tuple[int, int], latent: int) -> None:
        super().__init__()
        self.convolution = ModulatedConvolution(inputs, outputs, 3, style)
        entries = min(latent, NOISE_ENTRIES)
        self.register_buffer("patterns", torch.randn(entries, *size) / sqrt(entries))
        self.strength = nn.Parameter(torch.zeros(()))
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, x: torch.Tensor, styles: torch.Tensor, latents: torch.Tensor) -> torch.Tensor:
        """Maps (N, inputs, H, W), styles (N, style) and latents (N, latent) -> (N, outputs, H, W)."""
        noise = torch.tensordot(latents[:, : len(self.patterns)], self.patterns, 1)[:, None]
        x = self.convolution(x, styles) + self.strength * noise + self.bias[:, None, None]
        return activated(x)


class StyleGenerator(nn.Module):
    """Latents (and classes) to images, each its own whatever the batch. Nothing squashes them: about [-1, 1]."""

    def __init__(self, shape: Shape, classes: int, config: BlocksConfig) -> None:
        super().__init__()
        (channels, *full), latent = shape, config.latent
        sizes = halvings(*full)[::-1]
        widths = doubled_widths(len(sizes), config.base)[::-1]
        self.mapping = Mapping(latent, classes, config.embedding)
        self.constant = nn.Parameter(torch.randn(widths[0], *sizes[0]))
        self.levels = nn.ModuleList()
        for level, (size, outputs) in enumerate(zip(sizes, widths, strict=True)):
            # The layer after a doubling, and `blocks` more; the constant's level has only these.
            inputs = [widths[level - 1]] * (level > 0) + [outputs] * config.blocks
            self.levels.append(nn.ModuleList(StyledLayer(a, outputs, latent, size, latent) for a in inputs))
        self.to_image = nn.ModuleList(ModulatedConvolution(w, channels, 1, latent, demodulates=False) for w in widths)
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, latents: torch.Tensor, labels: torch.Tensor | None, *, truncation: float = 1.0) -> torch.Tensor:
        """Latents (N, latent) and labels int64 (N,), None without classes -> images (N, C, H, W), about [-1, 1].

        truncation: how much of a style's distance from the mean style of its class is kept.
        """
        styles = self.mapping(latents, labels)
        if truncation != 1:
            middle = self._mean_styles(latents, labels)
            styles = middle + truncation * (styles - middle)
        x = self.constant.expand(latents.shape[0], -1, -1, -1).contiguous(memory_format=torch.channels_last)
        images: torch.Tensor | None = None
        for layers, to_image in zip(self.levels, self.to_image, strict=True):
            assert isinstance(layers, nn.ModuleList)
            x = x if images is None else doubled(x)
            for layer in layers:
                x = layer(x, styles, latents)
            share = to_image(x, styles)
            images = share if images is None else doubled(images) + share
        assert images is not None
        return images + self.bias[:, None, None]

    def _mean_styles(self, latents: torch.Tensor, labels: torch.Tensor | None) -> torch.Tensor:
        """The mean style of each one's class, (N, latent): over latents that are the same at every call."""
        drawn = torch.randn(AVERAGED, latents.shape[1], generator=torch.Generator().manual_seed(0)).to(latents)
        if labels is None:
            mean: torch.Tensor = self.mapping(drawn, None).mean(0, keepdim=True)
            return mean.expand(len(latents), -1)
        asked, place = torch.unique(labels, return_inverse=True)
        means = [self.mapping(drawn, label.expand(AVERAGED)).mean(0) for label in asked]
        return torch.stack(means)[place]
