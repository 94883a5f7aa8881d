"""The addresses of models: what each asks, in which bounds, with examples; the answers come from the worker."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from elmyr.serving.limits import (
    LARGEST_BODY,
    MOST_ANSWERS,
    MOST_GENERATED,
    MOST_IMAGES,
    MOST_NEAREST,
    MOST_PHOTO_PIXELS,
    MOST_PIXELS,
    MOST_STEPS,
)
from elmyr.serving.query_words import refuse_unknown_words
from elmyr.serving.service import Service

LARGEST_SEED = 2**63 - 1
UPLOADS = ("image/png", "image/jpeg", "application/x-npy")

Model = Annotated[str, Path(max_length=64, description="the model's name, as in /v1/models", examples=["digits"])]
Seed = Annotated[int, Query(ge=0, le=LARGEST_SEED, description="which: the same seed gives the same", examples=[7])]
Class = Annotated[str | None, Query(alias="class", max_length=1000, description="a name or number", examples=["3"])]
End = Annotated[str | None, Query(max_length=1000, description="the class at this end, by name or number")]

ERROR = {
    "content": {
        "application/json": {
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


def _reasons(*more: dict[int, str]) -> dict[int | str, dict[str, Any]]:
    known = {status: reason for some in (REASONS, *more) for status, reason in some.items()}
    return {status: {"description": reason, **ERROR} for status, reason in sorted(known.items())}


def _answers(*types: str, example: Any = None) -> dict[int | str, dict[str, Any]]:
    schemas: dict[str, Any] = {
        kind: {"schema": {"type": "object"}} if kind == "application/json" else {"schema": _BYTES} for kind in types
    }
    if example is not None:
        schemas["application/json"]["example"] = example
    return {200: {"description": "the answer", "content": schemas}}


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
RECOGNIZED = {"images": [{"label": "3", "probability": 0.98, "probabilities": {"3": 0.98, "5": 0.02}}]}
MADE = {"images": [{"label": "3", "image": "iVBORw0KGgo…"}]}
REPAIRED = {"seen": "iVBORw0KGgo…", "answers": ["iVBORw0KGgo…"], "spread": None}


def model_routes(service: Service) -> APIRouter:
    """The routes of /v1/models."""
    routes = APIRouter(prefix="/v1/models", tags=["models"], dependencies=[Depends(refuse_unknown_words)])

    @routes.get("", summary="What is served")
    async def read_models() -> list[dict[str, Any]]:
        return service.described()

    @routes.post(
        "/{model}/recognize",
        summary="Classify images",
        openapi_extra=_UPLOAD,
        responses={
            **_reasons(OF_UPLOADS, {409: "the training images are not available, so there are no nearest ones"}),
            **_answers("application/json", example=RECOGNIZED),
        },
    )
    async def recognize(
        request: Request,
        model: Model,
        prepare: Annotated[
            Literal["model", "digit"],
            Query(
                description="model: prepared like the training images, whatever its size; digit: one drawn "
                "character is cut out and centered as MNIST has its digits"
            ),
        ] = "model",
        nearest: Annotated[
            int, Query(ge=0, le=MOST_NEAREST, description="also so many training images that are nearest to it")
        ] = 0,
    ) -> Response:
        return await service.answer(request, model, "recognize", {"prepare": prepare, "nearest": nearest})

    @routes.post(
        "/{model}/embed",
        summary="The recognizer's features of images",
        openapi_extra=_UPLOAD,
        responses={
            **_reasons(OF_UPLOADS),
            **_answers("application/json", "application/zip", example={"features": [[0.1, -0.2]]}),
        },
    )
    async def embed(
        request: Request,
        model: Model,
        format: Annotated[Literal["json", "npz"], Query(description="npz holds the array features")] = "json",
    ) -> Response:
        return await service.answer(request, model, "embed", {"format": format})

    @routes.get(
        "/{model}/generate",
        summary="Make images",
        responses={**_reasons(), **_answers("image/png", "application/zip", "application/json", example=MADE)},
    )
    async def generate(
        request: Request,
        model: Model,
        count: Annotated[int, Query(ge=1, le=MOST_GENERATED, description="how many")] = 100,
        label: Class = None,
        seed: Seed = 0,
        truncation: Annotated[
            float, Query(gt=0, le=1, description="below 1: more typical, less varied", allow_inf_nan=False)
        ] = 1.0,
        format: Annotated[
            Literal["png", "npz", "json"], Query(description="a grid; arrays; a PNG in base64 each")
        ] = "png",
    ) -> Response:
        query = {"count": count, "class": label, "seed": seed, "truncation": truncation, "format": format}
        return await service.answer(request, model, "generate", query)

    @routes.get(
        "/{model}/between",
        summary="Interpolate between two images",
        responses={**_reasons(), **_answers("application/json", "image/png", "application/zip", example=MADE)},
    )
    async def walk(
        request: Request,
        model: Model,
        from_seed: Seed = 0,
        to_seed: Seed = 1,
        from_class: End = None,
        to_class: End = None,
        steps: Annotated[int, Query(ge=2, le=MOST_STEPS, description="images, with both ends")] = 9,
        format: Annotated[
            Literal["json", "png", "npz"], Query(description="a PNG in base64 each; a strip; arrays")
        ] = "json",
    ) -> Response:
        query = {
            "from_seed": from_seed,
            "to_seed": to_seed,
            "from_class": from_class,
            "to_class": to_class,
            "steps": steps,
            "format": format,
        }
        return await service.answer(request, model, "between", query)

    @routes.post(
        "/{model}/repair",
        summary="Repair a damaged image",
        description="What is wholly transparent in a PNG is hidden, and made anew; the rest stays, unless it is noisy.",
        openapi_extra=_UPLOAD,
        responses={**_reasons(OF_UPLOADS), **_answers("application/json", example=REPAIRED)},
    )
    async def repair(
        request: Request,
        model: Model,
        answers: Annotated[int, Query(ge=1, le=MOST_ANSWERS, description="how many different ones")] = 1,
        seed: Seed = 0,
        noise: Annotated[
            float,
            Query(
                ge=0,
                le=1,
                allow_inf_nan=False,
                description="Gaussian noise that the picture is given before it is repaired: its standard deviation, "
                "of 1; then every pixel is repaired, not the hidden ones alone",
            ),
        ] = 0.0,
    ) -> Response:
        return await service.answer(request, model, "repair", {"answers": answers, "seed": seed, "noise": noise})

    return routes
