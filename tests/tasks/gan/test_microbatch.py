"""Gradient accumulation: a batch in parts gives what the whole gives, and never more than a part is in the networks."""

from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from elmyr.core.errors import InputError
from elmyr.engine.data import ResidentData
from elmyr.engine.processes import ALONE
from elmyr.tasks.gan.config import adversarial_config, gan_config, settled_choices
from elmyr.tasks.gan.microbatch import places
from elmyr.tasks.gan.task import AdversarialTask
from tests.conftest import small_image_set
from tests.engine.group import updates
from tests.tasks.gan.test_game import TINY, tiny_run


@given(start=st.integers(0, 100), images=st.integers(1, 300), most=st.integers(1, 300))
def test_parts_are_the_whole_in_order_even_and_as_few_as_can_be(start: int, images: int, most: int) -> None:
    parts = places(slice(start, start + images), most)
    sizes = [part.stop - part.start for part in parts]
    assert [row for part in parts for row in range(part.start, part.stop)] == list(range(start, start + images))
    assert max(sizes) <= most and max(sizes) - min(sizes) <= 1
    assert len(parts) == -(-images // most)


def after(microbatch: int) -> dict[str, torch.Tensor]:
    """The gradients and the state of a game with penalties, noise and adaptive augmentation; batches of 16, then 13."""
    return updates(ALONE, torch.float64, count=6, last=13, lecam=0.0, microbatch=microbatch)


@pytest.fixture(scope="module")
def whole() -> dict[str, torch.Tensor]:
    return after(0)


@pytest.mark.parametrize(("microbatch", "rounding"), [(16, 0), (99, 0), (8, 1e-10), (5, 1e-10), (1, 1e-10)])
def test_a_batch_in_parts_trains_as_the_whole_does(
    whole: dict[str, torch.Tensor], microbatch: int, rounding: float
) -> None:
    found = after(microbatch)
    assert found.keys() == whole.keys()
    assert all((found[key] - whole[key]).abs().max() <= rounding for key in whole)


def test_no_more_than_a_microbatch_passes_the_networks_at_once() -> None:
    """Of 13 images, the last of a budget, too; the discriminator sees as many generated ones beside the real."""
    images = small_image_set(40, size=16)
    choices = settled_choices("residual", TINY | {"adversarial.microbatch": 5}, images)
    device = torch.device("cpu")
    task = AdversarialTask(
        gan_config(choices, images), adversarial_config(choices), batch=16, seed=0, device=device, precision="fp32"
    )
    seen: dict[str, list[int]] = {"generator": [], "discriminator": []}
    for name, net in (("generator", task.generator), ("discriminator", task.discriminator.head)):
        net.register_forward_pre_hook(lambda _, given, name=name: seen[name].append(len(given[0])))
    data = ResidentData(images, seed=0, device=device)
    task.update(data.batch(0, 16), 0)
    assert seen == {"generator": [4] * 8, "discriminator": [8] * 4 + [4] * 4}
    task.update(data.batch(16, 13), 16)
    assert max(seen["generator"]) == 5 and max(seen["discriminator"]) == 10


def test_a_microbatch_larger_than_the_batch_is_the_batch() -> None:
    images = small_image_set(40, size=16)
    choices = settled_choices("residual", TINY | {"adversarial.microbatch": 1_000}, images)
    gan, game, device = gan_config(choices, images), adversarial_config(choices), torch.device("cpu")
    task, seen = AdversarialTask(gan, game, batch=16, seed=0, device=device, precision="fp32"), list[int]()
    task.generator.register_forward_pre_hook(lambda _, given: seen.append(len(given[0])))
    task.update(ResidentData(images, seed=0, device=device).batch(0, 13), 0)
    assert seen == [16]


@pytest.mark.parametrize(
    ("preset", "microbatch", "message"),
    [("dcgan", 1, "take 2 or more"), ("style", 6, "groups of 4"), ("residual", -1, "microbatch is -1")],
)
def test_a_microbatch_that_a_network_cannot_take_is_refused(
    tmp_path: Path, preset: str, microbatch: int, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        tiny_run(tmp_path, "run", preset=preset, **{"adversarial.microbatch": microbatch})
    assert not (tmp_path / "run").exists()
