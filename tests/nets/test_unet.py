"""The U-Net and the patch discriminator: any size, what is known stays near, and how far a place looks."""

import pytest
import torch

from elmyr.nets import PatchDiscriminator, UNet


def net_of(widths: tuple[int, ...] = (8, 12), noise: int = 4, channels: int = 1) -> UNet:
    torch.manual_seed(0)
    net = UNet(channels, widths, 2, noise).double()
    for parameter in net.parameters():  # the blocks' last convolutions begin at zero, which would hide their reach
        torch.nn.init.normal_(parameter, std=0.2)
    return net.eval()


def nothing_hidden(images: torch.Tensor) -> torch.Tensor:
    return torch.zeros_like(images[:, :1], dtype=torch.bool)


@pytest.mark.parametrize("widths", [(8, 12), (4, 8, 8)])
@pytest.mark.parametrize(("height", "width", "channels"), [(8, 8, 1), (28, 28, 1), (9, 23, 3), (1, 5, 1)])
def test_the_answer_has_the_size_of_the_image(widths: tuple[int, ...], height: int, width: int, channels: int) -> None:
    images = torch.randn(2, channels, height, width, dtype=torch.float64)
    answer = net_of(widths, channels=channels)(images, nothing_hidden(images), torch.randn(2, 4).double())
    assert answer.shape == images.shape and answer.isfinite().all()


@pytest.mark.parametrize("widths", [(8, 12), (4, 8, 8)])
def test_no_place_looks_further_than_the_reach(widths: tuple[int, ...]) -> None:
    net = net_of(widths)
    side = 2 * (net.reach + 2 * net.multiple)
    images = torch.randn(1, 1, side, side, dtype=torch.float64, requires_grad=True)
    answer = net(images, nothing_hidden(images))
    farthest = 0
    for row in range(side // 2, side // 2 + net.multiple):
        (gradient,) = torch.autograd.grad(answer[0, 0, row, row], images, retain_graph=True)
        rows = gradient[0, 0].abs().amax(1).nonzero().flatten()
        farthest = max(farthest, int((rows - row).abs().max()))
    assert farthest <= net.reach <= farthest + net.multiple


def test_hidden_pixels_do_not_count() -> None:
    net, images = net_of(), torch.randn(2, 1, 12, 12, dtype=torch.float64)
    masks = nothing_hidden(images)
    masks[:, :, 3:8, 2:9] = True
    other = torch.where(masks, 7.0, images)
    assert torch.equal(net(images, masks), net(other, masks))
    assert not torch.equal(net(images, ~masks), net(other, ~masks))


def test_noise_changes_the_answer_and_its_absence_is_noise_of_zeros() -> None:
    net, images = net_of(), torch.randn(2, 1, 12, 12, dtype=torch.float64)
    masks = nothing_hidden(images)
    middle = net(images, masks)
    assert torch.equal(middle, net(images, masks, torch.zeros(2, 4).double()))
    assert not torch.allclose(middle, net(images, masks, torch.randn(2, 4).double()))


def test_the_discriminator_gives_a_logit_for_each_four_pixels_and_sees_the_condition() -> None:
    torch.manual_seed(0)
    net = PatchDiscriminator(3, 4, 8).eval()
    images, condition = torch.randn(2, 3, 28, 24), torch.randn(2, 4, 28, 24)
    logits = net(images, condition)
    assert logits.shape == (2, 7 * 6)
    assert not torch.equal(logits, net(images, condition.roll(1, 0)))
