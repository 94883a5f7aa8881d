"""Many clients at once, on sockets of their own."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

HANGS = 60.0  # seconds after which a request that is not answered is taken for one that never will be


@dataclass(frozen=True)
class Outcome:
    """What a client saw of a request: its status, or 0 where the connection was not made or ended without a word."""

    number: str
    status: int


def request_of(port: int, body: bytes, number: str, path: str = "/v1/models/reader/recognize") -> bytes:
    head = (
        f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nx-request-id: {number}\r\n"
        f"content-type: application/x-npy\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def client(port: int, body: bytes, name: str, most: int, seen: Callable[[Outcome], bool]) -> None:
    """Asks up to so often, over one connection while that is kept, until `seen` says that it is enough."""
    reader: asyncio.StreamReader | None = None
    writer: asyncio.StreamWriter | None = None
    for turn in range(most):
        number, status = f"{name}-{turn}", 0
        try:
            async with asyncio.timeout(HANGS):
                if reader is None or writer is None:
                    reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(request_of(port, body, number))
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
                await reader.readexactly(length)
                status = int(head[9:12])
                if b"connection: close" in head:
                    writer.close()
                    reader = writer = None
        except (ConnectionError, asyncio.IncompleteReadError):
            if writer is not None:
                writer.close()
            reader = writer = None
        if not seen(Outcome(number, status)):
            break
    if writer is not None:
        writer.close()


async def load(
    port: int, body: bytes, clients: int, most: int, seen: Callable[[Outcome], bool] = lambda outcome: True
) -> list[Outcome]:
    """What so many clients saw, each asking up to `most` times. TimeoutError where a request hangs."""
    outcomes: list[Outcome] = []

    def noted(outcome: Outcome) -> bool:
        outcomes.append(outcome)
        return seen(outcome)

    await asyncio.gather(*(client(port, body, f"client{number}", most, noted) for number in range(clients)))
    return outcomes
