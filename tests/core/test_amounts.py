import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from elmyr.core.amounts import Amount, image_count, minutes_of, seconds_of
from elmyr.core.errors import InputError


@pytest.mark.parametrize(
    "written",
    [200_000, 2e5, "200000", "200k", "200K", "0.2M", "2e5", "200_000", "200,000", " 200k ", np.int64(200_000)],
    ids=repr,
)
def test_a_budget_in_images_is_the_same_however_it_is_written(written: Amount) -> None:
    assert image_count(written) == 200_000


@pytest.mark.parametrize("written", [0, -1, 0.5, "1.5", "", "k", "many", "1,5k", float("nan"), "inf", "1e99", True])
def test_what_is_no_number_of_images_is_refused_by_its_name(written: Amount) -> None:
    with pytest.raises(InputError, match="--images is .*: give a whole number of at least 1, such as 200k"):
        image_count(written, "--images")


@given(st.integers(1, 10**12))
def test_every_whole_number_is_read_from_its_own_forms(number: int) -> None:
    assert {image_count(form) for form in (number, str(number), f"{number:,}", f"{number:_}")} == {number}


@pytest.mark.parametrize(("written", "minutes"), [(90, 90), (1.5, 1.5), ("90", 90), ("1h30m", 90), ("30s", 0.5)])
def test_minutes_are_a_number_or_a_time(written: Amount, minutes: float) -> None:
    assert minutes_of(written) == minutes


@pytest.mark.parametrize(("written", "seconds"), [(90, 90), ("2h", 7200), ("1h30m", 5400), ("45s", 45)])
def test_a_time_is_a_number_of_seconds_or_has_its_units(written: Amount, seconds: float) -> None:
    assert seconds_of(written) == seconds


@pytest.mark.parametrize("written", [0, -1, "soon", "", float("inf"), float("nan"), "1" * 400 + "h", False])
def test_what_is_no_time_is_refused(written: Amount) -> None:
    for parse in (minutes_of, seconds_of):
        with pytest.raises(InputError, match="give a time above 0"):
            parse(written)


def test_a_text_of_seconds_needs_its_unit() -> None:
    with pytest.raises(InputError, match="budget is '90': give a time above 0, as 2h"):
        seconds_of("90")


def test_no_budget_stays_none() -> None:
    assert (image_count(None), minutes_of(None), seconds_of(None)) == (None, None, None)
