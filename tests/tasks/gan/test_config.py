"""The small parts of training: order, mixing, average, schedule, logbook, settings."""

import json
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from elmyr.core.errors import DivergedError, InputError
from elmyr.core.files import read_lines
from elmyr.engine.config import parse_settings
from elmyr.engine.data import MixedData, ResidentData
from elmyr.engine.optimization.ema import average_decay, update_average
from elmyr.engine.optimization.schedule import decay_factor
from elmyr.engine.rules import Facts, resolve
from elmyr.engine.saving.logbook import Logbook
from elmyr.tasks.gan.config import choices_of, loop_config
from tests.conftest import small_image_set

CPU = torch.device("cpu")


def resident(n: int = 30, seed: int = 0) -> ResidentData:
    return ResidentData(small_image_set(n), seed=seed, device=CPU)


@given(sizes=st.lists(st.integers(1, 40), min_size=1, max_size=8))
def test_the_order_does_not_depend_on_how_it_is_cut_into_batches(sizes: list[int]) -> None:
    whole = resident().order(0, sum(sizes))
    data, position, parts = resident(), 0, []
    for size in sizes:
        parts.append(data.order(position, size))
        position += size
    assert torch.equal(torch.cat(parts), whole)


def test_each_pass_shows_every_image_once_in_an_order_of_its_own() -> None:
    order = resident().order(0, 90).view(3, 30)
    assert all(torch.equal(one.sort().values, torch.arange(30)) for one in order)
    assert not torch.equal(order[0], order[1])
    assert not torch.equal(resident(seed=1).order(0, 30), order[0])


def test_a_batch_is_channels_last_and_its_labels_belong_to_its_images() -> None:
    data = resident()
    batch = data.batch(25, 10)  # over the border of two passes
    assert batch.images.shape == (10, 1, 8, 8)
    indices = data.order(25, 10)
    assert batch.labels is not None and data.labels is not None
    assert torch.equal(batch.labels, data.labels[indices])
    assert torch.equal(batch.images.permute(0, 2, 3, 1), data.images[indices])


@given(share=st.floats(0, 1), sizes=st.lists(st.integers(1, 20), min_size=1, max_size=10))
def test_mixing_keeps_the_share_and_skips_no_image_of_either_set(share: float, sizes: list[int]) -> None:
    first, second = resident(50), ResidentData(small_image_set(40, seed=9), seed=1, device=CPU)
    mixed, position, seen = MixedData(first, second, share=share), 0, []
    for size in sizes:
        seen.append(mixed.batch(position, size).images)
        position += size
    second_count = round(position * share)
    expected = [first.batch(0, position - second_count)] if position > second_count else []
    expected += [second.batch(0, second_count)] if second_count else []
    flat = torch.cat(seen).flatten(1)
    wanted = torch.cat([batch.images for batch in expected]).flatten(1)
    assert sorted(flat.tolist()) == sorted(wanted.tolist())


def test_the_average_has_moved_half_way_after_one_half_life() -> None:
    average, source = nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False)
    nn.init.zeros_(average.weight)
    nn.init.ones_(source.weight)
    for batch in range(100):
        update_average(average, source, average_decay(10**9 + batch * 10, 10, half_life=1000, ramp=0.05))
    assert average.weight.item() == pytest.approx(0.5, abs=1e-5)


def test_the_average_forgets_the_start_quickly_at_first() -> None:
    assert average_decay(0, 64, half_life=44_000, ramp=0.05) < 1e-5
    assert average_decay(10**7, 64, half_life=44_000, ramp=0.05) == pytest.approx(0.5 ** (64 / 44_000))


def test_the_learning_rate_is_constant_then_falls_to_zero() -> None:
    assert [decay_factor(p, 0.4) for p in (0, 0.4, 0.7, 1)] == pytest.approx([1, 1, 0.5, 0])


def test_the_logbook_writes_means_over_a_stretch(tmp_path: Path) -> None:
    book = Logbook(tmp_path / "metrics.jsonl")
    for value in (1.0, 2.0, 6.0):
        book.add({"loss": torch.tensor(value)}, 0)
    book.add({"rare": torch.tensor(5.0)}, 0)
    book.drain(256, {"seconds": 1.5})
    assert read_lines(tmp_path / "metrics.jsonl") == [{"images": 256, "seconds": 1.5, "loss": 3.0, "rare": 5.0}]


def test_a_figure_that_is_not_finite_ends_the_training(tmp_path: Path) -> None:
    book = Logbook(tmp_path / "metrics.jsonl")
    with pytest.raises(DivergedError, match="loss not finite at 64 images"):
        book.add({"loss": torch.tensor(float("nan"))}, 64)
    assert DivergedError.exit_code == 3


def test_a_restored_logbook_has_no_line_past_the_checkpoint_and_none_cut(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"images": 64}\n{"images": 128}\n{"images": 192}\n{"imag', encoding="utf-8")
    book = Logbook(path)
    book.restore({"sums": {"loss": 3.0}, "counts": {"loss": 1}}, 128)
    book.add({"loss": torch.tensor(5.0)}, 0)
    book.drain(192, {})
    assert [json.loads(line) for line in path.read_text().splitlines()] == [
        {"images": 64},
        {"images": 128},
        {"images": 192, "loss": 4.0},
    ]


def test_settings_reach_the_choices_and_unknown_ones_are_refused_with_the_nearest() -> None:
    settings = parse_settings(["penalties.r1=2.5", "batch=16", "adversarial.objective=non-saturating"])
    choices = choices_of("residual", settings)
    assert (choices["penalties"]["r1"], choices["batch"]) == (2.5, 16)
    assert choices["adversarial"]["objective"] == "non-saturating"
    with pytest.raises(InputError, match=r"did you mean 'penalties\.r[12]'"):
        choices_of("residual", {"penalties.r3": 1})
    with pytest.raises(InputError, match="NAME=VALUE"):
        parse_settings(["gamma"])
    with pytest.raises(InputError, match="did you mean 'residual'"):
        choices_of("residul", {})


def test_nothing_stays_automatic_in_a_loop_config() -> None:
    choices, _ = resolve(choices_of("residual", {}), Facts(side=28, labeled=True, budget=100_000))
    config = loop_config(choices, 100_000)
    assert (config.images, config.log_every, config.checkpoint_every) == (100_000, 1000, 10_000)
