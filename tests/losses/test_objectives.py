import math
from collections.abc import Callable

import pytest
import torch
from torch.autograd import gradcheck

from elmyr.core.errors import InputError
from elmyr.losses.objectives import OBJECTIVES, NonSaturating, RelativisticAverage, RelativisticPairing, Smoothed

RANDOM = torch.randn(2, 20, dtype=torch.float64, generator=torch.Generator().manual_seed(5))
REAL = torch.cat([torch.tensor([0.0, 2.0, -3.0, 1e4, -1e4, 1e4], dtype=torch.float64), 3 * RANDOM[0]])
FAKE = torch.cat([torch.tensor([0.0, -1.0, 5.0, -1e4, 1e4, 1e4], dtype=torch.float64), 3 * RANDOM[1]])
SMOOTHABLE = ["relativistic-pairing", "relativistic-average", "non-saturating", "minimax", "least-squares"]


def log1pexp(x: float) -> float:
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


def mean(logits: torch.Tensor) -> float:
    return math.fsum(logits.tolist()) / len(logits)


# Each side of each game in plain arithmetic, of one pair of logits and the two batch means.
Formula = Callable[[float, float, float, float], float]
FORMULAS: dict[str, tuple[Formula, Formula]] = {
    "minimax": (lambda r, f, _, __: log1pexp(-r) + log1pexp(f), lambda r, f, _, __: -log1pexp(f)),
    "non-saturating": (lambda r, f, _, __: log1pexp(-r) + log1pexp(f), lambda r, f, _, __: log1pexp(-f)),
    "least-squares": (lambda r, f, _, __: 0.5 * (r - 1) ** 2 + 0.5 * f**2, lambda r, f, _, __: 0.5 * (f - 1) ** 2),
    "hinge": (lambda r, f, _, __: max(0, 1 - r) + max(0, 1 + f), lambda r, f, _, __: -f),
    "wasserstein": (lambda r, f, _, __: f - r, lambda r, f, _, __: -f),
    "relativistic-pairing": (lambda r, f, _, __: log1pexp(f - r), lambda r, f, _, __: log1pexp(r - f)),
    "relativistic-average": (
        lambda r, f, mr, mf: log1pexp(mf - r) + log1pexp(f - mr),
        lambda r, f, mr, mf: log1pexp(mr - f) + log1pexp(r - mf),
    ),
}


@pytest.mark.parametrize("name", OBJECTIVES)
def test_both_sides_equal_their_formula_at_zero_large_and_random_logits(name: str) -> None:
    game = OBJECTIVES[name]()
    pairs = list(zip(REAL.tolist(), FAKE.tolist(), strict=True))
    discriminator, generator = FORMULAS[name]
    means = mean(REAL), mean(FAKE)
    expected = [discriminator(r, f, *means) for r, f in pairs]
    assert game.discriminator(REAL, FAKE).tolist() == pytest.approx(expected, rel=1e-12)
    expected = [generator(r, f, *means) for r, f in pairs]
    assert game.generator(REAL, FAKE).tolist() == pytest.approx(expected, rel=1e-12)


def test_the_games_at_logits_of_zero_are_worth_what_the_papers_say() -> None:
    zero = torch.zeros(3, dtype=torch.float64)
    worth = {
        "minimax": (2 * math.log(2), -math.log(2)),
        "non-saturating": (2 * math.log(2), math.log(2)),
        "least-squares": (0.5, 0.5),
        "hinge": (2.0, 0.0),
        "wasserstein": (0.0, 0.0),
        "relativistic-pairing": (math.log(2), math.log(2)),
        "relativistic-average": (2 * math.log(2), 2 * math.log(2)),
    }
    assert worth.keys() == OBJECTIVES.keys()
    for name, (discriminator, generator) in worth.items():
        game = OBJECTIVES[name]()
        assert game.discriminator(zero, zero).tolist() == pytest.approx([discriminator] * 3, abs=1e-15)
        assert game.generator(zero, zero).tolist() == pytest.approx([generator] * 3, abs=1e-15)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_gradients_are_right_and_finite_at_large_logits(name: str) -> None:
    game = OBJECTIVES[name]()
    logits = tuple(side[6:12].clone().requires_grad_() for side in (REAL, FAKE))
    assert gradcheck(game.discriminator, logits)
    assert gradcheck(game.generator, logits)
    for side in (game.discriminator, game.generator):
        large = [logits.float().requires_grad_() for logits in (REAL, FAKE)]
        gradients = torch.autograd.grad(side(*large).sum(), large, allow_unused=True)
        assert all(g is None or g.isfinite().all() for g in gradients)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_the_generators_side_looks_at_real_images_in_relativistic_games_alone(name: str) -> None:
    game = OBJECTIVES[name]()
    same = torch.equal(game.generator(RANDOM[0], RANDOM[1]), game.generator(RANDOM[0] + 1, RANDOM[1]))
    assert same != name.startswith("relativistic")


def test_relativistic_games_see_only_differences() -> None:
    for game in (RelativisticPairing(), RelativisticAverage()):
        shifted = game.discriminator(RANDOM[0] + 7, RANDOM[1] + 7)
        assert shifted.tolist() == pytest.approx(game.discriminator(RANDOM[0], RANDOM[1]).tolist(), rel=1e-9)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_the_two_sides_pull_the_generated_logit_in_opposite_directions(name: str) -> None:
    game = OBJECTIVES[name]()
    fake = torch.full((4,), 0.5, dtype=torch.float64, requires_grad=True)  # between the targets of least squares
    (down,) = torch.autograd.grad(game.discriminator(torch.zeros(4), fake).sum(), fake)
    (up,) = torch.autograd.grad(game.generator(torch.zeros(4), fake).sum(), fake)
    assert (down > 0).all()
    assert (up < 0).all()


def test_smoothing_is_cross_entropy_with_a_lower_target_for_real_images() -> None:
    expected = [
        0.9 * log1pexp(-r) + 0.1 * log1pexp(r) + log1pexp(f) for r, f in zip(REAL.tolist(), FAKE.tolist(), strict=True)
    ]
    for name in ("minimax", "non-saturating"):
        smoothed = Smoothed(OBJECTIVES[name](), 0.1)
        assert smoothed.discriminator(REAL, FAKE).tolist() == pytest.approx(expected, rel=1e-12)


def test_smoothing_lowers_the_target_of_least_squares() -> None:
    smoothed = Smoothed(OBJECTIVES["least-squares"](), 0.2)
    expected = [((r - 0.8) ** 2 + f**2) / 2 for r, f in zip(REAL.tolist(), FAKE.tolist(), strict=True)]
    assert smoothed.discriminator(REAL, FAKE).tolist() == pytest.approx(expected, rel=1e-12)


def test_smoothing_bounds_the_difference_that_relativistic_games_want() -> None:
    def smoothed(difference: float) -> float:
        return 0.9 * log1pexp(-difference) + 0.1 * log1pexp(difference)

    pairing = Smoothed(RelativisticPairing(), 0.1).discriminator(REAL, FAKE)
    assert pairing.tolist() == pytest.approx([smoothed(d) for d in (REAL - FAKE).tolist()], rel=1e-12)
    average = Smoothed(RelativisticAverage(), 0.1).discriminator(REAL, FAKE)
    pairs = zip(REAL.tolist(), FAKE.tolist(), strict=True)
    expected = [smoothed(r - mean(FAKE)) + log1pexp(f - mean(REAL)) for r, f in pairs]
    assert average.tolist() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("name", SMOOTHABLE)
def test_smoothing_of_zero_and_the_generators_side_are_the_objectives_own(name: str) -> None:
    game = OBJECTIVES[name]()
    assert torch.equal(Smoothed(game, 0.0).discriminator(REAL, FAKE), game.discriminator(REAL, FAKE))
    assert torch.equal(Smoothed(game, 0.3).generator(REAL, FAKE), game.generator(REAL, FAKE))


@pytest.mark.parametrize("name", sorted(OBJECTIVES.keys() - set(SMOOTHABLE)))
def test_an_objective_without_a_target_cannot_be_smoothed(name: str) -> None:
    with pytest.raises(InputError, match=f"'{name}' has no target to smooth.*least-squares"):
        Smoothed(OBJECTIVES[name](), 0.1)


@pytest.mark.parametrize("amount", [-0.1, 0.5, 1.0, math.nan])
def test_a_target_at_or_below_one_half_is_refused(amount: float) -> None:
    with pytest.raises(InputError, match="label smoothing is"):
        Smoothed(NonSaturating(), amount)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_the_border_is_where_neither_side_is_asked_to_move(name: str) -> None:
    """At the border a real and a generated image pull with the same strength; without one, all shifts are the same."""
    objective = OBJECTIVES[name]()
    if objective.border is None:
        logits = torch.tensor([0.3, -1.0], dtype=torch.float64), torch.tensor([2.0, 0.1], dtype=torch.float64)
        moved = tuple(side + 5 for side in logits)
        assert torch.allclose(objective.discriminator(*logits), objective.discriminator(*moved))
        return
    at = torch.full((1,), objective.border, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(objective.discriminator(at, at).sum(), at)
    assert slope.item() == pytest.approx(0)
