import pytest
import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from elmyr.nets.layers.spectral import SpectralNorm, spectrally_normalized


def norm(weight: torch.Tensor) -> float:
    """The largest singular value by decomposition, in float64."""
    return torch.linalg.matrix_norm(weight.detach().double().flatten(1), 2).item()


@pytest.mark.parametrize(
    "module", [nn.Linear(7, 5), nn.Linear(3, 1), nn.Conv2d(3, 8, 3, bias=False), nn.Conv2d(6, 2, 1), nn.Embedding(4, 6)]
)
def test_a_weight_that_has_moved_gets_the_norm_1_again(module: nn.Module) -> None:
    torch.manual_seed(0)
    spectrally_normalized(module)
    assert isinstance(module.weight, torch.Tensor)
    assert norm(module.weight) == pytest.approx(1, abs=1e-5)  # orthogonal at the start
    with torch.no_grad():
        module.parametrizations.weight.original.add_(torch.randn_like(module.weight))
    assert norm(module.parametrizations.weight.original) > 1.1
    for _ in range(100):
        weight = module.weight
    assert norm(weight) == pytest.approx(1, abs=1e-3)
    module.eval()
    assert norm(module.weight) == pytest.approx(1, abs=1e-3)
    assert torch.equal(module.weight, module.weight)  # in eval mode looking changes nothing


def test_it_is_what_torch_computes_where_there_is_no_autocast() -> None:
    torch.manual_seed(0)
    ours = spectrally_normalized(nn.Linear(20, 12))
    theirs = spectral_norm(nn.Linear(20, 12))
    weight = torch.randn(12, 20)
    for module in (ours, theirs):
        with torch.no_grad():
            module.parametrizations.weight.original.copy_(weight)
        for _ in range(300):
            module(torch.zeros(1, 20))
    assert torch.allclose(ours.weight, theirs.weight, atol=1e-6)


def test_under_autocast_the_norm_is_still_1_to_three_digits() -> None:
    torch.manual_seed(0)
    module = spectrally_normalized(nn.Linear(64, 48))
    with torch.no_grad():
        module.parametrizations.weight.original.copy_(torch.randn(48, 64))
    with torch.autocast("cpu", torch.bfloat16):
        for _ in range(300):
            weight = module.weight
    assert weight.dtype == torch.float32
    assert norm(weight) == pytest.approx(1, abs=1e-4)


def test_the_gradient_is_that_of_the_weight_over_its_largest_singular_value() -> None:
    torch.manual_seed(0)
    weight = torch.randn(4, 3, 2, 2, dtype=torch.float64, requires_grad=True)
    spectral = SpectralNorm(weight.detach()).double()
    for _ in range(500):
        spectral(weight)
    spectral.eval()
    direction = torch.randn_like(weight)
    (ours,) = torch.autograd.grad((spectral(weight) * direction).sum(), weight)
    exact = weight / torch.linalg.matrix_norm(weight.flatten(1), 2)
    (reference,) = torch.autograd.grad((exact * direction).sum(), weight)
    assert torch.allclose(ours, reference, atol=1e-6)


def test_a_second_pass_before_the_backward_pass_leaves_the_first_its_vectors() -> None:
    torch.manual_seed(0)
    module = spectrally_normalized(nn.Linear(5, 4))
    (module(torch.randn(2, 5)).sum() - module(torch.randn(2, 5)).sum()).backward()
    assert module.parametrizations.weight.original.grad.isfinite().all()
