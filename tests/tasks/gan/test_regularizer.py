from collections.abc import Iterator

import pytest
import torch
from pydantic import ValidationError
from torch import nn

from elmyr.core import seeds
from elmyr.losses.penalties import PENALTIES, Judged, Penalty
from elmyr.tasks.gan.regularizer import PenaltyConfig, Regularizer
from elmyr.tasks.gan.task import AdversarialConfig

BATCH = 2


class Slope(nn.Module):
    """A discriminator whose gradient is its weight: (3, 4), of squared length 25."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([[3.0, 4.0]]))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return (images.flatten(1) * self.weight).sum(1)


def judged(net: nn.Module) -> Judged:
    real, fake = torch.zeros(BATCH, 1, 1, 2), torch.full((BATCH, 1, 1, 2), -1.0)
    images = torch.cat([real, fake]).requires_grad_()
    random = seeds.generator(0, "penalties", 0)
    return Judged(net, net, real, fake, images, net(images), random, lambda images: images + 1, lambda logits: logits)


def taken(position: int = 0, **strengths: float) -> float:
    regularizer = Regularizer(PenaltyConfig(**strengths), batch=BATCH)  # type: ignore[arg-type]  # `every` is whole
    return float(regularizer(judged(Slope()), position).detach())


@pytest.mark.parametrize(
    ("name", "worth"),
    [
        ("r1", 25 / 2),
        ("r2", 25 / 2),
        ("wgan_gp", (5 - 1) ** 2),
        ("dragan", (5 - 1) ** 2),
        ("consistency", 2 * 7**2),
        ("lecam", 2 * 7**2),  # logits 0 and -7, each the average of its own side
        ("weight_l1", 7),
        ("weight_l2", 25),
    ],
)
def test_each_penalty_counts_by_its_strength_and_gradient_ones_lazily(name: str, worth: float) -> None:
    lazily = PENALTIES[name].lazy
    assert taken(every=1, **{name: 3}) == pytest.approx(3 * worth)
    assert taken(every=4, **{name: 3}) == pytest.approx((4 if lazily else 1) * 3 * worth)
    assert taken(every=4, position=BATCH, **{name: 3}) == pytest.approx(0 if lazily else 3 * worth)


def test_every_penalty_of_the_table_is_tested() -> None:
    mark = test_each_penalty_counts_by_its_strength_and_gradient_ones_lazily.pytestmark[0]  # type: ignore[attr-defined]
    assert {name for name, _ in mark.args[1]} == set(PENALTIES)


def test_the_gradient_is_asked_only_by_what_needs_it_and_when_it_is_due() -> None:
    needy, other = (Regularizer(PenaltyConfig(every=2, **each), batch=BATCH) for each in ({"r1": 1}, {"lecam": 1}))  # type: ignore[arg-type]  # as above
    assert needy.needs_gradient(0) and not needy.needs_gradient(BATCH) and needy.needs_gradient(2 * BATCH)
    assert not other.needs_gradient(0)


def test_what_lecam_remembers_has_its_name_of_old_checkpoints() -> None:
    names = {f"averages.{each}" for each in ("real", "fake", "seen")}
    assert set(Regularizer(PenaltyConfig(lecam=1), batch=BATCH).state_dict()) == names
    assert not Regularizer(PenaltyConfig(r1=1), batch=BATCH).state_dict()


def test_a_penalty_that_comes_to_count_later_is_taken() -> None:
    regularizer = Regularizer(PenaltyConfig(every=1), batch=BATCH)
    regularizer.config = PenaltyConfig(every=1, r1=2)
    assert float(regularizer(judged(Slope()), 0).detach()) == 25


class Steps(nn.Module):
    """A penalty that remembers how often it was taken."""

    count: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("count", torch.zeros(()))

    def forward(self, judged: Judged) -> torch.Tensor:
        self.count += 1
        return self.count.clone()


@pytest.fixture
def mine() -> Iterator[None]:
    PENALTIES.add("mine", Penalty("the sum of the logits", lambda judged: judged.logits.sum()))
    PENALTIES.add("steps", Penalty("how often it was taken", Steps))
    yield
    for name in ("mine", "steps"):
        PENALTIES.remove(name)


@pytest.mark.usefixtures("mine")
def test_a_penalty_of_one_s_own_has_a_strength_like_any_other() -> None:
    assert taken(mine=0.5) == 0.5 * BATCH * -7
    config = AdversarialConfig.model_validate({"penalties": {"mine": 0.5}}).model_dump()["penalties"]
    assert config["mine"] == 0.5 and config["r1"] == 0.0 and config["every"] == 4
    for wrong in ({"mine": -1}, {"mine": float("nan")}, {"mine": "much"}, {"every": 0}):
        with pytest.raises(ValidationError):
            PenaltyConfig.model_validate(wrong)


@pytest.mark.usefixtures("mine")
def test_the_state_of_one_s_own_penalty_is_kept() -> None:
    regularizer = Regularizer(PenaltyConfig(steps=2), batch=BATCH)
    assert [float(regularizer(judged(Slope()), 0).detach()) for _ in range(2)] == [2, 4]
    assert list(regularizer.state_dict()) == ["state of steps.count"]


def test_a_penalty_that_is_left_out_need_not_be_known() -> None:
    assert PenaltyConfig.model_validate({"mine": 0.0, "r1": 2}).model_dump() == PenaltyConfig(r1=2).model_dump()


def test_an_unknown_penalty_is_refused_with_the_nearest() -> None:
    with pytest.raises(ValidationError, match="no penalty 'dragon': did you mean 'dragan'"):
        PenaltyConfig.model_validate({"dragon": 1})
