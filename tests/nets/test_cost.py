import torch
from torch import nn

from elmyr.nets import PAIRS, Shape
from elmyr.nets.cost import Cost, cost_of


class Tiny(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(2, 3, 3, padding=1)
        self.norm = nn.BatchNorm2d(3)
        self.linear = nn.Linear(3 * 4 * 4, 5)

    def forward(self, images: torch.Tensor, labels: torch.Tensor | None) -> torch.Tensor:
        return self.linear(self.norm(self.convolution(images)).flatten(1))


def test_weights_and_operations_are_those_counted_by_hand() -> None:
    weights = (2 * 3 * 9 + 3) + 2 * 3 + (48 * 5 + 5)
    operations = 2 * (4 * 4 * 2 * 3 * 9 + 48 * 5)
    assert cost_of(Tiny(), torch.randn(1, 2, 4, 4), None) == Cost(weights, operations)


def test_the_cost_is_that_of_one_image_whatever_the_example() -> None:
    assert cost_of(Tiny(), torch.randn(7, 2, 4, 4), None) == cost_of(Tiny(), torch.randn(1, 2, 4, 4), None)


def test_counting_leaves_the_network_as_it_was() -> None:
    net = Tiny()
    before = {key: value.clone() for key, value in net.state_dict().items()}
    cost_of(net, 9 + torch.randn(3, 2, 4, 4), None)
    assert net.training
    assert all(torch.equal(before[key], value) for key, value in net.state_dict().items())
    cost_of(net.eval(), torch.randn(1, 2, 4, 4), None)
    assert not net.training


def test_the_default_pair_costs_what_the_docs_state() -> None:
    generator, discriminator = PAIRS["residual"].networks(
        Shape(1, 28, 28), 10, {"base": 64, "latent": 64, "embedding": 64}
    )
    label = torch.zeros(1, dtype=torch.int64)
    made = cost_of(generator, torch.zeros(1, 64), label)
    judged = cost_of(discriminator, torch.zeros(1, 1, 28, 28), label)
    assert [made.parameters, judged.parameters] == [1_188_033, 1_182_785]
    assert [round(cost.flops / 1e6) for cost in (made, judged)] == [61, 61]
