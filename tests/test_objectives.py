import math

import pytest
import torch

from elmyr.objectives import OBJECTIVES, NonSaturating, RelativisticPairing

REAL = torch.tensor([0.0, 2.0, -3.0, 1e4], dtype=torch.float64)
FAKE = torch.tensor([0.0, -1.0, 5.0, -1e4], dtype=torch.float64)


def log1pexp(x: float) -> float:
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


def test_non_saturating_is_binary_cross_entropy_with_flipped_labels_for_the_generator() -> None:
    game = NonSaturating()
    discriminator = [log1pexp(-r) + log1pexp(f) for r, f in zip(REAL.tolist(), FAKE.tolist(), strict=True)]
    generator = [log1pexp(-f) for f in FAKE.tolist()]
    assert game.discriminator(REAL, FAKE).tolist() == pytest.approx(discriminator, rel=1e-12)
    assert game.generator(REAL, FAKE).tolist() == pytest.approx(generator, rel=1e-12)


def test_relativistic_pairing_sees_only_the_difference_of_partners() -> None:
    game = RelativisticPairing()
    differences = (REAL - FAKE).tolist()
    assert game.discriminator(REAL, FAKE).tolist() == pytest.approx([log1pexp(-d) for d in differences], rel=1e-12)
    assert game.generator(REAL, FAKE).tolist() == pytest.approx([log1pexp(d) for d in differences], rel=1e-12)
    shifted = game.discriminator(REAL[:3] + 7, FAKE[:3] + 7)
    assert shifted.tolist() == pytest.approx(game.discriminator(REAL, FAKE)[:3].tolist(), rel=1e-9)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_the_two_sides_pull_the_generated_logit_in_opposite_directions(name: str) -> None:
    game = OBJECTIVES[name]()
    fake = torch.zeros(4, dtype=torch.float64, requires_grad=True)
    (down,) = torch.autograd.grad(game.discriminator(torch.zeros(4), fake).sum(), fake)
    (up,) = torch.autograd.grad(game.generator(torch.zeros(4), fake).sum(), fake)
    assert (down > 0).all()
    assert (up < 0).all()
