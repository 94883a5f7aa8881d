"""The watch calls what goes wrong, once, and nothing else; with rescue it changes the game, also over a resume."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from elmyr import GAN, train
from elmyr.core.files import read_lines
from elmyr.engine import RunDirectory, resume
from elmyr.engine.task import Batch
from elmyr.images import ImageSet, Splits, open_source, split_source
from elmyr.metrics import frechet_distance
from elmyr.report import write_report
from elmyr.serving.runs import Runs, state_of
from elmyr.tasks.gan.cheap_figures import CheapEvaluator, CheapFigures, effective_number, features_of
from elmyr.tasks.gan.collapse import SENTENCES, Collapse, collapse_in, collapse_of
from elmyr.tasks.gan.config import changed_config
from elmyr.tasks.gan.model import GANConfig, to_unit
from elmyr.tasks.gan.monitor import Watch
from elmyr.tasks.gan.problems import LOOKS_IN_TURN, Look, Problem, remedy, trouble_in
from elmyr.tasks.gan.stabilizers import StabilizerConfig
from elmyr.tasks.gan.task import AdversarialConfig, AdversarialTask
from tests.tasks.gan.test_game import weights

HEALTHY = CheapFigures(1.0, 0.8, 0.1, 0.5, 0.6, (5,) * 50, None)
COLLAPSED_INSIDE_CLASSES = CheapFigures(1.0, 0.8, 0.0, 0.1, 0.3, (25,) * 10 + (0,) * 40, None)
ONE_CLASS = CheapFigures(1.0, 0.8, 0.1, 0.9, 0.1, (50,) * 5 + (0,) * 45, None)
NOISE = CheapFigures(1.0, 0.0, 0.0, 1.5, 0.4, (12,) * 20 + (0,) * 30, None)


def looks(*seen: tuple[CheapFigures, float]) -> list[Look]:
    return [Look(10_000 + 5_000 * number, sight, apart) for number, (sight, apart) in enumerate(seen)]


def of_mode(place: int) -> CheapFigures:
    counts = [0] * 50
    counts[5 * place : 5 * place + 5] = [50] * 5
    return CheapFigures(1.0, 0.8, 0.1, 0.6, 0.24, tuple(counts), None)


def test_a_healthy_game_is_left_alone() -> None:
    assert trouble_in(looks(*[(HEALTHY, 0.9)] * 6)) is None
    assert trouble_in([]) is None


@pytest.mark.parametrize("sight", [COLLAPSED_INSIDE_CLASSES, ONE_CLASS])
def test_a_collapse_is_called_at_the_second_look_in_a_row(sight: CheapFigures) -> None:
    assert trouble_in(looks((sight, 0.9))) is None
    assert trouble_in(looks((sight, 0.9), (HEALTHY, 0.9), (sight, 0.9))) is None
    assert trouble_in(looks((HEALTHY, 0.9), (sight, 0.9), (sight, 0.9))) is Problem.COLLAPSE


def test_the_discriminator_has_won_where_nothing_looks_real_and_all_is_told_apart() -> None:
    assert trouble_in(looks(*[(NOISE, 1.0)] * 2)) is Problem.DISCRIMINATOR_WON
    assert trouble_in(looks(*[(NOISE, 0.9)] * 2)) is None  # it still learns
    assert trouble_in(looks(*[(HEALTHY, 1.0)] * 2)) is None  # told apart, yet the images are good


def test_going_from_mode_to_mode_is_oscillation_and_staying_is_not() -> None:
    assert trouble_in(looks(*[(of_mode(place), 0.9) for place in range(LOOKS_IN_TURN)])) is Problem.OSCILLATION
    assert trouble_in(looks(*[(of_mode(3), 0.9)] * LOOKS_IN_TURN)) is Problem.COLLAPSE


def test_the_effective_number_of_modes() -> None:
    assert effective_number(np.array([5, 5, 0, 0])) == pytest.approx(2)
    assert effective_number(np.array([7, 0])) == pytest.approx(1)


def test_the_remedies_go_from_the_default_presets_game_to_slower_steps() -> None:
    config = AdversarialConfig(objective="minimax", learning_rate=1e-3, beta1=0.9, ema_half_life=1)
    first = remedy(Problem.COLLAPSE, config)
    assert first == {
        "adversarial.objective": "relativistic-pairing",
        "penalties.r1": 3.0,
        "penalties.r2": 3.0,
        "stabilizers.clip_gradients": 5.0,
        "adversarial.beta1": 0.5,
        "adversarial.learning_rate": 2e-4,
        "adversarial.discriminator_learning_rate": 4e-4,
        "adversarial.ema_half_life": 44_000,
    }
    config = changed_config(config, first)
    assert (config.objective, config.penalties.r1, config.beta1) == ("relativistic-pairing", 3.0, 0.5)
    assert remedy(Problem.DISCRIMINATOR_WON, config) == {"adversarial.discriminator_learning_rate": 1e-4}
    assert changed_config(config, remedy(Problem.OSCILLATION, config)).learning_rate == 1e-4


def test_a_discriminator_that_rests_is_woken_and_rates_without_momentum_are_left_at_first() -> None:
    resting = StabilizerConfig(freeze_above=0.8, freeze_after=9_000, clip_gradients=1.0)
    config = AdversarialConfig(learning_rate=2e-3, penalties={"r1": 1.0, "r2": 0.5}, stabilizers=resting)
    assert remedy(Problem.COLLAPSE, config) == {"stabilizers.freeze_above": 1.0, "stabilizers.freeze_after": 0}


def digits_set() -> ImageSet:
    return split_source(open_source("digits"), 0).train


def test_other_real_images_have_as_many_modes_and_as_much_diversity() -> None:
    digits = digits_set()
    order = np.random.default_rng(0).permutation(len(digits))
    a, b, c = (digits.take(order[start : start + 250]) for start in (0, 250, 500))
    sight = CheapEvaluator(a, b, by_class=True, seed=0).of(c)
    assert 0.8 < sight.modes < 1.2 and 0.9 < sight.diversity < 1.1
    assert sight.precision > 0.7 and sight.recall > 0.7
    assert sight.class_counts is not None and sum(sight.class_counts) == 250 == sum(sight.mode_counts)
    assert sight.frechet_distance == frechet_distance(features_of(a), features_of(c)).value


def test_features_are_the_pixels_averaged_to_8x8() -> None:
    images = np.zeros((1, 16, 16, 1), np.uint8)
    images[0, :2, :2] = 255
    assert features_of(ImageSet(images, None))[0].tolist() == [1.0] + [0.0] * 63


class Repeater(nn.Module):
    """A generator that draws from a bank of images, whatever it is asked for."""

    def __init__(self, bank: np.ndarray[Any, Any]) -> None:
        super().__init__()
        self.register_buffer("bank", to_unit(torch.from_numpy(bank).permute(0, 3, 1, 2)))

    def forward(self, latents: torch.Tensor, labels: torch.Tensor | None) -> torch.Tensor:
        return self.bank[torch.arange(len(latents)) % len(self.bank)]


class Repeating(AdversarialTask):
    """A game whose generator repeats a bank of images."""

    bank: np.ndarray[Any, Any]

    def result(self, position: int) -> GAN:
        return GAN(self.gan, Repeater(self.bank), self.discriminator, device="cpu", precision="fp32")


def watch_of(
    images: ImageSet, bank: np.ndarray[Any, Any], *, classes: bool, rescue: bool = False
) -> tuple[Watch, list[str]]:
    gan = GANConfig(
        height=images.height, width=images.width, channels=1, classes=images.classes if classes else ()
    )  # fmt: skip
    task = Repeating(
        gan, AdversarialConfig(objective="hinge"), batch=16, seed=0, device=torch.device("cpu"), precision="fp32"
    )
    task.bank = bank
    said: list[str] = []
    return Watch(task, Splits(images, images, images, np.arange(0), 0), say=said.append, rescue=rescue), said


def ring_of_dots(n: int = 1_000) -> ImageSet:
    """Eight modes: a soft dot at one of eight places of a ring, never quite the same."""
    rng = np.random.default_rng(0)
    angles = np.arange(n) % 8 / 8 * 2 * np.pi
    rows, columns = np.mgrid[:16, :16]
    centers = 7.5 + 5 * np.stack([np.sin(angles), np.cos(angles)], 1) + rng.normal(0, 0.2, (n, 2))
    squared = (rows[None] - centers[:, 0, None, None]) ** 2 + (columns[None] - centers[:, 1, None, None]) ** 2
    return ImageSet((255 * np.exp(-squared / 3)).astype(np.uint8)[..., None], None, name="ring")


def test_one_class_only_out_of_the_generator_is_called_once() -> None:
    digits = digits_set()
    threes = digits.in_memory()[digits.require_labels() == 3]
    watch, said = watch_of(digits, threes, classes=True)
    figures = [watch.look(position) for position in (5_000, 10_000, 15_000, 20_000, 25_000)]
    assert len(said) == 1 and "at 15,000 images: mode collapse" in said[0] and "--set penalties.r1=3" in said[0]
    assert [told["trouble"] for told in watch.troubles] == ["mode collapse"]
    assert np.argmax(figures[0]["watch_classes"]) == 3


def test_one_of_the_rings_eight_modes_is_called() -> None:
    ring = ring_of_dots()
    watch, said = watch_of(ring, ring.in_memory()[::8], classes=False)
    for position in (10_000, 15_000, 20_000):
        watch.look(position)
    assert len(said) == 1 and "mode collapse" in said[0]


def test_all_of_the_rings_modes_are_fine() -> None:
    ring = ring_of_dots()
    watch, said = watch_of(ring, ring.in_memory(), classes=False)
    for position in range(10_000, 60_000, 5_000):
        watch.look(position)
    assert said == []


def test_rescue_begins_more_and_more_anew_at_most_three_times_and_waits_after_each() -> None:
    digits = digits_set()
    watch, said = watch_of(digits, digits.in_memory()[:1], classes=True, rescue=True)
    for position in range(10_000, 75_000, 5_000):
        watch.look(position)
    rescues = [told for told in watch.troubles if "rescued_with" in told]
    assert [told["images"] for told in rescues] == [15_000, 35_000, 55_000]
    assert [told["renewed"] for told in rescues] == 3 * [["generator", "discriminator"]]  # it draws one image
    assert len(said) == 3 and "continuing with a new generator and a new discriminator, with adversarial.o" in said[0]
    assert watch.task.config.objective == "relativistic-pairing"
    assert watch.task.optimizers["generator"].defaults["lr"] == AdversarialConfig().learning_rate / 4

    again, _ = watch_of(digits, digits.in_memory()[:1], classes=True, rescue=True)
    again.restore(watch.state())
    assert again.task.config == watch.task.config and again.state() == watch.state()
    assert [task._average_decay(56_000, 16, False) for task in (again.task, watch.task)] == 2 * [0.5 ** (16 / 50.8)]


def test_a_generator_that_draws_something_is_kept_at_first() -> None:
    digits = digits_set()
    zeros = digits.in_memory()[digits.require_labels() == 0]
    watch, said = watch_of(digits, zeros, classes=False, rescue=True)
    for position in (10_000, 15_000, 30_000, 35_000, 50_000, 55_000):
        watch.look(position)
    assert "continuing with a new discriminator, with adversarial.objective=" in said[0]
    assert said[1].endswith("continuing with a new generator and a new discriminator")  # in the same game
    assert said[2].endswith("with adversarial.learning_rate=0.00025 adversarial.discriminator_learning_rate=0.00025")


def test_large_batches_are_waited_for_after_a_rescue() -> None:
    digits = digits_set()
    watch, _ = watch_of(digits, digits.in_memory()[:1], classes=True, rescue=True)
    watch.task.batch = 128
    for position in (10_000, 15_000, 105_000, 110_000, 115_000, 120_000):
        watch.look(position)
    assert [told["images"] for told in watch.troubles] == [15_000, 120_000]  # 15,000 + 750 * 128 is 111,000


def test_nothing_begins_anew_where_too_little_of_the_budget_is_left() -> None:
    digits = digits_set()
    watch, said = watch_of(digits, digits.in_memory()[:1], classes=True, rescue=True)
    watch.budget = 24_999
    watch.look(10_000)
    watch.look(15_000)
    assert ["rescued_with" in told for told in watch.troubles] == [False]
    assert "; try --set adversarial.objective=" in said[0] and "rescue" not in said[0]


def small_task(seed: int = 0, **settings: Any) -> AdversarialTask:
    gan = GANConfig(height=8, width=8, channels=1, network={"name": "dcgan", "base": 4, "latent": 6, "embedding": 3})
    config = AdversarialConfig(stabilizers=StabilizerConfig(freeze_above=0.9), **settings)
    return AdversarialTask(gan, config, batch=8, seed=seed, device=torch.device("cpu"), precision="fp32")


def state_of_task(task: AdversarialTask) -> dict[str, torch.Tensor]:
    return {f"{name}.{key}": v.clone() for name, net in task.modules.items() for key, v in net.state_dict().items()}


def a_few_updates(task: AdversarialTask, position: int) -> None:
    images = torch.randint(0, 255, (8, 1, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(position))
    for start in range(position, position + 24, 8):
        task.update(Batch(images, None), start)


def equal(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor], part: str) -> bool:
    return all(torch.equal(a[key], b[key]) for key in a if key.startswith(f"{part}."))


def test_what_begins_anew_is_a_function_of_seed_and_position_and_of_nothing_before() -> None:
    """So are the updates after it: moments, running statistics and the discriminator's accuracy are forgotten."""
    travelled, fresh = small_task(), small_task()
    a_few_updates(travelled, 0)
    assert travelled.optimizers["generator"].state
    travelled.freeze.accuracy.fill_(0.8)
    for task in (travelled, fresh):
        task.renew(64, generator=True)
        a_few_updates(task, 64)
    ends = [state_of_task(task) for task in (travelled, fresh)]
    assert all(torch.equal(ends[0][key], ends[1][key]) for key in ends[0])

    starts = []
    for seed, position in ((0, 64), (0, 72), (1, 64)):
        task = small_task(seed)
        task.renew(position, generator=True)
        starts.append(state_of_task(task))
    first = state_of_task(small_task())
    assert not any(equal(starts[0], other, net) for other in (*starts[1:], first) for net in ("generator", "average"))
    assert not any(equal(starts[0], other, "discriminator") for other in (*starts[1:], first))


def test_a_generator_that_is_kept_begins_its_average_with_itself() -> None:
    task = small_task()
    a_few_updates(task, 0)
    before = state_of_task(task)
    task.renew(64, generator=False)
    after = state_of_task(task)
    assert equal(before, after, "generator") and not equal(before, after, "discriminator")
    assert all(torch.equal(after[f"average.{key}"], v) for key, v in task.generator.state_dict().items())
    assert not any(optimizer.state for optimizer in task.optimizers.values())


def test_the_changed_game_has_its_own_momentum_and_clipping_and_its_discriminator_rests_no_more() -> None:
    task = small_task(objective="minimax", beta1=0.9)
    task.freeze.accuracy.fill_(1.0)
    assert task.freeze.rests(64)
    task.adopt(changed_config(task.config, remedy(Problem.COLLAPSE, task.config)), average_since=64)
    assert not task.freeze.rests(64) and task.config.stabilizers.clip_gradients == 5
    assert {group["betas"] for each in task.optimizers.values() for group in each.param_groups} == {(0.5, 0.99)}


def test_going_back_before_a_rescue_takes_the_rescue_back() -> None:
    digits = digits_set()
    watch, _ = watch_of(digits, digits.in_memory()[:1], classes=True, rescue=True)
    watch.look(10_000)
    before = watch.state()
    watch.look(15_000)
    assert before["troubles"] == [] and watch.task.config.objective == "relativistic-pairing"
    watch.restore(before)
    assert watch.task.config.objective == "hinge" and watch.task.config.penalties.r1 == 0


def test_tiny_sets_are_not_watched() -> None:
    watch, said = watch_of(digits_set().take(range(39)), np.zeros((1, 8, 8, 1), np.uint8), classes=True)
    assert watch.look(10_000) == {} and said == []


COLLAPSING = {"conditional": False, "loop.checkpoint_every": 20_000, "loop.keep": 9}


def looks_of(run: RunDirectory) -> list[dict[str, Any]]:
    return [line for line in read_lines(run.metrics) if "watch_modes" in line]


def test_a_run_that_collapses_is_called_within_30000_images(tmp_path: Path) -> None:
    said: list[str] = []
    run = train("digits", preset="mlp-cnn", images=30_000, settings=COLLAPSING, out=tmp_path / "run", say=said.append)
    assert any(": mode collapse: " in line for line in said)
    assert "mode collapse" in run.log.read_text()
    collapse = collapse_of(run)
    assert collapse is not None and (collapse.trouble, collapse.images) == ("mode collapse", 30_000)
    assert collapse.modes < 0.25 or collapse.diversity < 0.15
    assert collapse.sentence == said[-1] and "Train again with: --set adversarial.objective=" in said[-1]
    assert state_of(run) == "collapsed" and Runs(tmp_path).listed()[0]["state"] == "collapsed"
    assert collapse.sentence in (run.path / "README.md").read_text(encoding="utf-8")
    page = write_report(run.path).read_text(encoding="utf-8")
    assert ">collapsed</p>" in page and "the generated images cover" in page
    assert "已崩溃" in write_report(run.path, language="zh").read_text(encoding="utf-8")
    assert [line["images"] for line in looks_of(run)] == [5_120, 10_112, 15_104, 20_096, 25_088, 30_000]


def test_a_rescued_run_resumes_to_the_bit(tmp_path: Path) -> None:
    """From a checkpoint before the rescue, and from one after it: what began anew must be in it."""
    settings = COLLAPSING | {"loop.checkpoint_every": 8_000, "network.base": 16}
    run = train("digits", preset="mlp-cnn", images=25_200, settings=settings, out=tmp_path / "run", rescue=True)
    assert "at 15,104 images: mode collapse" in run.log.read_text() and "a new discriminator" in run.log.read_text()
    expected, seen = weights(run), looks_of(run)
    for left in (16_000, 8_064):
        for checkpoint in run.checkpoints.glob("images-*"):
            if int(checkpoint.name.partition("-")[2]) > left:
                shutil.rmtree(checkpoint)
        run.summary.unlink()
        resumed = resume(run.path)
        assert looks_of(resumed) == seen
        found = weights(resumed)
        assert all(torch.equal(expected[key], found[key]) for key in expected)


def test_a_healthy_run_hears_nothing(tmp_path: Path) -> None:
    said: list[str] = []
    settings = {"loop.watch_every": 1_000, "network.base": 16}
    run = train("digits", images=8_000, settings=settings, out=tmp_path / "run", say=said.append)
    assert not any("--set" in line for line in said)
    assert collapse_of(run) is None and state_of(run) == "finished"


def test_a_training_is_judged_by_what_it_ends_with() -> None:
    digits = digits_set()
    watch, _ = watch_of(digits, digits.in_memory()[:1], classes=True)
    for position in (5_000, 10_000, 15_000):
        watch.look(position)
    assert watch.collapse is not None and watch.collapse.trouble == "mode collapse"
    assert isinstance(watch.task, Repeating)
    watch.task.bank = digits.in_memory()
    watch.look(17_000)  # too near to the last to be judged, and still what the training ends with
    assert watch.collapse is None
    watch.task.bank = digits.in_memory()[:1]
    watch.look(18_000)
    assert watch.collapse is not None and watch.collapse.images == 18_000
    again, _ = watch_of(digits, digits.in_memory()[:1], classes=True)
    again.restore(watch.state())
    assert again.collapse == watch.collapse


def test_nothing_has_collapsed_before_10000_images_nor_of_tiny_sets() -> None:
    digits = digits_set()
    for images, positions in ((digits, (4_000, 9_999)), (digits.take(range(39)), (10_000, 20_000))):
        watch, _ = watch_of(images, digits.in_memory()[:1], classes=True)
        for position in positions:
            watch.look(position)
        assert watch.collapse is None


def test_a_discriminator_that_has_won_is_said_with_its_own_figures() -> None:
    told = Collapse(
        trouble=str(Problem.DISCRIMINATOR_WON),
        images=60_000,
        modes=0.4,
        diversity=1.5,
        precision=0.0,
        told_apart=1.0,
        settings={"adversarial.discriminator_learning_rate": 2.5e-4},
    )
    assert collapse_in({"collapse": told.model_dump()}) == told
    assert "at 60,000 images seen, discriminator accuracy is 100.0% and 0% of the" in told.sentence
    assert told.sentence.endswith("--set adversarial.discriminator_learning_rate=0.00025")
    assert set(SENTENCES) == set(map(str, Problem))
    assert collapse_in({"collapse": {"trouble": 3}}) is None and collapse_in({}) is None
