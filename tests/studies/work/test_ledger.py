from pathlib import Path

import numpy as np
import pytest

from elmyr.core.errors import InputError
from elmyr.studies.work.ledger import Ledger, Result


def result(arm: str, seed: int = 0) -> Result:
    read = np.arange(5) + seed
    return Result("10 % wrong labels", seed, arm, 0.25, {"0.25": 0.9, "0.5": 0.8}, 0.9, {"accuracy": 0.8}, read)


def test_what_is_written_down_is_read_back_whole(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    assert ledger.results() == {} and ledger.seconds() == {}
    for seed in (0, 1):
        ledger.add(result("real + classical", seed))
        ledger.add_time("10 % wrong labels", seed, "GAN", 12.34)
    found = Ledger(tmp_path).results()
    assert found == {each.place: each for each in (result("real + classical", 0), result("real + classical", 1))}
    assert [found[place].read.tolist() for place in sorted(found)] == [[0, 1, 2, 3, 4], [1, 2, 3, 4, 5]]
    assert ledger.seconds() == {("10 % wrong labels", seed, "GAN"): 12.3 for seed in (0, 1)}


@pytest.mark.parametrize("cut", [1, 20, 60])
def test_a_line_that_a_kill_cut_off_is_as_if_it_were_never_written(tmp_path: Path, cut: int) -> None:
    ledger = Ledger(tmp_path)
    ledger.add(result("real"))
    ledger.add(result("generated"))
    ledger.lines.path.write_bytes(ledger.lines.path.read_bytes()[:-cut])
    known = {("10 % wrong labels", 0, "real")} | ({("10 % wrong labels", 0, "generated")} if cut == 1 else set())
    assert ledger.results().keys() == known
    ledger.add(result("SMOTE"))
    assert ledger.results().keys() == known | {("10 % wrong labels", 0, "SMOTE")}
    ledger.add(result("generated"))
    order = [("10 % wrong labels", 0, name) for name in ("generated", "real", "SMOTE")]
    ledger.settle(order)
    assert list(ledger.results()) == order
    assert ledger.lines.path.read_text().count("\n") == 3


def test_a_line_without_what_was_read_is_refused(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.add(result("real"))
    for path in ledger.readings.iterdir():
        path.unlink()
    with pytest.raises(InputError, match="restore both"):
        ledger.results()
