"""How many modes does each objective find? The 2-D toy problems of the literature; prints a table.

python benchmarks/modes.py --updates 5000
python benchmarks/modes.py hinge wasserstein

25 Gaussians on a grid (2 apart, standard deviation 0.05) and 8 on a ring (radius 2, standard deviation 0.02), judged as
in VEEGAN (Srivastava et al. 2017) and PacGAN (Lin et al. 2018): of 2,500 samples those within 3 standard deviations of
the nearest mean are of high quality, and a mode is found if one of these is nearest to it. Either figure alone
deceives: points strewn evenly find most modes, a single mode hit well is of high quality throughout.

Everything but objective and penalty is the same in all lines: both networks have three hidden layers of 64 with ReLU;
2 latents, batches of 128, one step of each network in turn, Adam (betas 0 and 0.99), a learning rate of 3e-3 that falls
to 0 over the second half. R1 + R2 has gamma 0.3; the gradient penalty weighs 0.3, since 10, usual for images, is too
strong here. Either is taken at every 4th update and so many times as strong.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from statistics import mean, stdev

import torch
from torch import nn

from elmyr.core import seeds
from elmyr.losses.objectives import OBJECTIVES
from elmyr.losses.penalties import Discriminate, gradient_penalty, squared_gradient_norm

SEEDS = range(3)
LATENT, WIDTH, BATCH = 2, 64, 128
LEARNING_RATE, BETAS = 3e-3, (0.0, 0.99)
GAMMA, GRADIENT_PENALTY, EVERY = 0.3, 0.3, 4
SAMPLES, HIGH_QUALITY = 2500, 3  # how many standard deviations from the mean

# Srivastava et al. 2017, table 1: modes and share of high quality (%) on the grid, then on the ring
PUBLISHED = {
    "GAN": (3.3, 0.5, 1, 99.3),
    "ALI": (15.8, 1.6, 2.8, 0.13),
    "unrolled GAN": (23.6, 16, 7.6, 35.6),
    "VEEGAN": (24.6, 40, 8, 52.9),
}

Penalty = Callable[[Discriminate, torch.Tensor, torch.Tensor, torch.Generator], torch.Tensor]


@dataclass(frozen=True)
class Problem:
    """Gaussians, equally likely, with means (M, 2) and one standard deviation."""

    means: torch.Tensor
    deviation: float

    def draw(self, count: int, random: torch.Generator) -> torch.Tensor:
        """Points (count, 2, 1, 1): images of one pixel and two channels, as the penalties take them."""
        chosen = torch.randint(len(self.means), (count,), generator=random)
        points = self.means[chosen] + self.deviation * torch.randn(count, 2, generator=random)
        return points[..., None, None]

    def judge(self, points: torch.Tensor) -> tuple[int, float]:
        """How many modes the points (N, 2, 1, 1) find, and the share of them that is of high quality, in percent."""
        distances, nearest = torch.cdist(points.flatten(1), self.means).min(dim=1)
        good = distances <= HIGH_QUALITY * self.deviation  # never where a point is not a number
        return len(set(nearest[good].tolist())), 100 * good.double().mean().item()


ANGLES = torch.arange(8) * torch.pi / 4
GRID = Problem(torch.tensor(list(product((-4.0, -2.0, 0.0, 2.0, 4.0), repeat=2))), 0.05)
RING = Problem(2 * torch.stack([ANGLES.cos(), ANGLES.sin()], dim=1), 0.02)


def r1_r2(discriminate: Discriminate, real: torch.Tensor, fake: torch.Tensor, random: torch.Generator) -> torch.Tensor:
    points = torch.cat([real, fake]).requires_grad_()
    return GAMMA * squared_gradient_norm(discriminate(points), points).mean()  # half of them are real: gamma / 2 each


def slope_one(
    discriminate: Discriminate, real: torch.Tensor, fake: torch.Tensor, random: torch.Generator
) -> torch.Tensor:
    return GRADIENT_PENALTY * gradient_penalty(discriminate, real, fake, random).mean()


PENALTIES: dict[str, Penalty | None] = {"none": None, "R1 + R2": r1_r2, "gradient penalty": slope_one}


def dense(inputs: int, outputs: int) -> list[nn.Module]:
    layers: list[nn.Module] = []
    for entries in (inputs, WIDTH, WIDTH):
        layers += [nn.Linear(entries, WIDTH), nn.ReLU()]
    return [*layers, nn.Linear(WIDTH, outputs)]


def train(problem: Problem, objective_name: str, penalty: Penalty | None, *, seed: int, updates: int) -> nn.Module:
    """The generator after so many updates: latents (N, 2) to points (N, 2, 1, 1)."""
    objective = OBJECTIVES[objective_name]()
    with seeds.initialization(seed, "networks"):
        generator = nn.Sequential(*dense(LATENT, 2), nn.Unflatten(1, (2, 1, 1)))
        discriminator = nn.Sequential(nn.Flatten(), *dense(2, 1), nn.Flatten(0))
    optimizers = [
        torch.optim.Adam(net.parameters(), lr=LEARNING_RATE, betas=BETAS, fused=True)
        for net in (discriminator, generator)
    ]
    for update in range(updates):
        for optimizer in optimizers:
            optimizer.param_groups[0]["lr"] = LEARNING_RATE * min(1, 2 * (1 - update / updates))
        random = seeds.generator(seed, "updates", update)
        real, fake = problem.draw(BATCH, random), generator(torch.randn(BATCH, LATENT, generator=random))

        loss = objective.discriminator(*discriminator(torch.cat([real, fake.detach()])).chunk(2)).mean()
        if penalty is not None and update % EVERY == 0:
            loss = loss + EVERY * penalty(discriminator, real, fake.detach(), random)
        step(optimizers[0], loss)

        real_logits, fake_logits = discriminator(torch.cat([real, fake])).chunk(2)
        step(optimizers[1], objective.generator(real_logits, fake_logits).mean())
    return generator


def step(optimizer: torch.optim.Optimizer, loss: torch.Tensor) -> None:
    """A step of one network; the other's weights get no gradient."""
    weights = optimizer.param_groups[0]["params"]
    for weight, gradient in zip(weights, torch.autograd.grad(loss, weights), strict=True):
        weight.grad = gradient
    optimizer.step()


@torch.no_grad()
def judged(problem: Problem, generator: nn.Module) -> tuple[int, float]:
    return problem.judge(generator(torch.randn(SAMPLES, LATENT, generator=seeds.generator(0, "samples"))))


def spread(values: list[float]) -> str:
    return f"{mean(values):.1f} ± {stdev(values):.1f}"


def cells(results: list[tuple[int, float]]) -> str:
    """Modes and share of high quality, as two cells of the table."""
    found, good = zip(*results, strict=True)
    return f"{spread(list(found))} | {spread(list(good))} %"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("objectives", nargs="*", default=list(OBJECTIVES))
    parser.add_argument("--updates", type=int, default=5000)
    options = parser.parse_args()
    torch.set_num_threads(1)  # more are slower: the networks are small

    print(f"{options.updates:,} updates, {SAMPLES:,} samples, mean ± standard deviation over {len(SEEDS)} seeds\n")
    print("| objective | penalty | modes of 25 (grid) | high quality | modes of 8 (ring) | high quality |")
    print("| --- | --- | --- | --- | --- | --- |")
    for objective, (name, penalty) in product(options.objectives, PENALTIES.items()):
        if penalty is slope_one and objective != "wasserstein":
            continue
        told = []
        for problem in (GRID, RING):
            generators = [train(problem, objective, penalty, seed=seed, updates=options.updates) for seed in SEEDS]
            told.append(cells([judged(problem, generator) for generator in generators]))
        print(f"| {objective} | {name} | {' | '.join(told)} |", flush=True)
    real = [
        [problem.judge(problem.draw(SAMPLES, seeds.generator(seed, "real"))) for seed in SEEDS]
        for problem in (GRID, RING)
    ]
    print(f"| real points | | {' | '.join(map(cells, real))} |")
    for name, (grid, grid_good, ring, ring_good) in PUBLISHED.items():
        print(f"| {name}, published | | {grid} | {grid_good} % | {ring} | {ring_good} % |")
    print("\nPublished: Srivastava et al. 2017, table 1, with networks, optimizers and budgets of their own.")


if __name__ == "__main__":
    main()
