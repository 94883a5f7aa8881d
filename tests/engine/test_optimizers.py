"""The optimizers compute what torch's own do."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from elmyr.engine.optimization.optimizers import Adam, AdamW

Kind = Callable[..., torch.optim.Optimizer]


def trained(kind: Kind, again: Kind, **choices: float) -> torch.Tensor:
    """Weights after ten updates, the second half by `again` with the state of the first."""
    weights = torch.nn.Parameter(torch.linspace(-1, 1, 12).reshape(3, 4))
    targets = torch.randn(10, 3, 4, generator=torch.Generator().manual_seed(0))
    optimizer = kind([weights], fused=True, **choices)
    for number, target in enumerate(targets):
        if number == 5:
            state = optimizer.state_dict()
            optimizer = again([weights], fused=True, **choices)
            optimizer.load_state_dict(state)
        optimizer.zero_grad()
        (weights * target).square().sum().backward()
        optimizer.step()
    return weights.detach()


@pytest.mark.parametrize(
    ("ours", "theirs", "choices"),
    [(Adam, torch.optim.Adam, {"lr": 0.1}), (AdamW, torch.optim.AdamW, {"lr": 0.1, "weight_decay": 0.3})],
)
def test_updates_are_torchs_to_the_bit_and_go_on_from_one_anothers_state(
    ours: Kind, theirs: Kind, choices: dict[str, float]
) -> None:
    expected = trained(theirs, theirs, **choices)
    for first, second in ((ours, ours), (ours, theirs), (theirs, ours)):
        torch.testing.assert_close(trained(first, second, **choices), expected, rtol=0, atol=0)


def test_an_update_computes_no_graph_and_weights_stay_leaves() -> None:
    weights = torch.nn.Parameter(torch.ones(3))
    optimizer = Adam([weights], fused=True)
    weights.sum().backward()
    optimizer.step()
    assert weights.is_leaf and weights.grad_fn is None and torch.is_grad_enabled()
