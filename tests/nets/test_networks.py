"""What every pair promises, whichever it is: the contract that `tasks/gan/model.py` and the trainer rely on."""

from copy import deepcopy

import pytest
import safetensors.torch
import torch
from torch import nn

from elmyr.core.errors import InputError
from elmyr.losses.penalties import squared_gradient_norm
from elmyr.nets import PAIRS, Shape

LATENT = 6
TAKES = {"dcgan64": (32, 64)}  # the others take all four sizes
SIZES = (8, 28, 32, 64)
# No gradient reaches these at the start, because what comes after them starts at zero.
BEHIND_ZEROS = {
    "residual": (".first.",),
    "biggan-lite": tuple(f"attention.{x}" for x in ("q", "k", "v", "o")),
    "r3gan": (".expand.", ".grouped.", ".biases."),
}
NORMALIZES_BATCHES = {"dcgan", "dcgan64", "biggan-lite"}

every_pair = pytest.mark.parametrize("name", PAIRS)


def pair(
    name: str, size: int | tuple[int, int] = 32, channels: int = 3, classes: int = 4, base: int = 4
) -> tuple[nn.Module, nn.Module]:
    torch.manual_seed(5)
    height, width = (size, size) if isinstance(size, int) else size
    if name == "mlp":
        base *= 4  # its narrowest layer: four units with ReLU may all be dark
    return PAIRS[name].networks(
        Shape(channels, height, width), classes, {"base": base, "latent": LATENT, "embedding": 3}
    )


def inputs(n: int, classes: int = 4) -> tuple[torch.Tensor, torch.Tensor | None]:
    latents = torch.randn(n, LATENT, generator=torch.Generator().manual_seed(7))
    return latents, torch.arange(n) % classes if classes else None


def silent(net: nn.Module) -> set[str]:
    """The names of the weights without a gradient, or with one of zeros; all gradients must be finite."""
    named = dict(net.named_parameters())
    assert all(p.grad.isfinite().all() for p in named.values() if p.grad is not None)
    return {name for name, p in named.items() if p.grad is None or not p.grad.any()}


def expected_silent(name: str, net: nn.Module) -> set[str]:
    return {key for key, _ in net.named_parameters() if any(part in key for part in BEHIND_ZEROS.get(name, ()))}


@every_pair
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("classes", [0, 4])
@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_images_logits_and_gradients_have_their_shapes_and_are_finite(
    name: str, size: int, channels: int, classes: int, precision: torch.dtype
) -> None:
    if size not in TAKES.get(name, SIZES):
        with pytest.raises(InputError, match=f"^network '{name}' takes .* not {size}x{size}: pass --size .*$"):
            pair(name, size, channels, classes)
        return
    generator, discriminator = pair(name, size, channels, classes)
    for n in (1, 7):
        for net in (generator, discriminator):
            net.train(n > 1 or name not in NORMALIZES_BATCHES)
            net.zero_grad(set_to_none=True)
        latents, labels = inputs(n, classes)
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == torch.bfloat16):
            images = generator(latents, labels)
            logits = discriminator(images, labels)
        assert images.shape == (n, channels, size, size) and images.isfinite().all()
        assert logits.shape == (n,) and logits.isfinite().all()
        (logits.float() * torch.linspace(-1, 2, n)).sum().backward()
        if n > 1:  # a single image may leave a unit of these small nets dark
            for net in (generator, discriminator):
                assert silent(net) == expected_silent(name, net)


@every_pair
def test_what_is_silent_at_the_start_is_so_only_because_of_zeros(name: str) -> None:
    generator, discriminator = pair(name)
    with torch.no_grad():
        for weight in (*generator.parameters(), *discriminator.parameters()):
            if not weight.any():
                weight.add_(0.1)
    latents, labels = inputs(7)
    discriminator(generator(latents, labels), labels).square().sum().backward()
    assert not silent(generator) and not silent(discriminator)


@every_pair
def test_images_that_are_not_square_are_taken_too(name: str) -> None:
    generator, discriminator = pair(name, (32, 48), 1)
    latents, labels = inputs(2)
    images = generator(latents, labels)
    assert images.shape == (2, 1, 32, 48)
    assert discriminator(images, labels).shape == (2,)


@every_pair
@pytest.mark.parametrize("size", [(9, 13), (30, 30), (34, 28)])
def test_odd_sizes_are_taken_or_refused_in_one_line_with_the_mend(name: str, size: tuple[int, int]) -> None:
    if name in {"dcgan", "dcgan64", "joined", "biggan-lite", "style"}:
        with pytest.raises(InputError, match="multiples of .* pass --size") as refusal:
            pair(name, size)
        assert "\n" not in str(refusal.value)
        return
    generator, discriminator = pair(name, size)
    latents, labels = inputs(2)
    assert discriminator(generator(latents, labels), labels).isfinite().all()


# Standard deviation of a new pair's images and logits: base 16, 32 latents, seeds 0 to 3, 32x32 and 64x64, give or take
# a half. Glorot's start leaves the dense generators faint; StyleGAN2 adds a variance of 1 at each of its sizes.
SPREADS = {
    "residual": ((0.1, 0.35), (0.001, 0.02)),
    "mlp": ((0.004, 0.05), (0.001, 0.02)),
    "dcgan": ((0.25, 0.6), (0.05, 0.2)),
    "mlp-cnn": ((0.02, 0.15), (0.004, 0.05)),
    "joined": ((0.02, 0.13), (0.004, 0.05)),
    "dcgan64": ((0.25, 0.6), (0.02, 0.15)),
    "classic": ((0.02, 0.15), (0.003, 0.04)),
    "biggan-lite": ((0.25, 0.9), (0.3, 8.0)),
    "style": ((0.7, 3.0), (0.15, 3.0)),
    "r3gan": ((0.25, 1.1), (0.1, 1.2)),
}


@every_pair
def test_new_networks_start_neither_dark_nor_saturated(name: str) -> None:
    (least, most), (least_logit, most_logit) = SPREADS[name]
    torch.manual_seed(11)
    generator, discriminator = PAIRS[name].networks(Shape(3, 32, 32), 4, {"base": 16, "latent": 32, "embedding": 8})
    latents, labels = torch.randn(32, 32), torch.arange(32) % 4
    images = generator(latents, labels)
    assert least < images.std() < most
    assert images.std(0).mean() > images.std() / 2  # it is the latents that make most of the difference
    assert least_logit < discriminator(images, labels).std() < most_logit


@every_pair
def test_an_image_is_the_same_in_any_company(name: str) -> None:
    generator, discriminator = (net.eval() for net in pair(name))
    latents, labels = inputs(6)
    assert labels is not None
    together = generator(latents, labels)
    alone = generator(latents[2:3], labels[2:3])
    assert torch.allclose(together[2:3], alone, atol=1e-5)
    assert not torch.allclose(together[1:2], alone, atol=1e-3)
    logits = discriminator(together, labels)
    assert torch.allclose(logits[2:3], discriminator(together[2:3], labels[2:3]), atol=1e-4, rtol=1e-4)


@every_pair
def test_labels_matter(name: str) -> None:
    generator, discriminator = (net.eval() for net in pair(name))
    latents = inputs(1)[0].repeat(2, 1)
    labels = torch.tensor([0, 3])
    first, second = generator(latents, labels)
    assert (first - second).abs().max() > 1e-3
    for weight in discriminator.parameters():
        if weight.shape[0:1] == (4,) and not weight.any():  # the vectors of the classes start at zero
            nn.init.normal_(weight)
    logits = discriminator(first.expand(2, -1, -1, -1), labels)
    assert (logits[0] - logits[1]).abs() > 1e-4


@every_pair
def test_weights_survive_a_save_and_a_load(name: str) -> None:
    latents, labels = inputs(3)
    for which, given in enumerate((latents, torch.rand(3, 3, 32, 32) * 2 - 1)):
        net, other = pair(name)[which], pair(name)[which]
        with torch.no_grad():
            for weight in net.parameters():
                weight.add_(0.1 * torch.randn_like(weight))
        net(given, labels)  # so that running statistics have moved
        other.load_state_dict(safetensors.torch.load(safetensors.torch.save(net.state_dict())))
        assert torch.equal(net.eval()(given, labels), other.eval()(given, labels))


@every_pair
def test_a_copy_of_a_network_is_its_own_and_gives_the_same(name: str) -> None:
    latents, labels = inputs(3)
    generator = pair(name)[0].eval()
    copy = deepcopy(generator).requires_grad_(False)
    before = generator(latents, labels)
    assert torch.equal(copy(latents, labels), before)
    with torch.no_grad():
        for weight in copy.parameters():
            weight.mul_(1.5)
    assert torch.equal(generator(latents, labels), before)


@every_pair
def test_channels_last_changes_nothing(name: str) -> None:
    latents, labels = inputs(3)
    generator, discriminator = (net.eval() for net in pair(name))
    images = generator(latents, labels)
    logits = discriminator(images, labels)
    for net in (generator, discriminator):
        net.to(memory_format=torch.channels_last)
    assert torch.allclose(generator(latents, labels), images, atol=1e-5)
    images = images.contiguous(memory_format=torch.channels_last)
    assert torch.allclose(discriminator(images, labels), logits, atol=1e-4, rtol=1e-4)


@every_pair
def test_a_gradient_penalty_reaches_the_discriminators_weights(name: str) -> None:
    _, discriminator = pair(name)
    images = (torch.rand(4, 3, 32, 32) * 2 - 1).requires_grad_()
    penalties = squared_gradient_norm(discriminator(images, torch.arange(4)), images)
    assert penalties.shape == (4,) and (penalties > 0).all()
    penalties.sum().backward()
    gradients = [p.grad for p in discriminator.parameters() if p.grad is not None]
    assert all(gradient.isfinite().all() for gradient in gradients)
    assert sum(bool(gradient.any()) for gradient in gradients) >= 3


@every_pair
def test_base_makes_a_network_wider_and_no_weight_is_there_twice(name: str) -> None:
    for narrow, wide in zip(pair(name), pair(name, base=8), strict=True):
        counts = [sum(p.numel() for p in net.parameters()) for net in (narrow, wide)]
        assert counts[1] > 1.3 * counts[0]
        assert len({p.data_ptr() for p in narrow.parameters()}) == len(list(narrow.parameters()))


# Standard deviation of a new generator's pixels, and the largest logit of a new discriminator on noise, over all sizes.
# StyleGAN2's generator ends without a tanh in layers of unit variance, BigGAN's discriminator sums over the places.
PIXELS = {"style": (0.8, 2.5)}
LOGITS = {"biggan-lite": 15.0}


@every_pair
@pytest.mark.parametrize("channels", [1, 3])
def test_a_new_generator_draws_neither_nothing_nor_noise_out_of_range(name: str, channels: int) -> None:
    for size in TAKES.get(name, SIZES):
        torch.manual_seed(5)
        generator, discriminator = PAIRS[name].networks(
            Shape(channels, size, size), 4, {"base": 32, "latent": 64, "embedding": 16}
        )
        with torch.no_grad():
            images = generator(torch.randn(64, 64), torch.arange(64) % 4)
            logits = discriminator(2 * torch.rand(64, channels, size, size) - 1, torch.arange(64) % 4)
        low, high = PIXELS.get(name, (0.01, 0.8))
        assert low < images.std() < high, (size, images.std())
        assert logits.abs().max() < LOGITS.get(name, 3.0), (size, logits.abs().max())
