"""The values of a sweep: commas between, brackets and quotes whole, and one line for what is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elmyr.core.errors import InputError
from elmyr.studies.sweeps.values import combinations, named, swept, written


@pytest.mark.parametrize(
    ("settings", "fixed", "several"),
    [
        (["a=1,2"], {}, {"a": [1, 2]}),
        ("a=1e-4, 5e-4", {}, {"a": [1e-4, 5e-4]}),
        (["a=1,auto", "b=x"], {"b": "x"}, {"a": [1, "auto"]}),
        (["a=true,false", "b=[4,8]"], {"b": [4, 8]}, {"a": [True, False]}),
        (["a=[4,8],[8,16]"], {}, {"a": [[4, 8], [8, 16]]}),
        (["a=1,true"], {}, {"a": [1, True]}),
        (['a="x,y",z'], {}, {"a": ["x,y", "z"]}),
        ([r'a="x\",y",z'], {}, {"a": ['x",y', "z"]}),
        (['a="1",true'], {}, {"a": ["1", True]}),
        (["a=[[1],[2]],:),[3]"], {}, {"a": [[[1], [2]], ":)", [3]]}),
        ({"a": [1, 2], "b": (3,), "c": 4}, {"b": 3, "c": 4}, {"a": [1, 2]}),
    ],
)
def test_values_are_apart_at_commas_that_stand_alone(settings: object, fixed: object, several: object) -> None:
    assert swept(settings) == (fixed, several)  # type: ignore[arg-type]  # of any form


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (["a=1"], "nothing to sweep, as a has one value"),
        ([], "nothing to sweep, as no setting is given"),
        (["a=[1,2]"], "nothing to sweep, as a has one value"),
        (["a=1,1.0"], r"the setting a has the value 1.0 twice"),
        (["a=0.0001,1e-4"], "the setting a has the value 0.0001 twice"),
        (["a=[1,2],[1,2]"], r"has the value \[1, 2\] twice"),
        ({"a": [2, 2]}, "the setting a has the value 2 twice"),
        (["a=[1,2"], r"'a=\[1,2' opens \[ and does not close it: close it, or put the value in quotes"),
        (["a=1,[2,{3]"], "opens .* and does not close it"),
        (['a=1,"x'], 'opens " and does not close it'),
        (["a=1,,2"], "'a=1,,2' has an empty value"),
        (["a=1,"], "'a=1,' has an empty value"),
        (["a=1,2", "a=3"], "the setting a is given twice"),
        (["a=1,2,b=3"], "holds several settings: give each its own"),
        (["a"], "is not of the form NAME=VALUE"),
        ({"a": []}, "the setting a has no value"),
    ],
)
def test_what_cannot_be_swept_is_told_in_one_line(settings: object, told: str) -> None:
    with pytest.raises(InputError, match=told) as error:
        swept(settings)  # type: ignore[arg-type]  # of any form
    assert "\n" not in str(error.value)


def test_every_combination_is_there_once_the_last_setting_first() -> None:
    found = combinations({"a": [1, 2], "b": ["x", "y", "z"]})
    assert [(each["a"], each["b"]) for each in found] == [(a, b) for a in (1, 2) for b in "xyz"]
    assert named(found[1]) == "a=1, b=y"


VALUE = st.one_of(
    st.integers(),
    st.booleans(),
    st.text('a1,.-"[)\\ ', min_size=1),
    st.sampled_from(["1", "true", "null", "NaN", "1e3", "[1]"]),
    st.lists(st.integers(), max_size=3),
)


@given(st.lists(VALUE, min_size=2, max_size=5, unique_by=repr))
def test_what_is_written_is_read_again(values: list[object]) -> None:
    text = ",".join(map(written, values))
    try:
        known = swept([f"a={text}"]).several["a"]
    except InputError as error:
        assert "twice" in str(error)  # 1 and 1.0
    else:
        assert list(map(repr, known)) == list(map(repr, values))
