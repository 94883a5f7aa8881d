"""Work in parts: together they are everything, once, in order."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elmyr.core.errors import InputError
from elmyr.core.parts import Part, part_of

few = st.integers(1, 12)


@given(count=st.integers(0, 300), unit=few, of=few)
def test_the_parts_are_everything_once_in_whole_units(count: int, unit: int, of: int) -> None:
    parts = [Part(number, of).places(count, unit) for number in range(1, of + 1)]
    assert [place for part in parts for place in part] == list(range(count))
    assert all(part.start % unit == 0 or not part for part in parts)
    lengths = [-(-len(part) // unit) for part in parts]
    assert max(lengths) - min(lengths) <= 1


@given(count=st.integers(0, 300), unit=few, of=few, each=few, data=st.data())
def test_the_parts_of_a_part_are_that_part(count: int, unit: int, of: int, each: int, data: st.DataObject) -> None:
    part = Part(data.draw(st.integers(1, of)), of)
    inner = [part.divided(number, each).places(count, unit) for number in range(1, each + 1)]
    assert [place for places in inner for place in places] == list(part.places(count, unit))


def test_a_part_is_written_as_a_fraction_or_as_two_numbers() -> None:
    assert part_of("2/4") == part_of((2, 4)) == Part(2, 4)
    assert part_of(None) == Part(1, 1)
    assert str(Part(2, 4)) == "2/4"


@pytest.mark.parametrize("text", ["5/4", "0/4", "x", "", "1", "1/0", "-1/4", "1/2/3", "1.5/4", " 1/2", "٣/٤", "1/2\n"])
def test_what_is_no_part_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="the part is "):
        part_of(text)


def test_a_long_text_is_told_in_short() -> None:
    with pytest.raises(InputError) as caught:
        part_of("9" * 10_000)
    assert len(str(caught.value)) < 200
