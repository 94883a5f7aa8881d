import pytest
import torch

from elmyr.nets.layers.attention import SelfAttention, attended_level


def test_new_attention_is_the_identity() -> None:
    x = torch.randn(2, 16, 6, 4)
    assert torch.equal(SelfAttention(16)(x), x)


def test_each_place_gets_the_values_of_all_places_by_likeness() -> None:
    torch.manual_seed(0)
    attention = SelfAttention(8).eval()
    x = torch.randn(2, 8, 4, 6)
    with torch.no_grad():
        attention.weight.fill_(0.7)
        queries, keys, values = attention.queries(x), attention.keys(x), attention.values(x)
        expected = x.clone()
        for n in range(2):
            # The map at half its size: the largest of each 2x2 places.
            small_keys = keys[n].unfold(1, 2, 2).unfold(2, 2, 2).amax((3, 4)).flatten(1)
            small_values = values[n].unfold(1, 2, 2).unfold(2, 2, 2).amax((3, 4)).flatten(1)
            for row in range(4):
                for column in range(6):
                    shares = torch.exp(queries[n, :, row, column] @ small_keys)
                    seen = (small_values * shares).sum(1) / shares.sum()
                    matrix = attention.output.weight[:, :, 0, 0]
                    expected[n, :, row, column] += 0.7 * matrix @ seen
        assert torch.allclose(attention(x), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("sizes", "level"),
    [
        ([(7, 7), (14, 14), (28, 28)], 1),
        ([(64, 64), (32, 32), (16, 16), (8, 8)], 2),
        ([(4, 4)], 0),
        ([(8, 32), (4, 16)], 0),
    ],
)
def test_attention_sits_where_the_map_is_nearest_to_16x16(sizes: list[tuple[int, int]], level: int) -> None:
    assert attended_level(sizes) == level
