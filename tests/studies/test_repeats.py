"""The two arms of a verdict trained again: which they are, and what is made of them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from elmyr import study
from elmyr.cli.study import _rows
from elmyr.core.errors import InputError
from elmyr.core.files import read_lines
from elmyr.images import Shaping, save_npz
from elmyr.studies.best.repeats import repeats_of, trials_of
from elmyr.studies.config import Cell, StudyConfig
from elmyr.studies.verdict import Judged, changed_by, verdict_of
from elmyr.studies.work.ledger import Place, Result
from elmyr.studies.work.pieces import Piece
from tests.conftest import small_image_set

REACHED = {"real": 0.8, "real, again": 0.9, "real + 25 % generated": 0.7, "generated": 0.6}
SIDES = ("best_with", "best_without")
LABELS = np.zeros(10, np.int64)


def config_of(recognizers: int) -> StudyConfig:
    cell = Cell(shaping=Shaping(), arms=tuple(REACHED), figures=False, measure="accuracy")
    return StudyConfig(
        source="x", name="x", shaping=Shaping(), digest="", cells=(cell,), seeds=(3, 4), images=1, updates=1,
        preset="residual", device="cpu", precision="fp32", threads=1, recognizers=recognizers,
    )  # fmt: skip


def found(seed: int, arm: str, right: int) -> dict[Place, Result]:
    read = np.where(np.arange(10) < right, 0, 1)
    measures = {"accuracy": right / 10}
    result = Result("all images", seed, arm, 0.0, {"0": REACHED.get(arm, 0)}, REACHED.get(arm, 0), measures, read)
    return {result.place: result}


def first_trainings() -> dict[Place, Result]:
    return {key: each for seed in (3, 4) for arm in REACHED for key, each in found(seed, arm, 6).items()}


def test_what_is_trained_again_is_the_best_of_each_side_and_nothing_that_was_chosen_from() -> None:
    config, results = config_of(3), first_trainings()
    again = ["real + 25 % generated, again", "real + 25 % generated, again 2", "real, again 2", "real, again 3"]
    assert repeats_of(config, results) == [Piece(0, seed, name) for seed in (3, 4) for name in again]
    assert repeats_of(config_of(1), results) == []
    assert all(not trial.repeats for trial in trials_of(config.cells[0], config, results))  # not there yet


def test_the_mean_of_all_recognizers_of_a_seed_is_compared() -> None:
    config, results = config_of(2), first_trainings()
    for seed, right in ((3, 10), (4, 8)):
        results |= found(seed, "real + 25 % generated, again", right) | found(seed, "real, again 2", 6)
    trials = trials_of(config.cells[0], config, results)
    repeated = {trial.arm.name: trial.test("accuracy") for trial in trials if trial.repeats}
    assert repeated == pytest.approx({"real, again": 0.6, "real + 25 % generated": 0.75})
    tested = [Judged(np.arange(10), LABELS)] * 2
    verdict = verdict_of(config.cells[0], trials, tested, 5)
    assert verdict["difference"] == pytest.approx(0.15) and verdict["recognizers"] == 2
    assert "each the mean of 2 recognizers a seed" in verdict["sentence"]
    parts = verdict["parts"]
    assert parts["seeds"] + parts["recognizers"] == pytest.approx(np.var([0.2, 0.1], ddof=1) / 2)
    rescued, _ = changed_by(trials[2], trials[1], tested, 99)
    assert {each.place: each.share for each in rescued} == {6: 0.5, 7: 0.5, 8: 0.25, 9: 0.25}  # of four pairs
    alone = verdict_of(config.cells[0], trials_of(config.cells[0], config_of(1), results), tested, 5)
    assert (alone["difference"], alone["recognizers"], alone["parts"]) == (0, 1, None)


@pytest.mark.usefixtures("quick_extractor")
def test_a_study_of_several_recognizers_resumes_and_repeats_to_the_same_results(tmp_path: Path) -> None:
    save_npz(small_image_set(48), tmp_path / "few.npz")
    quick: dict[str, Any] = {"images": 64, "updates": 4, "settings": ("network.base=8", "batch=16"), "device": "cpu"}
    begun = study(tmp_path / "few.npz", out=tmp_path / "study", seeds=2, recognizers=2, **quick)
    (verdict,) = begun.verdicts
    lines = read_lines(begun.path / "results.jsonl")
    assert len(lines) == 2 * (7 + 2) and verdict["recognizers"] == 2
    of_sides = [np.mean([line["test"]["accuracy"] for line in lines if _is(line["arm"], verdict[side], lines)])
                for side in SIDES]  # fmt: skip
    assert verdict["difference"] == pytest.approx(of_sides[0] - of_sides[1])
    for arm in begun.content["cells"][0]["arms"]:
        side = next((share for name, share in zip(SIDES, of_sides, strict=True) if arm["name"] == verdict[name]), None)
        assert arm["recognizers"] == (1 if side is None else 2)
        assert side is None or np.mean(arm["test"]) == pytest.approx(side)
    if (best := begun.content["best"])["arm"] in (verdict["best_with"], verdict["best_without"]):
        assert "mean of 4 trainings" in (begun.path / best["folder"] / "README.md").read_text(encoding="utf-8")
    (cell,) = begun.content["cells"]
    counted = sum(map(sum, cell["confusion"]["with"]))
    assert abs(counted - sum(cell["tested"])) <= 9  # as of one recognizer a seed, but for rounding
    told = [_rows(cell, begun.content["classes"])[1:], cell["arms"]]
    assert all((", mean of 2" in row[2]) == (arm["recognizers"] == 2) for row, arm in zip(*told, strict=True))
    whole = (begun.path / "results.jsonl").read_text(encoding="utf-8")
    kept = whole.splitlines()[:-1]
    (begun.path / "results.jsonl").write_text("\n".join(kept) + "\n", encoding="utf-8")
    study(tmp_path / "few.npz", out=tmp_path / "study", seeds=2, recognizers=2, **quick)
    assert (begun.path / "results.jsonl").read_text(encoding="utf-8") == whole
    with pytest.raises(InputError, match="--recognizers is 0"):
        study(tmp_path / "few.npz", recognizers=0, **quick)


def _is(arm: str, best: str, lines: list[dict[str, Any]]) -> bool:
    """Whether it is that arm, or its repeat, which stands behind all first trainings."""
    base = best.split(", again")[0]
    return arm == best or (arm.split(", again")[0] == base and arm in {line["arm"] for line in lines[18:]})
