import numpy as np
import pytest
import torch

from elmyr.core.errors import InputError
from elmyr.nets import PAIRS, NetworkConfig
from elmyr.tasks.gan.editing import between
from elmyr.tasks.gan.model import GAN, CodeConfig, GANConfig

SIZES = {"dcgan64": 64}


def new_gan(name: str = "residual", classes: tuple[str, ...] = ("a", "b", "c"), **more: object) -> GAN:
    side = SIZES.get(name, 8)
    network = NetworkConfig(name=name, base=8, latent=32, embedding=8)
    config = GANConfig(height=side, width=side, channels=1, classes=classes, network=network, **more)  # type: ignore[arg-type]
    torch.manual_seed(0)
    generator, discriminator = config.build()
    for parameter in generator.parameters():  # beyond what new networks draw, so that all images differ
        parameter.data += 0.05 * torch.randn_like(parameter)
    return GAN(config, generator, discriminator, device="cpu", precision="fp32")


@pytest.mark.parametrize("name", sorted(PAIRS))
def test_the_ends_are_the_samples_to_the_bit_and_between_them_lies_something_else(name: str) -> None:
    gan = new_gan(name)
    walk = between(gan, from_seed=3, to_seed=5, from_class="a", to_class=2, steps=5)
    assert np.array_equal(walk.images[0], gan.sample(1, seed=3, label="a").images[0])
    assert np.array_equal(walk.images[4], gan.sample(1, seed=5, label="c").images[0])
    assert walk.require_labels().tolist() == [0, 0, 0, 2, 2]
    assert all(not np.array_equal(walk.images[k], walk.images[k + 1]) for k in range(4))


def test_without_a_class_the_ends_are_what_the_seeds_give() -> None:
    for classes in ((), ("a", "b")):
        gan = new_gan(classes=classes, **({"class_counts": (1, 9)} if classes else {}))
        walk = between(gan, from_seed=1, to_seed=2, steps=3)
        for place, seed in ((0, 1), (2, 2)):
            assert np.array_equal(walk.images[place], gan.sample(1, seed=seed).images[0])


def test_the_class_changes_on_a_line_and_the_network_is_left_as_it_was() -> None:
    gan = new_gan()
    seen: list[torch.Tensor] = []
    table = gan.generator.class_embedding
    assert isinstance(table, torch.nn.Embedding)
    handle = gan.generator.root.register_forward_pre_hook(lambda _, given: seen.append(given[0].clone()))  # type: ignore[union-attr,operator]
    between(gan, from_seed=0, to_seed=0, from_class=0, to_class=1, steps=5)
    handle.remove()
    vectors = seen[0][:5, 32:]
    for place, share in enumerate((0, 0.25, 0.5, 0.75, 1)):
        torch.testing.assert_close(vectors[place], (1 - share) * table.weight[0] + share * table.weight[1])
    assert not table._forward_hooks


def test_latents_walk_on_an_arc_and_keep_their_length() -> None:
    gan = new_gan(classes=())
    seen: list[torch.Tensor] = []
    gan.make = lambda latents, labels: seen.append(latents) or np.zeros((len(latents), 8, 8, 1), np.uint8)  # type: ignore[method-assign,assignment,return-value,func-returns-value]
    between(gan, from_seed=0, to_seed=1, steps=9)
    walked = seen[0][:9]
    lengths = walked.norm(dim=1)
    torch.testing.assert_close(lengths, torch.linspace(float(lengths[0]), float(lengths[-1]), 9))
    turns = [torch.cosine_similarity(walked[k], walked[k + 1], dim=0) for k in range(8)]
    torch.testing.assert_close(torch.stack(turns), turns[0].expand(8), atol=1e-5, rtol=0)


def test_a_code_goes_straight() -> None:
    gan = new_gan(classes=(), code=CodeConfig(categories=3, values=1))
    seen: list[torch.Tensor] = []
    gan.make = lambda latents, labels: seen.append(latents) or np.zeros((len(latents), 8, 8, 1), np.uint8)  # type: ignore[method-assign,assignment,return-value,func-returns-value]
    between(gan, from_seed=0, to_seed=4, steps=3)
    codes = seen[0][:3, :4]
    torch.testing.assert_close(codes[1], (codes[0] + codes[2]) / 2)


def test_the_same_seed_twice_stays_where_it_is() -> None:
    gan = new_gan()
    walk = between(gan, from_seed=7, to_seed=7, from_class=1, to_class=1, steps=4)
    assert all(np.array_equal(walk.images[0], image) for image in walk.images)


def test_what_cannot_be_walked_is_refused() -> None:
    for steps in (1, 251):
        with pytest.raises(InputError, match="steps are asked for"):
            between(new_gan(), steps=steps)
    with pytest.raises(InputError, match="no class 'z'"):
        between(new_gan(), to_class="z")
    with pytest.raises(InputError, match="has no classes"):
        between(new_gan(classes=()), from_class="a")
