import asyncio
from collections.abc import Iterator

import pytest

from elmyr.serving.http.answers import Answer
from elmyr.serving.http.http_errors import HTTPError
from elmyr.serving.http.limits import TOGETHER, TOGETHER_BYTES, WAITING, WAITING_BYTES
from elmyr.serving.worker.batching import Job, Queues


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


def job(loop: asyncio.AbstractEventLoop, model: str = "a", operation: str = "recognize", body: bytes = b"x") -> Job:
    return Job(model, operation, {}, body, loop.create_future())


def test_what_waits_is_taken_together_and_the_longest_waiting_kind_first(loop: asyncio.AbstractEventLoop) -> None:
    queues = Queues()
    full = {"r": "recognize", "g": "generate"}
    jobs = [job(loop, model, full[operation]) for model, operation in ("ar", "br", "ar", "ag", "br", "ar", "ag")]
    for each in jobs:
        queues.put(each)
    assert queues.take() == [jobs[0], jobs[2], jobs[5]]
    assert queues.take() == [jobs[1], jobs[4]]
    assert [queues.take(), queues.take()] == [[jobs[3]], [jobs[6]]]  # each alone: it gains nothing by company
    assert queues.take() == []


def test_no_more_are_taken_than_are_answered_together_by_count_and_by_bytes(loop: asyncio.AbstractEventLoop) -> None:
    queues = Queues()
    for _ in range(TOGETHER["recognize"] + 1):
        queues.put(job(loop))
    assert [len(queues.take()) for _ in range(2)] == [TOGETHER["recognize"], 1]
    for _ in range(3):
        queues.put(job(loop, body=bytes(TOGETHER_BYTES // 2 + 1)))
    assert [len(queues.take()) for _ in range(4)] == [1, 1, 1, 0]
    queues.put(job(loop, body=bytes(3 * TOGETHER_BYTES)))  # one alone may be larger
    assert len(queues.take()) == 1


def test_a_full_queue_refuses_at_once_and_leaves_the_others_open(loop: asyncio.AbstractEventLoop) -> None:
    queues = Queues()
    for _ in range(WAITING["recognize"]):
        queues.put(job(loop))
    with pytest.raises(HTTPError) as refused:
        queues.put(job(loop))
    assert refused.value.status == 429 and refused.value.headers["retry-after"] == "1"
    queues.put(job(loop, model="b"))
    assert len(queues) == WAITING["recognize"] + 1
    queues.put(job(loop, model="c", body=bytes(2 * WAITING_BYTES)))  # alone it may be of any size
    with pytest.raises(HTTPError):
        queues.put(job(loop, model="c"))
    assert len(queues) == WAITING["recognize"] + 2


def test_who_has_gone_or_waited_too_long_takes_no_place_and_no_work(loop: asyncio.AbstractEventLoop) -> None:
    queues = Queues()
    jobs = [job(loop) for _ in range(WAITING["recognize"])]
    for each in jobs:
        queues.put(each)
    jobs[0].abandon()
    jobs[1].expire()
    jobs[1].settle(Answer(200, "text/plain", b"late"))  # changes nothing
    assert [each.future.exception().status for each in jobs[:2]] == [499, 504]  # type: ignore[union-attr]
    late = job(loop)
    queues.put(late)
    taken = [each for _ in range(3) for each in queues.take()]
    assert taken == [*jobs[2:], late]


def test_at_the_end_nobody_waits_in_vain(loop: asyncio.AbstractEventLoop) -> None:
    queues, jobs = Queues(), [job(loop, model) for model in "abc"]
    for each in jobs:
        queues.put(each)
    queues.refuse_all(HTTPError(503, "the end"))
    assert all(each.future.exception() is not None for each in jobs) and len(queues) == 0
