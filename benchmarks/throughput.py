"""How much faster does elmyr train the same networks than a plain loop? Both side by side in one run, in turns.

The networks are those of PyTorch-GAN's `dcgan.py` at 32x32 pixels. The plain loop is what a user would write: fp32, a
DataLoader that makes each image a tensor, Adam, two passes of the discriminator. elmyr's generator computes the same
function of the same weights, which is checked first. Prints images a second and the ratio.

python benchmarks/throughput.py --data-root path/to/data
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset

from elmyr import ImageSet, Shaping
from elmyr.core.machine import choose_device, choose_precision, keep_freed_memory
from elmyr.engine.data import ResidentData
from elmyr.images import open_source, split_source
from elmyr.nets import PAIRS, Discriminator, NetworkConfig, Pair, PairConfig, Shape
from elmyr.nets.layers.parts import ProjectionHead
from elmyr.nets.layers.to_pixels import ConvToPixels
from elmyr.nets.layers.upsampled import UpsampledConv2d
from elmyr.tasks.gan.model import GANConfig
from elmyr.tasks.gan.task import AdversarialConfig, AdversarialTask

SIDE, LATENT, BATCH, RATE, BETAS = 32, 100, 64, 2e-4, (0.5, 0.999)


class Generator(nn.Module):
    """Dense to 128 maps of 8x8, then twice: upsampled by nearest, convolved, normalized over the batch."""

    def __init__(self) -> None:
        super().__init__()
        self.dense = nn.Linear(LATENT, 128 * 8 * 8)
        self.body = nn.Sequential(
            nn.BatchNorm2d(128),
            nn.Upsample(scale_factor=2),
            nn.Conv2d(128, 128, 3, padding=1),
            nn.BatchNorm2d(128, 0.8),
            nn.LeakyReLU(0.2),
            nn.Upsample(scale_factor=2),
            nn.Conv2d(128, 64, 3, padding=1),
            nn.BatchNorm2d(64, 0.8),
            nn.LeakyReLU(0.2),
            nn.Conv2d(64, 1, 3, padding=1),
            nn.Tanh(),
        )

    def forward(self, latents: torch.Tensor, labels: torch.Tensor | None = None) -> torch.Tensor:
        images: torch.Tensor = self.body(self.dense(latents).view(-1, 128, 8, 8))
        return images


class FusedGenerator(Generator):
    """The same function of the same weights, doublings and the last convolution computed in elmyr's way."""

    def __init__(self) -> None:
        super().__init__()
        layers = list(self.body)
        for place in (5, 1):
            convolution = layers[place + 1]
            assert isinstance(convolution, nn.Conv2d)
            layers[place : place + 2] = [UpsampledConv2d(convolution.in_channels, convolution.out_channels, bias=True)]
        layers[-2] = ConvToPixels(64, 1)
        self.body = nn.Sequential(*layers)

    def forward(self, latents: torch.Tensor, labels: torch.Tensor | None = None) -> torch.Tensor:
        maps = self.dense(latents).view(-1, 128, 8, 8).contiguous(memory_format=torch.channels_last)
        images: torch.Tensor = self.body(maps)
        return images


class Critic(Discriminator):
    """Four convolutions of stride 2 with 16 to 128 channels, dropout, batch normalization from the second on."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for inputs, outputs in ((1, 16), (16, 32), (32, 64), (64, 128)):
            layers += [nn.Conv2d(inputs, outputs, 3, 2, 1), nn.LeakyReLU(0.2), nn.Dropout2d(0.25)]
            layers += [nn.BatchNorm2d(outputs, 0.8)] if inputs > 1 else []
        self.body = nn.Sequential(*layers, nn.Flatten())
        self.width = 128 * 2 * 2
        self.head = ProjectionHead(nn.Linear(self.width, 1), None)

    def features(self, images: torch.Tensor) -> torch.Tensor:
        features: torch.Tensor = self.body(images)
        return features


def pair(shape: Shape, classes: int, config: PairConfig) -> tuple[Generator, Critic]:
    return FusedGenerator(), Critic()


def check_same_function() -> None:
    """Raises where the two generators differ by more than rounding."""
    generators = Generator().double(), FusedGenerator().double()
    for ours, theirs in zip(generators[1].parameters(), generators[0].parameters(), strict=True):
        ours.data.copy_(theirs.data)
    latents = torch.randn(BATCH, LATENT, dtype=torch.float64)
    torch.testing.assert_close(generators[1](latents), generators[0](latents))


class Images(Dataset[torch.Tensor]):
    """One image at a time, as a tensor in [-1, 1]."""

    def __init__(self, image_set: ImageSet) -> None:
        self.image_set = image_set

    def __len__(self) -> int:
        return len(self.image_set)

    def __getitem__(self, index: int) -> torch.Tensor:
        return torch.from_numpy(self.image_set.images[index].copy()).permute(2, 0, 1).float() / 127.5 - 1


def plain_loop(training: ImageSet, device: torch.device) -> Iterator[None]:
    """An update each time it is asked for one."""
    generator, critic = Generator().to(device), Critic().to(device)
    optimizers = [torch.optim.Adam(net.parameters(), lr=RATE, betas=BETAS) for net in (generator, critic)]
    while True:
        for batch in DataLoader(Images(training), batch_size=BATCH, shuffle=True, drop_last=True):
            real = batch.to(device)
            ones, zeros = torch.ones(len(real), device=device), torch.zeros(len(real), device=device)
            optimizers[0].zero_grad()
            fake = generator(torch.randn(len(real), LATENT, device=device))
            F.binary_cross_entropy_with_logits(critic(fake, None), ones).backward()
            optimizers[0].step()
            optimizers[1].zero_grad()
            real_loss = F.binary_cross_entropy_with_logits(critic(real, None), ones)
            fake_loss = F.binary_cross_entropy_with_logits(critic(fake.detach(), None), zeros)
            ((real_loss + fake_loss) / 2).backward()
            optimizers[1].step()
            yield


def elmyr_loop(training: ImageSet, device: torch.device) -> Iterator[None]:
    """The same networks, objective and optimizer in elmyr's update, with its moving average."""
    keep_freed_memory()  # as every training of elmyr does
    PAIRS.add("plain", Pair(pair))
    gan = GANConfig(height=SIDE, width=SIDE, channels=1, network=NetworkConfig(name="plain", latent=LATENT))
    game = AdversarialConfig(
        objective="non-saturating",
        learning_rate=RATE,
        discriminator_learning_rate=RATE,
        beta1=BETAS[0],
        beta2=BETAS[1],
    )
    task = AdversarialTask(gan, game, batch=BATCH, seed=0, device=device, precision=choose_precision("auto", device))
    data = ResidentData(training, seed=0, device=device)
    position = 0
    while True:
        task.update(data.batch(position, BATCH), position)
        position += BATCH
        yield


def speed(loop: Iterator[None], updates: int, device: torch.device) -> float:
    """Images a second over so many updates."""
    if device.type == "cuda":
        torch.cuda.synchronize()
    started = time.perf_counter()
    for _ in range(updates):
        next(loop)
    if device.type == "cuda":
        torch.cuda.synchronize()
    return updates * BATCH / (time.perf_counter() - started)


def serve(make: Callable[[ImageSet, torch.device], Iterator[None]], root: str | None, name: str, line: Any) -> None:
    """In a process of its own, so that no loop has the other's settings: answers a number of updates with its speed."""
    device, shaping = choose_device(name), Shaping(size=(SIDE, SIDE))
    loop = make(split_source(open_source("mnist", root, shaping), 0, shaping).train, device)
    speed(loop, 5, device)
    while updates := line.recv():
        line.send(speed(loop, updates, device))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-root")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--updates", type=int, default=25, help="of each, in a turn")
    parser.add_argument("--turns", type=int, default=7)
    options = parser.parse_args()
    check_same_function()

    context = multiprocessing.get_context("spawn")
    lines = []
    for make in (plain_loop, elmyr_loop):
        ours, theirs = context.Pipe()
        context.Process(target=serve, args=(make, options.data_root, options.device, theirs), daemon=True).start()
        lines.append(ours)
    turns = []
    for _ in range(options.turns):
        for line in lines:
            line.send(options.updates)
            turns.append(line.recv())
    plain, fast = turns[::2], turns[1::2]
    ratios = [ours / theirs for ours, theirs in zip(fast, plain, strict=True)]
    device = choose_device(options.device)
    print(f"{device}, {torch.get_num_threads()} threads, {options.turns} turns of {options.updates} updates, medians\n")
    print("| loop | images/s |\n| --- | --- |")
    print(f"| plain, fp32 | {statistics.median(plain):,.0f} |")
    print(f"| elmyr, {choose_precision('auto', device)} | {statistics.median(fast):,.0f} |")
    print(f"\nratio {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")


if __name__ == "__main__":
    main()
