"""Pairs of networks: each owns its config, and any two modules make one."""

from collections.abc import Callable, Iterator

import pytest
import torch
from pydantic import ValidationError
from torch import nn

from elmyr.core.errors import InputError
from elmyr.nets import PAIRS, NetworkConfig, Pair, PairConfig, Shape, SizedConfig, network_choices
from elmyr.tasks.gan.model import GAN, GANConfig

Register = Callable[[Pair], GANConfig]


class Linear(nn.Module):
    """From so many entries to a shape, without labels."""

    def __init__(self, entries: int, *shape: int) -> None:
        super().__init__()
        self.shape, self.linear = shape, nn.Linear(entries, torch.Size(shape).numel())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.linear(x.flatten(1))
        return result.reshape(-1, *self.shape)


class Told(nn.Module):
    """Adds a vector of the class to what another network makes."""

    def __init__(self, net: nn.Module, classes: int) -> None:
        super().__init__()
        self.net, self.classes = net, nn.Embedding(classes, 1)

    def forward(self, x: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        made: torch.Tensor = self.net(x)
        return made + self.classes(labels).reshape(-1, *(1 for _ in made.shape[1:]))


class Deep(PairConfig):
    depth: int = 3


@pytest.fixture
def register() -> Iterator[Register]:
    """Adds a pair as 'mine'; gives the config of a GAN of it."""

    def add(pair: Pair, classes: tuple[str, ...] = ()) -> GANConfig:
        PAIRS.add("mine", pair)
        network = NetworkConfig(name="mine", latent=3)
        return GANConfig(height=8, width=9, channels=3, classes=classes, network=network)

    yield add
    if "mine" in PAIRS:
        PAIRS.remove("mine")


def test_two_modules_that_know_nothing_of_labels_make_a_gan(register: Register) -> None:
    config = register(Pair(lambda shape, _, config: (Linear(config.latent, *shape), Linear(216, 1))))
    generator, discriminator = config.build()
    gan = GAN(config, generator, discriminator, device="cpu")
    samples = gan.sample(5)
    assert samples.images.shape == (5, 8, 9, 3)
    logits, features = discriminator.look(torch.zeros(4, 3, 8, 9), None)
    assert logits.shape == (4,) and features.shape == (4, 0) and discriminator.width == 0
    assert gan.discriminate(samples).shape == (5,)


def test_two_modules_that_take_labels_make_a_conditional_gan(register: Register) -> None:
    def build(shape: Shape, classes: int, config: PairConfig) -> tuple[nn.Module, nn.Module]:
        return Told(Linear(config.latent, *shape), classes), Told(Linear(216), classes)

    generator, discriminator = register(Pair(build), ("cat", "dog")).build()  # type: ignore[call-arg]
    zeros, ones = torch.zeros(4, dtype=torch.int64), torch.ones(4, dtype=torch.int64)
    latents = torch.zeros(4, 3)
    assert not torch.equal(generator(latents, zeros), generator(latents, ones))
    images = generator(latents, ones)
    assert discriminator(images, zeros).shape == (4,)
    assert not torch.equal(discriminator(images, zeros), discriminator(images, ones))


def failing(*_: object) -> torch.Tensor:
    raise RuntimeError("mat1 and mat2\ncannot be multiplied")


@pytest.mark.parametrize(
    ("generator", "discriminator", "told"),
    [
        (lambda: Linear(3, 3, 9, 8), lambda: Linear(216, 1), r"images of the shape \(2, 3, 9, 8\).* \(2, 3, 8, 9\)"),
        (lambda: Linear(4, 3, 8, 9), lambda: Linear(216, 1), r"generator fails on an input of the shape \(2, 3\)"),
        (lambda: Linear(3, 3, 8, 9), lambda: Linear(1, 1), r"discriminator fails on an input .*\(RuntimeError: mat1"),
        (lambda: Linear(3, 3, 8, 9), lambda: Linear(216, 5), r"logits of the shape \(2, 5\), they have to be \(2,\)"),
    ],
)
def test_networks_of_other_shapes_are_refused_in_one_line(
    register: Register, generator: Callable[[], nn.Module], discriminator: Callable[[], nn.Module], told: str
) -> None:
    config = register(Pair(lambda *_: (generator(), discriminator())))
    with pytest.raises(InputError, match=f"^network 'mine': its .*{told}") as error:
        config.build()
    assert "\n" not in str(error.value)


def test_networks_without_labels_are_refused_for_classes_with_the_mend(register: Register) -> None:
    pair = Pair(lambda shape, _, config: (Linear(config.latent, *shape), Linear(216, 1)))
    with pytest.raises(InputError, match="network 'mine': the generator takes no labels: pass --set conditional=false"):
        register(pair, ("cat", "dog")).build()  # type: ignore[call-arg]


def test_the_trial_pass_leaves_weights_statistics_and_random_numbers_alone(register: Register) -> None:
    nets: list[nn.Module] = []

    def build(shape: Shape, _: int, config: PairConfig) -> tuple[nn.Module, nn.Module]:
        generator = nn.Sequential(nn.BatchNorm1d(3), nn.Dropout(), Linear(3, *shape))
        nets.append(generator)
        return generator, Linear(216, 1)

    torch.manual_seed(1)
    register(Pair(build)).build()
    drawn = torch.rand(1)
    assert nets[0][0].num_batches_tracked == 0  # type: ignore[index]  # of a Sequential
    torch.manual_seed(1)
    build(Shape(3, 8, 9), 0, PairConfig(latent=3))
    assert torch.equal(torch.rand(1), drawn)


def test_each_pair_has_its_own_options_and_refuses_those_of_others() -> None:
    assert NetworkConfig(name="mlp", base=4).model_dump() == {"name": "mlp", "latent": 64, "base": 4, "embedding": 64}
    assert NetworkConfig(blocks=2).options == {"latent": 64, "base": 64, "embedding": 64, "blocks": 2, "doublings": 1}
    with pytest.raises(ValidationError, match="network 'residual' has no bas: did you mean 'base'"):
        NetworkConfig(bas=4)
    with pytest.raises(ValidationError) as error:
        NetworkConfig(base=0)
    assert error.value.errors()[0]["loc"] == ("base",)


def test_a_config_of_before_opens_though_its_pair_has_no_blocks() -> None:
    before = {"name": "mlp", "base": 32, "blocks": 1, "latent": 100, "embedding": 64}
    assert NetworkConfig.model_validate(before).base == 32
    with pytest.raises(ValidationError, match="network 'mlp' has no blocks: leave network.blocks at 1"):
        NetworkConfig.model_validate(before | {"blocks": 2})


def test_a_preset_s_size_is_for_pairs_of_that_kind_of_size(register: Register) -> None:
    stated = {"name": "residual", "base": "auto", "blocks": 1, "latent": 128, "embedding": 64}
    assert network_choices("dcgan", stated) == stated | {"name": "dcgan"}
    register(Pair(lambda *_: (nn.Identity(), nn.Identity()), Deep))
    assert network_choices("mine", stated) == {"name": "mine", "latent": 64, "depth": 3}
    assert not issubclass(Deep, SizedConfig)


def test_every_option_has_a_default() -> None:
    class Needy(PairConfig):
        depth: int

    with pytest.raises(InputError, match="the option 'depth' of networks has no default"):
        Pair(lambda *_: (nn.Identity(), nn.Identity()), Needy)
