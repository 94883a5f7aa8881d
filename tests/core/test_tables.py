"""Tables: parts by name."""

import pytest

from elmyr.core.errors import InputError
from elmyr.core.tables import Table


def test_a_lazy_part_is_imported_when_it_is_asked_for_and_not_before() -> None:
    table: Table[object] = Table("poem", lazy={"zen": "wave:Wave_read"})
    assert list(table) == ["zen"] and len(table) == 1 and "zen" in table
    assert table["zen"].__name__ == "Wave_read"  # type: ignore[attr-defined]  # a class of the standard library


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    table = Table("objective", {"hinge": 1, "wasserstein": 2})
    assert table.named("hinge") == 1
    with pytest.raises(InputError, match="no objective 'hing': did you mean 'hinge'"):
        table.named("hing")
    with pytest.raises(KeyError):
        table["hing"]


def test_what_a_plug_in_adds_is_there_and_a_taken_name_is_refused() -> None:
    table = Table("objective", {"hinge": 1}, lazy={"late": "wave:Wave_read"})
    table.add("mine", 3)
    assert table["mine"] == 3 and list(table) == ["late", "hinge", "mine"]
    for taken in ("hinge", "late", "mine"):
        with pytest.raises(InputError, match=f"objective '{taken}' is there already"):
            table.add(taken, 4)
    table.remove("mine")
    assert "mine" not in table


@pytest.mark.parametrize("name", ["", "Mine", "a b/c", "../x", "x\n", 3])
def test_a_name_that_cannot_be_typed_is_refused(name: object) -> None:
    with pytest.raises(InputError, match="no objective can be named"):
        Table("objective").add(name, 1)  # type: ignore[arg-type]  # what a plug-in may try
