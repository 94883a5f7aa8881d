"""The addresses of models, one for each operation of `kinds`; the answers come from the worker."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from elmyr.serving.http.limits import LARGEST_BODY, MOST_IMAGES, MOST_PHOTO_PIXELS, MOST_PIXELS
from elmyr.serving.http.query_words import refuse_unknown_words
from elmyr.serving.http.service import Service
from elmyr.serving.kinds import JSON, SERVED, Operation

UPLOADS = ("image/png", "image/jpeg", "application/x-npy")

Model = Annotated[str, Path(max_length=64, description="the model's name, as in /v1/models", examples=["digits"])]

ERROR = {
    "content": {
        JSON: {
            "schema": {"type": "object", "properties": {"error": {"type": "string"}}, "required": ["error"]},
            "example": {"error": "the upload is no image: send a PNG, a JPEG, or an array of uint8 as .npy"},
        }
    }
}
REASONS = {
    404: "no such model",
    410: "the model has been removed since it is served",
    422: "the request is invalid: the message says why, and how to correct it",
    429: "no room: ask again after Retry-After",
    503: "the worker ended during this request, or the service is stopping",
    504: "no answer within the deadline",
}
OF_UPLOADS = {
    408: "the upload took too long",
    413: "the upload is too large",
    415: "the content type is none of those that are taken",
}
_BYTES = {"type": "string", "format": "binary"}
_UPLOAD: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": (
            f"one PNG or JPEG, or an array of uint8 (N, H, W) or (N, H, W, C) as .npy, up to {MOST_IMAGES:,} images; "
            f"at most {LARGEST_BODY >> 20} MiB and {MOST_PIXELS:,} pixels, a picture to be recognized "
            + " and ".join(f"{most:,} as {kind}" for kind, most in MOST_PHOTO_PIXELS.items())
        ),
        "content": {kind: {"schema": _BYTES} for kind in UPLOADS},
    }
}


def model_routes(service: Service) -> APIRouter:
    """The routes of /v1/models."""
    routes = APIRouter(prefix="/v1/models", tags=["models"], dependencies=[Depends(refuse_unknown_words)])

    @routes.get("", summary="What is served")
    async def read_models() -> list[dict[str, Any]]:
        return service.described()

    operations = {name: operation for kind in SERVED.values() for name, operation in kind.operations.items()}
    for name, operation in operations.items():
        _add(routes, service, name, operation)
    return routes


def _add(routes: APIRouter, service: Service, name: str, operation: Operation) -> None:
    query_model = operation.query

    async def answer(request: Request, model: Model, query: Annotated[query_model, Query()]) -> Response:  # type: ignore[valid-type]  # a class of the table
        return await service.answer(request, model, name, query.model_dump(by_alias=True))  # type: ignore[attr-defined]

    routes.add_api_route(
        f"/{{model}}/{name}",
        answer,
        methods=["POST" if operation.upload else "GET"],
        name=name,
        summary=operation.summary,
        description=operation.about,
        openapi_extra=_UPLOAD if operation.upload else None,
        responses={**_reasons(operation), 200: _answer(operation)},
    )


def _reasons(operation: Operation) -> dict[int | str, dict[str, Any]]:
    known = {**REASONS, **(OF_UPLOADS if operation.upload else {}), **operation.reasons}
    return {status: {"description": reason, **ERROR} for status, reason in sorted(known.items())}


def _answer(operation: Operation) -> dict[str, Any]:
    content: dict[str, Any] = {
        kind: {"schema": {"type": "object"}, "example": operation.example} if kind == JSON else {"schema": _BYTES}
        for kind in operation.types
    }
    return {"description": "the answer", "content": content}
