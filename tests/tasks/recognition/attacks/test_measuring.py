"""How easily a recognizer is fooled: what is counted, what it is told about, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from elmyr.cli.app import app
from elmyr.core import seeds
from elmyr.core.errors import InputError
from elmyr.images import ImageSet
from elmyr.tasks.recognition import Recognizer
from elmyr.tasks.recognition.attacks import pace
from elmyr.tasks.recognition.attacks.asked import AttackAsk, parse_epsilons
from elmyr.tasks.recognition.attacks.epsilons import told_of
from elmyr.tasks.recognition.attacks.losses import told_of_few_classes
from elmyr.tasks.recognition.attacks.masking import found_without_gradients, signs_of
from elmyr.tasks.recognition.attacks.measuring import _Tally, attack
from elmyr.tasks.recognition.attacks.outcome import ALL, CHECKS, SIGNS, AttackOutcome, Level
from elmyr.tasks.recognition.attacks.table import ATTACKS, AUTO_ATTACK
from elmyr.tasks.recognition.robust.config import RobustConfig, epsilon_of
from tests.conftest import small_image_set


@pytest.fixture(scope="module")
def reader() -> Recognizer:
    blobs = small_image_set(120)
    names = np.array(blobs.classes)[blobs.require_labels()]
    return Recognizer(updates=40, base=8, dimension=16).fit(blobs.images, names)


def asked(**words: Any) -> AttackAsk:
    steps = None if words.get("attack") == "fgsm" else 5  # which takes one
    return AttackAsk(**{"count": 24, "steps": steps, "epsilons": (0.3,), **words})


@pytest.mark.parametrize("norm", ["Linf", "L2"])
@pytest.mark.parametrize("name", ATTACKS)
def test_every_attack_of_the_table_counts_what_it_fooled(reader: Recognizer, name: str, norm: str) -> None:
    images = small_image_set(60, seed=1)
    ask = asked(
        attack=name,
        norm=norm,
        steps=None if name == "fgsm" else 15,
        count=16,
        epsilons=(0.02, 0.6 if norm == "Linf" else 4.0),
    )
    found = attack(reader, images, ask)
    small, large = found.levels
    right = int(found.clean.sum())
    assert found.count == found.counts.sum() == 16
    assert [one.name for one in small.attacks] == [name]
    assert small.attacks[0].tried == right
    assert small.robust.sum() <= large.attacks[0].tried <= right - small.attacks[0].fooled
    assert large.robust.sum() <= large.attacks[0].tried - large.attacks[0].fooled
    assert large.robust.sum() <= large.noise
    assert (large.robust <= small.robust).all() and (small.robust <= found.clean).all()
    if ATTACKS[name].sees == "gradients" and name != "fgsm":  # one step of any size is a weak attack
        assert large.attacks[0].fooled > 0.5 * right
    again = attack(reader, images, ask)
    assert unmeasured(found.as_json()) == unmeasured(again.as_json())


def unmeasured(content: Any) -> Any:
    """Without times, which differ."""
    if isinstance(content, dict):
        return {name: unmeasured(value) for name, value in content.items() if name != "seconds"}
    return [unmeasured(each) for each in content] if isinstance(content, list) else content


def test_auto_runs_the_standard_order_each_on_what_is_left(reader: Recognizer) -> None:
    found = attack(reader, small_image_set(60, seed=1), asked(epsilons=(0.08,)))
    attacks = found.levels[0].attacks
    assert tuple(one.name for one in attacks) == AUTO_ATTACK
    for before, after in pairwise(attacks):
        assert after.tried == before.tried - before.fooled
    assert found.levels[0].robust.sum() <= attacks[-1].tried - attacks[-1].fooled


def test_what_is_fooled_is_read_so_and_lies_within_epsilon(reader: Recognizer) -> None:
    found = attack(reader, small_image_set(60, seed=1), asked(attack="pgd", epsilons=(0.1, 0.5)))
    assert found.examples and len(found.examples) == min(24, sum(level.attacks[0].fooled for level in found.levels))
    assert [one.epsilon for one in found.examples] == sorted(one.epsilon for one in found.examples)
    net, temperature = reader.trained().net, reader.trained().temperature
    for one in found.examples:
        assert np.abs(one.changed - one.original).max() <= one.epsilon + 1e-5
        assert one.changed.min() >= 0 and one.changed.max() <= 1
        shown = torch.from_numpy(one.changed).permute(2, 0, 1)[None]
        read = (net(2 * shown - 1) / temperature).softmax(1)[0]
        assert int(read.argmax()) == one.predicted != one.label
        assert float(read.max()) == pytest.approx(one.probability, abs=1e-4)


@pytest.mark.parametrize(("name", "expected"), [("apgd-t", "the third logit alone is taken"), ("apgd-ce", None)])
def test_what_stands_in_for_the_ratio_with_few_classes_is_said(
    reader: Recognizer, name: str, expected: str | None
) -> None:
    said: list[str] = []
    attack(reader, small_image_set(60, seed=1), asked(attack=name, count=8, steps=1), say=said.append)
    assert ("classes are too few" in said[0]) == (expected is not None)
    assert expected is None or expected in said[0]
    assert "plain margin" in str(told_of_few_classes(2)) and told_of_few_classes(4) is None


def test_no_change_fools_nobody_and_is_no_attack(reader: Recognizer) -> None:
    found = attack(reader, small_image_set(60, seed=1), asked(epsilons=(0.0,)))
    assert found.robust_accuracy(found.levels[0]) == found.clean_accuracy
    assert all(one.fooled == 0 for one in found.levels[0].attacks)


def test_another_seed_attacks_other_images_and_batches_make_the_whole(
    reader: Recognizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = small_image_set(60, seed=1)
    first, other = (attack(reader, images, asked(attack="fgsm", seed=seed)) for seed in (0, 1))
    assert first.counts.tolist() != other.counts.tolist() or first.clean.tolist() != other.clean.tolist()
    whole = attack(reader, images, asked(attack="fgsm", count=60))
    monkeypatch.setattr(pace, "MOST", 7)  # FGSM draws nothing: batches change nothing
    monkeypatch.setattr(pace, "FEWEST", 7)
    parts = attack(reader, images, asked(attack="fgsm", count=60))
    assert [sign.values["count"] for sign in (*whole.signs, *parts.signs)] == [60, 7]  # looked for in the first batch
    assert unmeasured(parts.as_json() | {"signs": []}) == unmeasured(whole.as_json() | {"signs": []})


def test_each_restart_draws_anew_and_fools_more(reader: Recognizer) -> None:
    """At a size of noise that some draws fool by: a restart of the same draws would fool nobody more."""
    images, sizes = small_image_set(60, seed=1), (0.2, 0.4, 0.6)
    fooled = []
    for restarts in (1, 6):
        found = attack(reader, images, asked(attack="noise", steps=1, restarts=restarts, count=40, epsilons=sizes))
        assert all(level.attacks[0].restarts == restarts for level in found.levels)
        fooled.append([int((found.clean - level.robust).sum()) for level in found.levels])
    once, often = fooled
    assert all(more >= few for few, more in zip(once, often, strict=True)) and sum(often) > sum(once)


def test_steps_are_those_that_are_asked_for() -> None:
    assert [asked(steps=7).steps_of(name) for name in ATTACKS] == [7, 1, *[7] * 6]
    assert [asked(steps=None).steps_of(name) for name in ("pgd", "apgd-ce", "square")] == [40, 100, 5000]


def test_a_time_limit_ends_the_work_after_a_batch_and_says_so(
    reader: Recognizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "MOST", 8)
    clock = iter(np.arange(1000) * 0.02)
    monkeypatch.setattr(pace.time, "monotonic", lambda: float(next(clock)))
    ask = asked(attack="fgsm", count=60, minutes=0.1)
    monkeypatch.setattr(pace, "_seconds", lambda work: 1e-6)
    found = attack(reader, small_image_set(60, seed=1), replace(ask, minutes=0.001))
    assert 8 <= found.count < 60 == found.asked
    assert "of 60 asked for; the time was up" in found.lines()[0]


BAD = {
    "attack": ({"attack": "autoo"}, "no attack 'autoo': did you mean 'auto'?"),
    "one of several beside auto": ({"attack": "auto,pgdd"}, "no attack 'pgdd': did you mean 'pgd'?"),
    "one twice": ({"attack": "pgd,square,pgd"}, "pgd is named twice: name it once; restarts run it again"),
    "one that auto has": ({"attack": "auto,square"}, "square is named twice (auto has it too)"),
    "steps of what takes one": ({"attack": "fgsm", "steps": 5}, "fgsm takes one step, whatever is asked: leave out"),
    "one of several": ({"attack": "pgd,squar"}, "no attack 'squar': did you mean 'square'?"),
    "norm": ({"norm": "linf"}, "no norm 'linf': did you mean 'Linf'?"),
    "levels of 255": ({"epsilons": (8.0,)}, "from 0 to 1, such as 8/255"),
    "below 0": ({"epsilons": (-0.1,)}, "an epsilon is -0.1: it is a share"),
    "not a number": ({"epsilons": (float("nan"),)}, "an epsilon is nan"),
    "L2 below 0": ({"norm": "L2", "epsilons": (-1.0,)}, "an epsilon is -1: give 0 or more"),
    "count": ({"count": 0}, "0 images are asked for"),
    "steps": ({"steps": 0}, "0 steps are asked for"),
    "restarts": ({"restarts": 0}, "0 restarts are asked for"),
    "restarts of what draws nothing": ({"attack": "fgsm", "restarts": 2}, "draws nothing at random"),
    "views": ({"average": 0}, "0 views are asked for"),
    "minutes": ({"minutes": 0.0}, "the time limit is 0.0 minutes"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_asked_is_refused_in_a_line(case: str) -> None:
    words, message = BAD[case]
    with pytest.raises(InputError) as refused:
        asked(**words)
    assert message in str(refused.value) and "\n" not in str(refused.value)


@pytest.mark.parametrize("norm", ["Linf", "L2"])
@pytest.mark.parametrize("name", [*ATTACKS, "auto"])
def test_a_limit_too_short_for_one_batch_is_refused_before_anything_is_attacked(
    reader: Recognizer, name: str, norm: str
) -> None:
    said: list[str] = []
    with pytest.raises(InputError, match="too short for one batch: 8 images may take .* give more --minutes"):
        attack(reader, small_image_set(24), asked(attack=name, norm=norm, minutes=1e-9), say=said.append)
    assert not said


def test_images_that_cannot_be_attacked_are_refused(reader: Recognizer) -> None:
    blobs = small_image_set(24)
    with pytest.raises(InputError, match="there is no image to attack in nothing: give labeled images"):
        attack(reader, ImageSet(blobs.images[:0], blobs.labels[:0], blobs.classes, name="nothing"), asked())
    with pytest.raises(InputError, match="no labels"):
        attack(reader, ImageSet(blobs.images, None), asked())
    with pytest.raises(InputError, match=r"takes \(8, 8, 1\): recognizer.prepared"):
        attack(reader, small_image_set(24, size=12), asked())
    with pytest.raises(InputError, match="knows no class 'z'"):
        attack(reader, ImageSet(blobs.images, blobs.labels, ("a", "b", "z")), asked())
    with pytest.raises(InputError, match="farther apart than 8: give less"):
        attack(reader, blobs, asked(norm="L2", epsilons=(9.0,)))


@pytest.mark.parametrize(("text", "values"), [("0.3", (0.3,)), ("8/255, 0.1", (8 / 255, 0.1))])
def test_epsilons_are_numbers_or_fractions(text: str, values: tuple[float, ...]) -> None:
    assert parse_epsilons(text) == values


@pytest.mark.parametrize("text", ["", "a", "1/0", "0.1,", "1/2/3"])
def test_what_is_no_epsilon_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="an epsilon is '.*': give numbers with commas between"):
        parse_epsilons(text)


class Masked(torch.nn.Module):
    """Two classes by the mean, seen through so steep a step that no gradient passes; noise may cross it."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        shade = torch.sigmoid(1e4 * (images.mean((1, 2, 3)) - 0.5))
        return torch.stack([-200 * shade, 200 * shade - 200], 1)


def level(epsilon: float, robust: int, *attacks: tuple[str, int, int]) -> Level:
    outcomes = tuple(AttackOutcome(name, 40, 1, tried, fooled, 0.0) for name, tried, fooled in attacks)
    return Level(epsilon, outcomes, np.array([robust, 0]), robust)


def test_gradient_masking_is_seen_where_it_is_and_not_where_it_is_not() -> None:
    images = 0.3 + 0.1 * torch.rand(20, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    labels = torch.zeros(20, dtype=torch.int64)
    masked = signs_of(Masked(), images, labels, asked(), 0.2, labels[:0])
    assert [sign.kind for sign in masked.signs] == ["no limit"]
    assert masked.checks == ["weak attacks", "fewer steps", "no limit"]
    with seeds.initialization(0, "linear"):
        honest = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(16, 2))
    assert signs_of(honest, images, honest(images).argmax(1), asked(), 0.2, labels[:0]).signs == []
    assert signs_of(honest, images[:0], labels[:0], asked(), 0.2, labels[:0]).checks == []


def test_what_a_black_box_finds_after_a_white_box_is_a_sign_and_before_it_is_none() -> None:
    after = level(0.3, 70, ("apgd-ce", 100, 10), ("square", 90, 20))
    (sign,) = found_without_gradients([after], 0).signs
    assert sign.kind == "black box" and "Square fooled 20 images" in sign.told
    before = level(0.3, 70, ("square", 100, 20), ("apgd-ce", 80, 10))
    few = level(0.3, 89, ("apgd-ce", 100, 10), ("square", 90, 1))
    assert found_without_gradients([before, few], 0).signs == []
    assert [one.kind for one in found_without_gradients([few], 3).signs] == ["noise"]
    rare = level(0.3, 19, ("apgd-ce", 970, 950), ("square", 20, 1))  # 1 of 20, but of 970
    assert found_without_gradients([rare], 0).signs == []
    assert set(SIGNS) == set(CHECKS) == {"black box", "weak attacks", "fewer steps", "no limit", "noise"}


def test_only_what_was_looked_for_is_named_and_nothing_where_no_image_is_right() -> None:
    def checks(*attacks: tuple[str, int, int]) -> list[str]:
        return found_without_gradients([level(0.3, 10, *attacks)], 0).checks

    assert checks(("fgsm", 100, 10)) == ["noise"]
    assert checks(("square", 100, 10), ("pgd", 90, 10)) == ["noise"]
    assert checks(("pgd", 100, 100), ("square", 0, 0)) == ["noise"]
    assert checks(("pgd", 100, 10), ("square", 90, 0)) == ["black box", "noise"]
    assert checks(("pgd", 0, 0), ("square", 0, 0)) == []


class ByNoise(torch.nn.Module):
    """Two classes, whose border only a rough image crosses, with a gradient that leads to smooth ones."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        rough = (images[..., 1:] - images[..., :-1]).abs().mean((1, 2, 3)).detach()
        return torch.stack([torch.full_like(rough, 0.5) + 0 * images.sum((1, 2, 3)), (5 * rough).clamp(max=1)], 1)


def test_what_noise_within_epsilon_makes_misread_is_not_robust_and_counts_once_over_the_epsilons() -> None:
    tally = _Tally((0.001, 0.3, 0.4), asked(attack="fgsm"), ["smooth", "rough"], {ALL: ByNoise()})
    images, labels = torch.full((20, 1, 8, 8), 0.5), torch.zeros(20, dtype=torch.int64)
    tally.take(images, labels)
    found = tally.robustness("gray", 20, {}, 0.0)
    assert [one.fooled for one in (level.attacks[0] for level in found.levels)] == [0, 0, 0]
    assert [level.noise for level in found.levels] == [20, 0, 0]
    assert [int(level.robust.sum()) for level in found.levels] == [20, 0, 0]
    assert [sign.values["fooled"] for sign in found.signs if sign.kind == "noise"] == [20]


def test_signs_are_looked_for_in_images_of_every_class_of_a_set_that_is_stored_by_class() -> None:
    labels = torch.arange(250) // 25
    seen: list[torch.Tensor] = []

    def by_color(images: torch.Tensor) -> torch.Tensor:
        seen.append((images[:, 0, 0, 0] * 10).long().unique())
        return -(images.mean((1, 2, 3))[:, None] - (torch.arange(10) + 0.5) / 10).abs()

    images = ((labels + 0.5) / 10).view(-1, 1, 1, 1).expand(-1, 1, 2, 2)
    signs_of(by_color, images, labels, asked(), 0.01, labels[:0])
    assert seen[0].tolist() == list(range(10))


def test_fewer_images_than_asked_for_are_told_in_a_line(reader: Recognizer) -> None:
    said: list[str] = []
    found = attack(reader, small_image_set(60, seed=1), asked(attack="fgsm", count=100), say=said.append)
    assert found.count == found.asked == 60 and "has 60 images, fewer than the 100 asked for" in said[0]
    said.clear()
    attack(reader, small_image_set(60, seed=1), asked(attack="fgsm", count=60), say=said.append)
    assert not any("asked for" in line for line in said)


def test_auto_stands_among_other_names() -> None:
    ask = asked(attack="noise, auto,pgd")
    assert ask.order == ("noise", *AUTO_ATTACK, "pgd") and ask.named == ("noise", "auto", "pgd")


@pytest.mark.parametrize("shape", [(28, 28, 1), (8, 20, 1), (29, 28, 1), (64, 64, 1), (28, 28, 3)])
def test_a_training_and_an_attack_take_the_same_epsilon_where_none_is_given(shape: tuple[int, int, int]) -> None:
    trained = RobustConfig().of_images(shape).most
    assert asked(epsilons=()).levels(shape) == (trained,) == (0.3 if shape in ((28, 28, 1), (8, 20, 1)) else 8 / 255,)
    assert asked(epsilons=()).levels(shape, 0.07) == (0.07,)
    assert asked(epsilons=(), norm="L2").levels(shape, 0.07) == (2.0 if trained == 0.3 else 0.5,)
    assert asked(epsilons=(0.2,)).levels(shape, 0.07) == (0.2,)


def test_a_recognizer_is_attacked_by_what_it_was_trained_to_withstand_where_nothing_is_said() -> None:
    blobs = small_image_set(60)
    trained = Recognizer(updates=4, base=8, dimension=16, method="robust", robust=4 / 255).fit(blobs)
    found = attack(trained, blobs, asked(attack="fgsm", epsilons=()))
    assert [level.epsilon for level in found.levels] == [4 / 255]
    assert "\u03b5 = 4/255" in found.lines()[1] and found.table()[1][0] == "4/255"


@pytest.mark.parametrize(
    ("epsilon", "told"), [(0.0, "0"), (8 / 255, "8/255"), (0.3, "0.3"), (1.0, "1"), (2.0, "2"), (0.1, "0.1")]
)
def test_an_epsilon_is_told_as_it_is_read(epsilon: float, told: str) -> None:
    assert told_of(epsilon) == told and parse_epsilons(told) == (epsilon,)
    if 0 < epsilon <= 1:
        assert epsilon_of(told) == epsilon


def test_the_help_names_every_attack() -> None:
    shown = CliRunner().invoke(app, ["recognizer", "attack", "--help"], prog_name="elmyr").output
    assert ",".join(ATTACKS) in "".join(shown.split())


def test_images_that_an_attack_leaves_and_one_along_the_gradient_does_not_are_told() -> None:
    """A border that one step of ε crosses along a gradient; the attack that is asked for has none."""
    images, labels = torch.full((20, 1, 8, 8), 0.4), torch.zeros(20, dtype=torch.int64)

    def by_mean(shown: torch.Tensor) -> torch.Tensor:
        return torch.stack([torch.full_like(shown[:, 0, 0, 0], 0.5), shown.mean((1, 2, 3))], 1)

    for name, expected in (("noise", ["weak attacks"]), ("fgsm", [])):
        tally = _Tally((0.15,), asked(attack=name), ["dark", "light"], {ALL: by_mean})
        tally.take(images, labels)
        found = tally.robustness("gray", 20, {}, 0.0)
        assert int(found.levels[0].robust.sum()) == 20 * len(expected)
        assert [sign.kind for sign in found.signs] == expected
    assert "FGSM, or PGD with 40 steps, fooled 20 within" in SIGNS["weak attacks"].format(
        count=20, steps=40, fooled=20, epsilon="0.15"
    )
