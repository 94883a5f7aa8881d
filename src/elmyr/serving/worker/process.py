"""The worker: a process of its own that holds the models, so that page and health checks stay quick.

    python -m elmyr.serving.worker.process OPTIONS

speaks frames (`wire`) on stdin and stdout, and ends where stdin ends. Its death loses what it was at, and no more.
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, BinaryIO

from elmyr.core.plugins import failing_in, load_all
from elmyr.serving.catalog import WorkerOptions
from elmyr.serving.http.answers import Answer, refusal
from elmyr.serving.worker.models import Models
from elmyr.serving.worker.operations import answer_together
from elmyr.serving.worker.wire import packed, read_frame


def main(words: Sequence[str]) -> None:
    """Answers until stdin ends."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # which may be sent to all processes: the page's says when to end
    spoken = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # whatever is printed on the way is no frame
    load_all()
    options = WorkerOptions.of_word(words[0])
    models = Models(options)
    with sharing_the_machine(options.threads):
        _say(spoken, packed({"hello": os.getpid()}))
        while (frame := read_frame(sys.stdin.buffer)) is not None:
            _say(spoken, _answered(models, *frame))


def _answered(models: Models, header: dict[str, Any], bodies: list[bytes]) -> bytes:
    answers = _answers(models, header["model"], header["operation"], header["queries"], bodies)
    told = {
        "batch": header["batch"],
        "answers": [(answer.status, answer.media_type) for answer in answers],
        "loaded": models.names,
    }
    return packed(told, [answer.content for answer in answers])


def _answers(
    models: Models, model: str, operation: str, queries: Sequence[dict[str, Any]], bodies: Sequence[bytes]
) -> list[Answer]:
    try:
        return answer_together(models, model, operation, queries, bodies)
    except Exception as error:  # a defect: whoever asked is told, and the others are served on
        if len(bodies) > 1:
            alone = zip(queries, bodies, strict=True)
            return [answer for query, body in alone for answer in _answers(models, model, operation, [query], [body])]
        traceback.print_exc()
        whose = failing_in(error) or "this is a defect of elmyr"
        return [refusal(500, f"{whose} ({type(error).__name__}): the log says more")]


def _say(stream: BinaryIO, frame: bytes) -> None:
    left = memoryview(frame)
    while left:
        left = left[stream.write(left) :]


def sharing_the_machine(threads: int | None) -> AbstractContextManager[None]:
    """Inside, so many threads compute; where nobody has said how many, a core stays for the page's process."""
    from elmyr.core.thread_counts import AUTO, cores, set_by_user
    from elmyr.core.threads import computing

    return computing(threads or AUTO, most=None if set_by_user() else max(1, cores() - 1))


if __name__ == "__main__":
    main(sys.argv[1:])
