"""Every preset and every choice of the game: trains, changes what it says, and resumes to the bit."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from elmyr import GAN, Shaping, train
from elmyr.core import seeds
from elmyr.core.errors import InputError
from elmyr.core.files import read_lines
from elmyr.engine import RunDirectory, resume
from elmyr.engine.data import ResidentData
from elmyr.engine.saving.checkpoint import latest_checkpoint
from elmyr.engine.saving.run_directory import position_of
from elmyr.engine.spec import Asked
from elmyr.images import save_npz
from elmyr.losses.objectives import OBJECTIVES
from elmyr.nets import class_embeddings
from elmyr.tasks.gan.augmented_view import within_range
from elmyr.tasks.gan.checkpoints import open_gan
from elmyr.tasks.gan.config import adversarial_config, choices_of, gan_config, settled_choices
from elmyr.tasks.gan.plan import GANAsk, parts_of, plan_of
from elmyr.tasks.gan.presets import preset_names, read_preset
from elmyr.tasks.gan.stabilizers import Freeze, StabilizerConfig, faded_noise
from elmyr.tasks.gan.task import AdversarialTask
from tests.conftest import small_image_set

CPU = torch.device("cpu")
TINY = {"network.base": 8, "network.latent": 16, "network.embedding": 4, "batch": 16}
OFTEN = {"loop.checkpoint_every": 80, "loop.keep": 9}
OPTIONS: dict[str, dict[str, Any]] = {
    "smoothing": {"adversarial.label_smoothing": 0.1},
    "two rates": {"adversarial.discriminator_learning_rate": 3e-3},
    "three steps": {"adversarial.discriminator_steps": 3},
    "gradient penalty": {"penalties.wgan_gp": 10},
    "dragan": {"penalties.dragan": 10},
    "consistency": {"penalties.consistency": 10},
    "lecam": {"penalties.lecam": 0.3},
    "weights": {"penalties.weight_l1": 1e-5, "penalties.weight_l2": 1e-4},
    "noise": {"stabilizers.instance_noise": 0.1},
    "clipping": {"stabilizers.clip_gradients": 1.0, "stabilizers.clip_weights": 0.1},
    "augmentation": {"augmentation.probability": 0.5},
    "adaptive augmentation": {
        "augmentation.adaptive": True,
        "augmentation.probability": 0.2,
        "augmentation.ramp": 2000,
    },
    "reading the class": {"auxiliary.classification": 1.0},
    "only reading the class": {"auxiliary.classification": 1.0, "projection": False},
    "a code": {"conditional": False, "code.categories": 4, "code.values": 1, "auxiliary.information": 1.0},
    "freezing": {"stabilizers.freeze_above": 0.501},
    "accumulation": {"adversarial.microbatch": 5},
    "turning conditional": {"adversarial.conditional_after": 96},
}


def tiny_run(folder: Path, name: str, *, preset: str = "residual", **settings: Any) -> RunDirectory:
    data = folder / "blobs.npz"
    if not data.exists():
        save_npz(small_image_set(120), data)
    return train(
        data, out=folder / name, preset=preset, images=241, settings=TINY | settings, shaping=Shaping(size=(16, 16))
    )


def weights(run: RunDirectory) -> dict[str, torch.Tensor]:
    path = latest_checkpoint(run.checkpoints)
    assert path is not None
    return {
        f"{file.stem}/{key}": tensor.clone()
        for file in sorted(path.glob("*.safetensors"))
        for key, tensor in load_file(file).items()
    }


def forget_all_but_the_first_checkpoint(run: RunDirectory) -> None:
    first, *others = sorted(run.checkpoints.glob("images-*"))
    for checkpoint in others:
        shutil.rmtree(checkpoint)
    (run.checkpoints / "latest").write_text(f"{first.name}\n")
    run.summary.unlink()


@pytest.mark.parametrize("preset", preset_names())
def test_every_preset_trains_samples_and_discriminates(tmp_path: Path, preset: str) -> None:
    run = tiny_run(tmp_path, "run", preset=preset, **{"network.latent": 24})  # some presets predict 16 of its entries
    assert all(np.isfinite(value).all() for line in read_lines(run.metrics) for value in line.values())
    gan = GAN.load(run.path)
    samples = gan.sample(30)
    assert samples.images.shape == (30, 16, 16, 1)
    assert samples.images.std() > 0
    assert np.isfinite(gan.discriminate(samples)).all()
    assert (gan.sample(7).images == samples.images[:7]).all()


@pytest.mark.parametrize("preset", preset_names())
def test_every_preset_says_what_it_is_and_when_to_use_it(preset: str) -> None:
    said = read_preset(preset)
    assert len(said["about"]) > 20 and len(said["use"]) > 15
    choices_of(preset, {"penalties.r1": 0.5})


def test_a_preset_like_another_states_only_what_it_does_otherwise() -> None:
    residual, small = read_preset("residual"), read_preset("small")
    assert small["penalties"] == residual["penalties"] and small["batch"] == residual["batch"]
    assert small["augmentation"] == residual["augmentation"] | {"adaptive": True, "ramp": 50_000}
    assert "like" not in small and small["about"] != residual["about"]


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> dict[str, torch.Tensor]:
    """The last weights of the training that the options change."""
    return weights(tiny_run(tmp_path_factory.mktemp("plain"), "run"))


@pytest.mark.parametrize("name", OPTIONS)
def test_every_option_changes_the_training_and_resumes_to_the_bit(
    tmp_path: Path, plain: dict[str, torch.Tensor], name: str
) -> None:
    """The checkpoint carries what the option remembers: averages, accuracies, strengths."""
    run = tiny_run(tmp_path, "run", **OPTIONS[name], **OFTEN)
    changed = weights(run)
    assert any(not torch.equal(plain[key], changed[key]) for key in plain if key.startswith("discriminator/"))
    forget_all_but_the_first_checkpoint(run)
    resumed = weights(resume(run.path))
    assert changed.keys() == resumed.keys()
    assert all(torch.equal(changed[key], resumed[key]) for key in changed)


@pytest.mark.parametrize("preset", ["dcgan", "biggan-lite", "style"])
def test_networks_with_buffers_resume_to_the_bit(tmp_path: Path, preset: str) -> None:
    run = tiny_run(tmp_path, "run", preset=preset, **OFTEN)
    expected = weights(run)
    forget_all_but_the_first_checkpoint(run)
    found = weights(resume(run.path))
    assert all(torch.equal(expected[key], found[key]) for key in expected)


def test_instance_noise_fades_in_a_line_to_nothing() -> None:
    config = StabilizerConfig(instance_noise=0.2, noise_images=1000)
    assert [faded_noise(config, position) for position in (0, 500, 1000, 5000)] == pytest.approx([0.2, 0.1, 0, 0])


def test_the_discriminator_rests_while_it_is_too_often_right_and_from_an_image_on() -> None:
    freeze = Freeze(StabilizerConfig(freeze_above=0.8))
    right, wrong = torch.ones(64), -torch.ones(64)
    assert not freeze.rests(0)
    for _ in range(200):
        freeze.note(right, wrong)
    assert freeze.rests(0)
    for _ in range(100):
        freeze.note(right, right)
    assert not freeze.rests(0)
    assert float(freeze.accuracy) == pytest.approx(0.5, abs=0.1)
    later = Freeze(StabilizerConfig(freeze_after=100))
    assert [later.rests(position) for position in (0, 99, 100, 10_000)] == [False, False, True, True]


def test_a_resting_discriminator_does_not_move(tmp_path: Path) -> None:
    first = tiny_run(tmp_path, "first", **{"stabilizers.freeze_after": 16, "adversarial.ema_half_life": 1})
    second = tiny_run(tmp_path, "second", **{"stabilizers.freeze_after": 16, "loop.decay_from": 0.9})
    one, other = weights(first), weights(second)
    assert all(torch.equal(one[key], other[key]) for key in one if key.startswith("discriminator/"))
    assert any(not torch.equal(one[key], other[key]) for key in one if key.startswith("generator/"))


def test_more_steps_of_the_discriminator_are_fewer_of_the_generator(tmp_path: Path) -> None:
    run = tiny_run(tmp_path, "run", **{"adversarial.discriminator_steps": 3})
    state = weights(run)
    steps = {
        net: next(tensor for key, tensor in state.items() if key.startswith(f"{net}.optimizer/") and "step" in key)
        for net in ("generator", "discriminator")
    }
    assert (float(steps["discriminator"]), float(steps["generator"])) == (16, 6)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"adversarial.objective": "hinge", "adversarial.label_smoothing": 0.1}, "no target to smooth"),
        ({"adversarial.label_smoothing": 0.7}, "label_smoothing is 0.7"),
        ({"augmentation.probability": 2}, "probability is 2"),
        ({"class_balance": 2}, "class_balance is 2: it is a number from 0"),
        ({"penalties.every": 0}, "every is 0"),
        ({"stabilizers.freeze_above": 1.5}, "freeze_above is 1.5"),
        ({"network.name": "dcgan", "network.base": 0}, "base is 0"),
        ({"conditional": False, "auxiliary.classification": 1}, "needs classes"),
        ({"conditional": False, "adversarial.conditional_after": 9}, "conditional_after needs classes"),
        ({"network.name": "biggan-lite", "adversarial.conditional_after": 9}, "cannot fade in"),
        ({"adversarial.conditional_after": 150}, "in full after twice as many images: the budget is 241"),
        ({"auxiliary.information": 1}, "needs a code"),
        ({"code.values": 2}, "does not predict"),
        ({"projection": False, "auxiliary.classification": 0}, "nothing would teach the classes"),
        ({"code.categories": 1, "auxiliary.information": 1}, "from 2 on"),
    ],
)
def test_what_makes_no_game_is_refused_before_anything_is_written(
    tmp_path: Path, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        tiny_run(tmp_path, "run", **settings)
    assert not (tmp_path / "run").exists()


def test_the_class_begins_to_count_after_so_many_images_and_counts_in_full_after_twice_as_many() -> None:
    images = small_image_set(20, size=16)
    choices = settled_choices("residual", TINY | {"adversarial.conditional_after": 64}, images)
    task = AdversarialTask(
        gan_config(choices, images), adversarial_config(choices), batch=16, seed=0, device=CPU, precision="fp32"
    )
    data = ResidentData(images, seed=0, device=CPU)
    latents, first, second = torch.randn(4, 16), torch.zeros(4, dtype=torch.int64), torch.ones(4, dtype=torch.int64)
    pictures = torch.randn(4, 1, 16, 16)
    heeded = []
    for position in range(0, 160, 16):
        task.update(data.batch(position, 16), position)
        made, judged = (
            [net(given, labels) for labels in (first, second)]
            for net, given in ((task.average, latents), (task.discriminator, pictures))
        )
        heeded.append((not torch.equal(*made), not torch.equal(*judged), task.generator.class_embedding.strength))
    assert heeded[:5] == [(False, False, 0.0)] * 5  # the fifth begins at 64
    assert [each[:2] for each in heeded[5:]] == [(True, True)] * 5
    assert [each[2] for each in heeded[5:]] == [0.25, 0.5, 0.75, 1.0, 1.0]


def test_a_code_is_learned_from_the_first_image_on_and_the_class_when_it_counts() -> None:
    images = small_image_set(20, size=16)
    game = {"auxiliary.information": 1, "code.values": 2, "auxiliary.classification": 1}
    choices = settled_choices("residual", TINY | game | {"adversarial.conditional_after": 64}, images)
    task = AdversarialTask(
        gan_config(choices, images), adversarial_config(choices), batch=16, seed=0, device=CPU, precision="fp32"
    )
    features, latents = torch.randn(16, task.discriminator.width), task.gan.latents(16, seeds.generator(0, "latents"))
    labels, asked = torch.zeros(16, dtype=torch.int64), task.questions
    code = asked.loss(features, labels, latents, of_class=0.0)[0]
    both = asked.loss(features, labels, latents)[0]
    assert code > 0 and both > code and asked.loss(features, labels, latents, of_class=0.5)[0] == (code + both) / 2
    seen: list[float] = []
    loss = asked.loss
    asked.loss = lambda *of, **how: seen.append(how.get("of_class", 1.0)) or loss(*of, **how)  # type: ignore[method-assign]
    task.update(ResidentData(images, seed=0, device=CPU).batch(0, 16), 0)
    assert seen == [1.0, 0.0]  # of the discriminator, then of the generator: there the code still counts


def test_the_budget_that_minutes_give_says_whether_the_class_is_ever_to_count(blobs_file: Path, tmp_path: Path) -> None:
    images = small_image_set(20, size=16)
    choices = settled_choices("residual", TINY | {"adversarial.conditional_after": 10**9}, images)
    with pytest.raises(InputError, match="the budget is 241, make it larger"):
        parts_of(choices, images, 241)
    assert parts_of(choices, images, 241, known=False)[0]["adversarial"].conditional_after == 10**9
    plan = plan_of(GANAsk(blobs_file, asked=Asked(minutes=1, settings={"adversarial.conditional_after": 10**9})))
    with pytest.raises(InputError, match="the budget is 300, make it larger"):
        plan.with_budget(300)
    assert plan.with_budget(2 * 10**9).config.loop.images == 2 * 10**9


def test_a_checkpoint_heeds_the_class_as_much_as_it_was_trained_to(tmp_path: Path) -> None:
    settings = {"adversarial.conditional_after": 80, "loop.checkpoint_every": 16, "loop.keep": 20}
    run = tiny_run(tmp_path, "turning", **settings).path
    kept = sorted(path for path in (run / "checkpoints").iterdir() if path.stem[-1:].isdigit())
    assert len(kept) > 5
    for checkpoint in kept:
        position = position_of(checkpoint)
        strengths = {each.strength for each in class_embeddings(open_gan(run, checkpoint=str(position)).generator)}
        assert strengths == {min(max(position / 80 - 1, 0.0), 1.0)}
    assert {each.strength for each in class_embeddings(open_gan(run).generator)} == {1.0}


def test_what_is_automatic_follows_from_the_images() -> None:
    small, large = small_image_set(20), small_image_set(20, size=16)
    for images, rate, batch in ((small, 1e-3, 64), (large, 5e-4, 16)):
        choices = settled_choices("residual", {}, images)
        config = adversarial_config(choices)
        assert (config.learning_rate, config.discriminator_learning_rate, choices["batch"]) == (rate, 2 * rate, batch)
    assert adversarial_config(settled_choices("biggan-lite", {}, large)).discriminator_learning_rate == 4e-4


@pytest.mark.parametrize("steps", [1, 3])
def test_the_half_life_of_the_average_is_counted_in_images_whatever_the_steps(tmp_path: Path, steps: int) -> None:
    images = small_image_set(20, size=16)
    config = settled_choices("residual", TINY | {"adversarial.discriminator_steps": steps}, images)
    adversarial = adversarial_config(config)
    task = AdversarialTask(
        gan_config(config, images), adversarial, batch=16, seed=0, device=torch.device("cpu"), precision="fp32"
    )
    position, kept = 16 * 3000, 1.0
    for update in range(600):
        if update % steps == 0:
            kept *= task._average_decay(position + 16 * update, 16, rests=False)
    ramped = adversarial.ema_ramp * (position + 16 * 300)  # the half-life then
    assert kept == pytest.approx(0.5 ** (16 * 600 / min(adversarial.ema_half_life, ramped)), rel=0.15)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_a_discriminator_that_is_always_right_rests_whatever_the_objective(objective: str) -> None:
    images = small_image_set(20, size=16)
    config = settled_choices(
        "residual", TINY | {"adversarial.objective": objective, "stabilizers.freeze_above": 0.8}, images
    )
    task = AdversarialTask(
        gan_config(config, images),
        adversarial_config(config),
        batch=16,
        seed=0,
        device=torch.device("cpu"),
        precision="fp32",
    )
    border = task.objective.border or 0.0
    right, wrong = border + 0.1 + torch.rand(64), border - 0.1 - torch.rand(64)
    for _ in range(200):
        task.freeze.note(*task._judged(right, wrong))
    assert task.freeze.rests(0)
    for _ in range(200):
        task.freeze.note(*task._judged(right, right.flip(0)))
    assert not task.freeze.rests(0)


@pytest.mark.parametrize(
    ("preset", "settings", "message"),
    [
        ("mlp", {"network.blocks": 2}, "has no blocks"),
        ("dcgan", {"batch": 1}, "take 2 or more"),
        ("style", {"batch": 50}, "groups of 4"),
    ],
)
def test_what_a_network_cannot_do_is_refused(
    tmp_path: Path, preset: str, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        tiny_run(tmp_path, "run", preset=preset, **settings)


def test_generated_pixels_outside_the_range_are_clamped_and_can_come_back() -> None:
    """By hand: of pixels at -2, -1, 0, 1 and 2 a gradient reaches those inside, and one outside if descent leads in."""
    pixels = torch.tensor([-2.0, -1, 0, 1, 2])
    for gradient, reached in ((1.0, [0.0, 1, 1, 1, 1]), (-1.0, [-1.0, -1, -1, -1, 0])):
        images = pixels.clone().requires_grad_()
        shown = within_range(images)
        assert shown.tolist() == [-1, -1, 0, 1, 1]
        (gradient * shown).sum().backward()
        assert images.grad is not None and images.grad.tolist() == reached
