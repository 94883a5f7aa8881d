import pytest
import torch

from elmyr.core.errors import InputError
from elmyr.nets.layers.parts import (
    LabeledLatents,
    ProjectionHead,
    doubled_widths,
    halvings,
    indifferent_vectors,
    require_size,
)


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((8, 8), [(8, 8), (4, 4)]),
        ((28, 28), [(28, 28), (14, 14), (7, 7)]),
        ((32, 48), [(32, 48), (16, 24), (8, 12), (4, 6)]),
        ((20, 64), [(20, 64), (10, 32), (5, 16)]),
        ((64, 64), [(64, 64), (32, 32), (16, 16), (8, 8), (4, 4)]),
    ],
)
def test_sizes_are_halved_while_the_halves_are_whole_and_at_least_four(
    size: tuple[int, int], expected: list[tuple[int, int]]
) -> None:
    assert halvings(*size) == expected


def test_widths_double_twice_and_then_stay() -> None:
    assert doubled_widths(5, 8) == [8, 16, 32, 32, 32]


@pytest.mark.parametrize(("size", "mend"), [((28, 30), 32), ((4, 28), 8), ((9, 8), 8), ((27, 27), 28)])
def test_a_size_that_does_not_fit_is_refused_with_the_nearest_that_does(size: tuple[int, int], mend: int) -> None:
    with pytest.raises(InputError, match=f"not {size[0]}x{size[1]}: pass --size {mend},"):
        require_size("dcgan", *size, multiple=4, least=8)


def test_the_class_stands_beside_the_latent() -> None:
    latents, labels = torch.randn(3, 5), torch.tensor([1, 0, 1])
    labeled = LabeledLatents(5, 2, 4)
    assert labeled.embedding is not None
    result = labeled(latents, labels)
    assert result.shape == (3, labeled.entries) == (3, 9)
    assert torch.equal(result[:, :5], latents)
    assert torch.equal(result[:, 5:], labeled.embedding.weight[labels])
    assert LabeledLatents(5, 0, 4)(latents, None) is latents


def test_the_projection_is_the_inner_product_with_the_vector_of_the_class() -> None:
    linear, vectors = torch.nn.Linear(2, 1), indifferent_vectors(2, 2)
    assert vectors is not None
    head = ProjectionHead(linear, vectors)
    features, labels = torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([1, 0])
    with torch.no_grad():
        linear.weight.copy_(torch.tensor([[10.0, 1.0]]))
        linear.bias.fill_(0.5)
        assert head(features, labels).tolist() == [12.5, 34.5]  # new vectors are zero
        vectors.weight.copy_(torch.tensor([[1.0, -1.0], [0.0, 2.0]]))
    assert head(features, labels).tolist() == [12.5 + 4, 34.5 - 1]
