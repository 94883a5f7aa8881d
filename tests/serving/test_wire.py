import asyncio
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elmyr.serving.worker.wire import LENGTHS, Broken, Frame, packed, read_frame, receive

HEADERS = st.dictionaries(
    st.text().filter(lambda name: name != "sizes"), st.one_of(st.none(), st.integers(), st.text())
)


@given(HEADERS, st.lists(st.binary(max_size=200), max_size=5))
def test_a_frame_comes_out_as_it_went_in(header: dict[str, object], parts: list[bytes]) -> None:
    stream = BytesIO(packed(header, parts) * 2)
    assert [read_frame(stream) for _ in range(3)] == [(header, parts), (header, parts), None]


async def received(content: bytes) -> Frame | None:
    stream = asyncio.StreamReader()
    stream.feed_data(content)
    stream.feed_eof()
    return await receive(stream)


def test_a_frame_that_is_cut_is_none_and_no_half_of_one() -> None:
    whole = packed({"batch": 1}, [b"abc", b""])
    assert asyncio.run(received(whole)) == ({"batch": 1}, [b"abc", b""])
    for length in range(len(whole)):
        assert asyncio.run(received(whole[:length])) is None
        if length:
            with pytest.raises(Broken):
                read_frame(BytesIO(whole[:length]))


@pytest.mark.parametrize(
    "content",
    [
        LENGTHS.pack(2**31, 0) + b"{}",
        LENGTHS.pack(2, 0) + b"[]",
        LENGTHS.pack(2, 0) + b"{}",
        LENGTHS.pack(14, 0) + b'{"sizes": [1]}',
        LENGTHS.pack(18, 0) + b'{"sizes": [-1, 1]}',
        LENGTHS.pack(3, 0) + b"\xff\xfe{",
    ],
)
def test_what_is_no_frame_is_not_taken_for_one(content: bytes) -> None:
    with pytest.raises(Broken):
        read_frame(BytesIO(content))
    with pytest.raises(Broken):
        asyncio.run(received(content))
