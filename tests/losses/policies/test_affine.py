import torch

from elmyr.losses.policies.affine import random_affine


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_strength_zero_is_the_identity() -> None:
    images = torch.rand(6, 3, 9, 12)
    same = random_affine(images, generator(), rotation=0, scale=0, shear=0, shift=0)
    assert torch.allclose(same, images, atol=1e-5)


def test_each_image_gets_its_own_amounts_and_the_seed_fixes_them() -> None:
    images = torch.rand(1, 1, 8, 8).repeat(4, 1, 1, 1)
    moved = random_affine(images, generator())
    assert torch.equal(moved, random_affine(images, generator()))
    assert all(not torch.allclose(moved[0], other) for other in moved[1:])


def test_gradients_pass_to_the_images() -> None:
    images = torch.rand(2, 1, 8, 8, requires_grad=True)
    random_affine(images, generator()).sum().backward()
    assert images.grad is not None
    assert images.grad.abs().sum() > 0


def test_a_shift_moves_by_at_most_its_share_of_the_side() -> None:
    images = torch.zeros(200, 1, 20, 20)
    images[:, :, 10, 10] = 1
    moved = random_affine(images, generator(), rotation=0, scale=0, shear=0, shift=0.1)
    _, _, rows, columns = torch.nonzero(moved > 0.05, as_tuple=True)
    assert rows.min() >= 7 and rows.max() <= 13
    assert columns.min() >= 7 and columns.max() <= 13
    assert rows.unique().numel() > 2
