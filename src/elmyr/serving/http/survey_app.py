"""The survey as a web app: a page, what it asks, and the images, none of which tells what is real."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from fastapi import Cookie, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from elmyr.core.errors import InputError
from elmyr.evaluation.people.answers import results_of
from elmyr.evaluation.people.survey import NoSeat, SeatsTaken, Standing, Survey
from elmyr.images import ImageSet
from elmyr.report.words import ENGLISH, Words
from elmyr.serving.http.guard import Guard
from elmyr.serving.http.pictures import equal_pngs
from elmyr.serving.pages.survey_page import survey_page

STATIC = Path(__file__).parents[1] / "static"
STATUS = {SeatsTaken: 409, NoSeat: 404}


class Name(BaseModel):
    """Who sits down."""

    model_config = ConfigDict(extra="forbid")
    name: str = Field("", max_length=200)


class GivenAnswer(BaseModel):
    """An answer to a question, as the page sends it."""

    model_config = ConfigDict(extra="forbid")
    question: int
    choice: int
    seconds: float


def survey_app(
    survey: Survey,
    pictures: Mapping[str, ImageSet],
    *,
    port: int,
    show: float | None = None,
    words: Words = ENGLISH,
) -> ASGIApp:
    """The app of a survey whose images are `pictures["real"]` and `pictures["generated"]`, as many of each.

    show: seconds after which an image is hidden. All images are encoded before the first question, in one way and to
    one length, and nothing of them is kept by the browser: neither time nor size tells one from the other.
    """
    encoded = _encoded(pictures)
    cookie = f"elmyr-seat-{port}"  # the browser keeps one jar for all ports
    of_cookie = Cookie("", alias=cookie)
    page = survey_page(survey.form, show, words)
    app = FastAPI(title="elmyr survey", docs_url=None, redoc_url=None, openapi_url=None)
    app.mount("/static", StaticFiles(directory=STATIC))

    _add_refusals(app)

    @app.get("/", response_class=HTMLResponse)
    def read_page() -> str:
        return page

    @app.get("/standing")
    def read_standing(seat: str = of_cookie) -> dict[str, Any]:
        return _told(survey.standing(seat))

    @app.post("/seat")
    def take_seat(who: Name) -> JSONResponse:
        token = survey.take_seat(who.name)
        told = JSONResponse(_told(survey.standing(token)))
        told.set_cookie(cookie, token, httponly=True, samesite="strict", max_age=30 * 24 * 3600)
        return told

    @app.post("/leave")
    def leave(seat: str = of_cookie) -> JSONResponse:
        survey.leave(seat)
        told = JSONResponse({})
        told.delete_cookie(cookie, httponly=True, samesite="strict")
        return told

    @app.post("/answer")
    def answer(given: GivenAnswer, seat: str = of_cookie) -> dict[str, Any]:
        return _told(survey.answer(seat, given.question, given.choice, given.seconds))

    @app.get("/images/{token}")
    def read_image(token: str) -> Response:
        side, place = survey.image(token)
        return Response(encoded[side][place], media_type="image/png")

    return Guard(app, port=port)


def _add_refusals(app: FastAPI) -> None:
    @app.exception_handler(InputError)
    def refuse(request: Request, error: InputError) -> JSONResponse:
        return JSONResponse({"error": str(error)}, status_code=STATUS.get(type(error), 422))

    @app.exception_handler(RequestValidationError)
    def refuse_form(request: Request, error: RequestValidationError) -> JSONResponse:
        # Nothing of what was sent is told: JSON can hold what no answer can, such as half a character.
        return JSONResponse({"error": "this is nothing that the survey's page sends"}, status_code=422)


def _encoded(pictures: Mapping[str, ImageSet]) -> dict[str, Sequence[bytes]]:
    sides = list(pictures)
    together = equal_pngs([image for side in sides for image in pictures[side].in_memory()])
    found: dict[str, Sequence[bytes]] = {}
    for side in sides:
        found[side], together = together[: len(pictures[side])], together[len(pictures[side]) :]
    return found


def _told(standing: Standing) -> dict[str, Any]:
    """What the page hears: what was right only where all is answered."""
    told: dict[str, Any] = {"name": standing.name, "answered": standing.answered, "total": standing.total}
    if standing.question is not None:
        return told | {"question": asdict(standing.question)}
    return told | {"results": [one.as_json() for one in results_of(standing.answers)]}
