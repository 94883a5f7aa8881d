"""What the worker does with a model: the answers to the requests of a batch, each as if it had come alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from elmyr.core.errors import InputError
from elmyr.engine.saving.places import called
from elmyr.serving.http.answers import Answer, refusal
from elmyr.serving.http.http_errors import HTTPError
from elmyr.serving.kinds import kinds_that
from elmyr.serving.worker.models import Gone, Models, Opened

Query = Mapping[str, Any]
Answering = Callable[[Opened, Sequence[Query], Sequence[bytes]], list[Answer]]


def answer_together(
    models: Models, name: str, operation: str, queries: Sequence[Query], bodies: Sequence[bytes]
) -> list[Answer]:
    """The answers to requests of one operation to one model."""
    try:
        opened, work = models[name], models.work_of(name)
    except Gone as error:
        return [refusal(410, str(error))] * len(queries)
    if operation not in work.answers:
        kind, able = called(opened.served.kind), " or ".join(map(called, kinds_that(operation)))
        return [refusal(422, f"'{name}' is a {kind}, which does not {operation}: ask a {able}")] * len(queries)
    return work.answers[operation](opened, queries, bodies)


def one_by_one(work: Callable[[Opened, Query, bytes], Answer]) -> Answering:
    """Requests that are answered one after the other."""

    def answered(opened: Opened, queries: Sequence[Query], bodies: Sequence[bytes]) -> list[Answer]:
        return [guarded(work, opened, query, body) for query, body in zip(queries, bodies, strict=True)]

    return answered


def guarded(work: Callable[..., Answer], *given: Any) -> Answer:
    """What `work` answers; what it refuses as an answer that says so."""
    try:
        return work(*given)
    except InputError as error:
        return refusal(422, str(error))
    except HTTPError as error:
        return refusal(error.status, error.message)
