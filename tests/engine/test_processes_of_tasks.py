"""Several processes train whatever can be trained as one does."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from elmyr.engine.processes import ALONE
from tests.engine.group_of_tasks import CASES, after
from tests.program import ROOT, group


@pytest.fixture(scope="module", params=[2, pytest.param(3, marks=pytest.mark.slow)])
def by_many(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[int, Path]:
    """So many processes, and what they wrote."""
    folder = tmp_path_factory.mktemp("group")
    for done in group(request.param, "tests.engine.group_of_tasks", folder, folder=ROOT):
        assert done.returncode == 0, done.stderr[-3_000:]
    return request.param, folder


@pytest.mark.parametrize("name", CASES)
def test_many_processes_train_as_one_does_each_on_its_share(by_many: tuple[int, Path], name: str) -> None:
    count, folder = by_many
    expected, found = after(CASES[name], ALONE), load_file(folder / f"{name}.safetensors")
    assert found.keys() == expected.keys()
    assert count * found.pop("seen") == expected.pop("seen")
    one, each, others = float(expected.pop("read")), float(found.pop("read")), CASES[name].others
    assert each > 0 and count * each == (count * one if others is None else one + others)
    apart = {key: float((found[key] - expected[key]).abs().max()) for key in expected}
    assert {key: value for key, value in apart.items() if not value <= 1e-10} == {}


def test_where_one_sees_a_number_that_is_not_finite_all_go_back(by_many: tuple[int, Path]) -> None:
    count, folder = by_many
    told = [(folder / f"said-{rank}.txt").read_text() for rank in range(count)]
    rest = "; back to 0 images, with half the learning rates (1 of 3 times)"
    others = f"training diverged: numbers of another process not finite at 72 images{rest}"
    assert told == [others] * (count - 1) + [f"training diverged: loss not finite at 72 images{rest}"]
    first, *more = (load_file(folder / f"end-{rank}.safetensors") for rank in range(count))
    assert all(torch.equal(first[key], each[key]) for each in more for key in first)
