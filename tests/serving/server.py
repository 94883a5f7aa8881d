"""A survey that is served for real, on a loopback port, in a thread of the test."""

import http.client
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn

from elmyr.evaluation.people.survey import Form, Survey
from elmyr.images import ImageSet
from elmyr.report.words import words_in
from elmyr.serving.http.start import address_of, listening, port_of
from elmyr.serving.http.survey_app import survey_app
from tests.conftest import small_image_set


@dataclass
class Answered:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Served:
    url: str
    port: int
    survey: Survey
    pictures: dict[str, ImageSet]

    def ask(self, method: str, path: str, content: Any = None, seat: str = "", **headers: str | None) -> Answered:
        """A request as the page sends it; `headers` (underscores for hyphens) change or, with None, leave one out."""
        sent = {"host": f"127.0.0.1:{self.port}", "cookie": f"elmyr-seat-{self.port}={seat}"}
        if method == "POST":
            sent |= {"origin": f"http://127.0.0.1:{self.port}", "content-type": "application/json"}
        for name, value in headers.items():
            sent.pop(name.replace("_", "-"), None)
            if value is not None:
                sent[name.replace("_", "-")] = value
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            body = b"" if content is None else json.dumps(content).encode()
            for name, value in (sent | {"content-length": str(len(body))}).items():
                connection.putheader(name, value)
            connection.endheaders(body)
            answer = connection.getresponse()
            return Answered(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def sit(self, name: str = "") -> str:
        """Takes a seat; its token."""
        told = self.ask("POST", "/seat", {"name": name})
        assert told.status == 200, told.body
        return told.headers["set-cookie"].split("=")[1].split(";")[0]


@contextmanager
def served(
    folder: Path, form: Form = "single", language: str = "en", show: float | None = None, **options: int
) -> Iterator[Served]:
    both = small_image_set(80)
    generated = small_image_set(80, seed=1)
    generated.images[:, ::2] = 0  # fewer bytes once compressed, as a generator's smooth images may have
    pictures = {"real": both, "generated": generated}
    classes = [both.classes[label] for label in both.require_labels().tolist()]
    survey = Survey(folder / "survey.sqlite", "this run", classes, form=form, **options)
    with listening(0) as opened:
        port = port_of(opened)
        app = survey_app(survey, pictures, port=port, show=show, words=words_in(language))
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", ws="none"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [opened]})
        thread.start()
        try:
            yield Served(address_of(opened), port, survey, pictures)
        finally:
            server.should_exit = True
            thread.join()
