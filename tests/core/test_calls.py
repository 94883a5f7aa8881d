"""A call that a public function cannot take is answered with how to write it, and nothing is begun."""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import elmyr
from elmyr import Recognizer, Shaping
from elmyr.core import calls
from elmyr.core.calls import CallError, checked
from elmyr.core.errors import InputError
from elmyr.core.synonyms import OPTIONS
from elmyr.engine.config import parse_settings
from elmyr.tasks.gan.config import choices_of

UNKNOWN: list[tuple[str, dict[str, Any], str]] = [
    ("train", {"epochs": 10}, "images=60_000"),
    ("train", {"batch_size": 64}, "settings={'batch': 64}"),
    ("train", {"lr": 2e-4}, "settings={'adversarial.learning_rate': 0.0002}"),
    ("train", {"output_dir": "there"}, "out='there'"),
    ("train", {"imges": 5}, "did you mean 'images'?"),
    ("train", {"num_workers": 4}, "leave it out"),
    ("train", {"image_size": 32}, "shaping=elmyr.Shaping(size=32)"),
    ("train", {"zzz": 1}, "it has data, labels, out,"),
    ("study", {"n_jobs": 2}, "processes=2"),
    ("train_restorer", {"lr": 1e-3}, "settings={'learning_rate': 0.001}"),
    ("train_recognizer", {"epochs": 3}, "recognizer=elmyr.Recognizer(updates=500)"),
    ("train_recognizer", {"method": "augment"}, "recognizer=elmyr.Recognizer(method='augment')"),
    ("load_images", {"classes": ["3"]}, "shaping=elmyr.Shaping(classes=['3'])"),
    ("evaluate", {"metrics": ["fid"]}, "all figures are computed: leave it out"),
]
WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("train", {"seed": "a"}, "seed is 'a': give a whole number"),
    ("train", {"seed": [0, 1]}, "give a whole number, and call it for each of them"),
    ("train", {"quiet": "no"}, "quiet is 'no': give True or False"),
    ("study", {"seeds": [0, 1]}, "seeds is [0, 1]: give a whole number"),
    ("study", {"processes": "two"}, "processes is 'two': give a whole number"),
    ("evaluate", {"extractor": ["pixels", "random"]}, "give a text, and call it for each of them"),
    ("evaluate", {"seed": "x"}, "seed is 'x': give a whole number or None"),
    ("train_recognizer", {"realism": "half"}, "realism is 'half': give a number"),
]


@pytest.mark.parametrize(("function", "given", "told"), [*UNKNOWN, *WRONG])
def test_what_a_function_cannot_take_is_answered_with_what_it_takes(
    function: str, given: dict[str, Any], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CallError) as refused:
        getattr(elmyr, function)("digits", **given)
    assert told in str(refused.value) and "\n" not in str(refused.value)
    assert isinstance(refused.value, InputError) and isinstance(refused.value, TypeError)
    assert not list(tmp_path.iterdir())


def test_every_public_function_answers_and_every_synonym_has_an_answer() -> None:
    functions = [getattr(elmyr, name) for name in elmyr.__all__ if not isinstance(getattr(elmyr, name), type)]
    assert len(functions) > 8
    words = {word for row in OPTIONS for word in row.replace("-", "_").split()}
    for function in functions:
        for word in words - set(signature(function).parameters):
            with pytest.raises(CallError, match=f"has no parameter '{word}': "):
                function("digits", **{word: 3})


def test_positions_beyond_the_first_are_answered() -> None:
    with pytest.raises(CallError, match=r"give them in one list, as compare\(\[one, other\]\)"):
        elmyr.compare("a", "b")  # type: ignore[call-arg,arg-type]
    with pytest.raises(CallError, match="evaluate takes subject by position, .* by its name"):
        elmyr.evaluate("a", "digits")  # type: ignore[call-arg]
    with pytest.raises(CallError, match=r"missing a required argument: 'data': write train\(data, …\)"):
        elmyr.train()  # type: ignore[call-arg]


def test_numbers_of_numpy_are_numbers() -> None:
    @checked
    def doubled(number: int, share: float = 1.0, *, quiet: bool = False) -> float:
        return 2 * number * share

    assert doubled(np.int64(4)) == 8  # type: ignore[arg-type]
    assert doubled(4, np.float32(0.5), quiet=np.bool_(True)) == 4  # type: ignore[arg-type]
    for wrong in (4.0, True, "4"):
        with pytest.raises(CallError, match=f"number is {wrong!r}: give a whole number"):
            doubled(wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"lr": 1}, "did you mean 'adversarial.learning_rate'?"),
        ({"learning_rate": 1}, "did you mean 'adversarial.learning_rate'?"),
        ({"batch_size": 4}, "did you mean 'batch'?"),
        ("z_dim=4", "did you mean 'network.latent'?"),
        ({"adversarial": {"learning_rate": 1}}, "it is a group of settings, each has its own name, as 'adversarial."),
        ("batch=64,lr=2", "give each its own, as --set batch=64 --set lr=2"),
        ([3], "the setting 3 is not of the form NAME=VALUE"),
    ],
)
def test_a_setting_by_another_name_is_answered_with_its_own(settings: Any, told: str) -> None:
    with pytest.raises(InputError) as refused:
        choices_of("residual", parse_settings(settings))
    assert told in str(refused.value)


SAME: list[Callable[[], Any]] = [
    lambda: {"network.base": 8, "conditional": True},
    lambda: ["network.base=8", "conditional=true"],
    lambda: ("network.base=8", "conditional=true"),
]


@pytest.mark.parametrize("settings", SAME)
def test_settings_are_the_same_in_every_form(settings: Callable[[], Any]) -> None:
    assert parse_settings(settings()) == {"network.base": 8, "conditional": True}
    assert parse_settings("network.base=8") == {"network.base": 8}


def test_what_calls_know_of_shapings_and_recognizers_is_all_there_is() -> None:
    assert set(calls.OF_SHAPING) == set(Shaping.model_fields)
    assert set(calls.OF_RECOGNIZER) == set(signature(Recognizer).parameters)
