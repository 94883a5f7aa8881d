"""Words of a query that an address does not know: refused with the word that is meant, and never passed over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import Request
from fastapi.routing import APIRoute
from pydantic import BaseModel

from elmyr.core.errors import suggestion
from elmyr.serving.http.http_errors import HTTPError

# As other services call it; what the address knows of these is meant.
MEANT: Mapping[str, tuple[str, ...]] = {
    "label labels cls category digit y c": ("class", "from_class"),
    "n num number samples num_samples n_samples num_images images amount limit": ("count", "answers", "steps"),
    "k top neighbors neighbours": ("nearest",),
    "preparation preprocess preprocessing transform": ("prepare",),
    "psi truncation_psi trunc temperature": ("truncation",),
    "type fmt output as": ("format",),
    "from start source": ("from_class",),
    "to end target": ("to_class",),
    "random_state random_seed": ("seed", "from_seed"),
    "sigma std": ("noise",),
    "way back to_domain reverse": ("direction",),
}


# What pydantic found, in plain words, by its type of error.
WANTED: Mapping[str, str] = {
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_parsing": "a number",
    "finite_number": "a number",
    "greater_than": "more than {gt:g}",
    "greater_than_equal": "at least {ge:g}",
    "less_than": "less than {lt:g}",
    "less_than_equal": "at most {le:g}",
    "literal_error": "{expected}",
    "bool_parsing": "true or false",
    "string_too_long": "at most {max_length} signs",
}


def told_of(found: Mapping[str, Any]) -> str:
    """One line of the first thing that pydantic found in a query or a path: the word, its value, and what is wanted."""
    word, value = str(found["loc"][-1])[:80], str(found.get("input"))[:80]
    wanted = WANTED.get(str(found["type"]))
    told = str(found["msg"]).lower() if wanted is None else f"give {wanted.format(**found.get('ctx', {}))}"
    return f"'{word}' is '{value}': {told}"


async def refuse_unknown_words(request: Request) -> None:
    """`HTTPError` (422) for a word of the query that the address does not take."""
    route = request.scope.get("route")
    if not isinstance(route, APIRoute):
        return
    known = [
        word for field in route.dependant.query_params for word in _words_of(field.alias, field.field_info.annotation)
    ]
    for word in request.query_params:
        if word not in known:
            raise HTTPError(422, f"there is no '{word[:80]}' here: {_hint(word, known)}")
        if len(request.query_params.getlist(word)) > 1:
            raise HTTPError(422, f"'{word}' is there more than once: give it once")


def _words_of(alias: str, model: object) -> list[str]:
    """A word of a query, or all those that a model of it has."""
    if isinstance(model, type) and issubclass(model, BaseModel):
        return [field.alias or name for name, field in model.model_fields.items()]
    return [alias]


def _hint(word: str, known: list[str]) -> str:
    if not known:
        return "this address takes no words behind '?'"
    meant = next((names for words, names in MEANT.items() if word.lower().replace("-", "_") in words.split()), ())
    right = next((name for name in meant if name in known), None)
    return f"did you mean '{right}'?" if right else suggestion(word, known)
