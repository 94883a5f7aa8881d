"""Calls of public functions: unknown parameters and values of another type, each answered in one line."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from functools import wraps
from numbers import Integral, Real
from typing import Any, ParamSpec, TypeVar

from elmyr.core.errors import InputError, nearest
from elmyr.core.synonyms import rows_of

P = ParamSpec("P")
R = TypeVar("R")
SHOWN = 40  # signs of a value
BUDGET = "60_000"  # what stands for a number of epochs or steps
# The fields of `Shaping` and the parameters of `Recognizer`, which stand on floors above; a test holds them equal.
OF_SHAPING = (
    "size", "fit", "channels", "label_column", "range", "classes", "limit", "folds", "images_per_class", "imbalance",
    "label_noise", "labels_per_class",
)  # fmt: skip
OF_RECOGNIZER = (
    "method", "updates", "batch", "base", "dimension", "learning_rate", "weight_decay", "generated_share",
    "class_weight", "robust", "settings", "seed", "device", "precision",
)  # fmt: skip
# What an annotation's part takes, and its name in a message. A parameter with another part is checked where it is used.
TYPES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "int": (lambda value: isinstance(value, Integral) and not isinstance(value, bool), "a whole number"),
    "float": (lambda value: isinstance(value, Real) and not isinstance(value, bool), "a number"),
    "bool": (lambda value: isinstance(value, Integral) or type(value).__name__ == "bool", "True or False"),
    "str": (lambda value: isinstance(value, str), "a text"),
    "None": (lambda value: value is None, "None"),
}


class CallError(InputError, TypeError):
    """A call with parameters that the function does not have, or with values of another type."""


def checked(function: Callable[P, R]) -> Callable[P, R]:
    """The function, which answers a call that it cannot take with a CallError that says how to write it."""
    signature = inspect.signature(function)

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        unknown = next((name for name in kwargs if name not in signature.parameters), None)
        if unknown is not None:
            raise CallError(_of_unknown(function.__name__, unknown, kwargs[unknown], signature.parameters))
        _refuse_positions(function.__name__, len(args), signature.parameters)
        try:
            bound = signature.bind(*args, **kwargs)
        except TypeError as error:
            raise CallError(f"{function.__name__}: {error}: {_written(function.__name__, signature)}") from None
        for name, value in bound.arguments.items():
            _refuse_type(name, value, str(signature.parameters[name].annotation))
        return function(*args, **kwargs)

    return call


def takes(function: Callable[..., Any], count: int) -> bool:
    """Whether a function can be called with so many values by position; true for one that does not tell."""
    try:
        inspect.signature(function).bind(*range(count))
    except TypeError:
        return False
    except ValueError:  # of one that is not written in Python
        return True
    return True


def _refuse_positions(function: str, given: int, parameters: Mapping[str, inspect.Parameter]) -> None:
    places = [name for name, each in parameters.items() if each.kind is each.POSITIONAL_OR_KEYWORD]
    if given <= len(places):
        return
    of_many = str(parameters[places[-1]].annotation).startswith("Sequence")
    hint = f"give them in one list, as {function}([one, other])" if of_many else "give what follows by its name"
    taken = ", ".join(name for name in places if name != "self")
    raise CallError(f"{function} takes {taken} by position, and {given - len(places)} more are given: {hint}")


def _refuse_type(name: str, value: Any, annotation: str) -> None:
    parts = [part.strip() for part in annotation.split("|")]
    if not all(part in TYPES for part in parts) or any(TYPES[part][0](value) for part in parts):
        return
    if name == "device":  # of torch, or its number
        return
    wanted = " or ".join(TYPES[part][1] for part in parts)
    shown = repr(value) if len(repr(value)) <= SHOWN else f"of the type {type(value).__name__}"
    several = isinstance(value, list | tuple | set | range) and not name.endswith("s")
    raise CallError(f"{name} is {shown}: give {wanted}" + (", and call it for each of them" if several else ""))


def _of_unknown(function: str, name: str, value: Any, parameters: Mapping[str, inspect.Parameter]) -> str:
    meant = next(_meant(name, value, parameters), None)
    if meant is not None:
        return f"{function} has no parameter '{name}': {meant}"
    return f"{function} has no parameter '{name}': it has {', '.join(each for each in parameters if each != 'self')}"


def _meant(name: str, value: Any, parameters: Mapping[str, inspect.Parameter]) -> Iterator[str]:
    """What may be meant by a parameter that is not there: the likeliest first."""
    if "recognizer" in parameters and "realism" in parameters:  # of train_recognizer: those of the recognizer
        yield from _of_recognizer(name, value)
    if "shaping" in parameters:
        yield from _of_shaping(name, value)
    for row in rows_of(name):
        option, _, rest = row.text.partition(" ")
        parameter = option.removeprefix("--").replace("-", "_")
        if option == "--set" and "settings" in parameters:
            setting, _, fixed = rest.partition("=")
            of_gan = "." in setting or setting in ("batch", "conditional")
            if of_gan == ("preset" in parameters) or setting == "batch":
                yield f"{row.why.replace('--set', 'settings=')}: settings={{'{setting}': {_value(fixed, value)}}}"
        elif parameter in parameters:
            yield f"{row.why.replace(option, parameter)}: {parameter}={_value(rest, value)}"
        elif not option:
            yield f"{row.why}: leave it out"
    near = nearest(name, parameters)
    if near is not None:
        yield f"did you mean '{near}'?"


def _of_shaping(name: str, value: Any) -> Iterator[str]:
    words = [name, *(row.text.partition(" ")[0].removeprefix("--").replace("-", "_") for row in rows_of(name))]
    own = next((word for word in words if word in OF_SHAPING), None)
    if own is not None:
        yield f"the form of the images is in shaping: shaping=elmyr.Shaping({own}={_value('{}', value)})"


def _of_recognizer(name: str, value: Any) -> Iterator[str]:
    own = {"epochs": "updates", "lr": "learning_rate", "batch_size": "batch"}.get(name, name)
    if own in OF_RECOGNIZER:
        shown = "500" if own != name and own == "updates" else _value("{}", value)
        yield f"it is the recognizer's own: recognizer=elmyr.Recognizer({own}={shown})"


def _value(pattern: str, value: Any) -> str:
    """The value in a row's place for it; a fixed one as the row has it."""
    if pattern in ("{epochs}", "{steps}"):
        return BUDGET
    if "{}" not in pattern:
        return pattern.capitalize() if pattern in ("true", "false") else repr(pattern) if pattern else "True"
    filled = pattern.replace("{}", str(value)) if pattern != "{}" else value
    return repr(filled) if len(repr(filled)) <= SHOWN else "…"


def _written(function: str, signature: inspect.Signature) -> str:
    needed = [
        name
        for name, each in signature.parameters.items()
        if each.default is each.empty and name != "self" and each.kind is each.POSITIONAL_OR_KEYWORD
    ]
    return f"write {function}({', '.join(needed)}, …)"
