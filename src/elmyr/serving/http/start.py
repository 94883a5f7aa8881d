"""Where a page listens, and until when."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import socket
from collections.abc import Callable
from types import FrameType

import uvicorn
from starlette.types import ASGIApp

from elmyr.core.errors import InputError
from elmyr.serving.http.connections import PatientOnly
from elmyr.serving.http.limits import DEADLINE

ADDRESS = "127.0.0.1"
LAST_PORT = 65535
TRIED = 50  # ports after the asked one
LINGER = 0.5  # seconds in which a service that stops answers still, and says that connections end
LAST_WORDS = 0.2  # seconds in which what is on its way into open connections is read


def is_loopback(host: str) -> bool:
    """Whether only this machine can come to an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def listening(port: int, *, next_free: bool = False, host: str = ADDRESS) -> socket.socket:
    """A socket that listens on a port, 0 for any, or on the next free one where that is asked for.

    InputError where the port is in use or may not be had, or the host is no address of this machine.
    """
    if not 0 <= port <= LAST_PORT:
        raise InputError(f"--port is {port}: it is from 0 to {LAST_PORT}")
    family, address = _resolved(host)
    last = min(port + TRIED, LAST_PORT) if next_free and port else port
    for candidate in range(port, last + 1):
        opened = socket.socket(family, socket.SOCK_STREAM)
        # A port whose last page has just ended is free; one that is listened on is not.
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            opened.bind((address, candidate))
            opened.listen()
        except OSError as error:
            opened.close()
            if error.errno == errno.EADDRINUSE and candidate < last:
                continue
            if error.errno == errno.EADDRNOTAVAIL:
                raise InputError(f"--host is '{host}', no address of this machine: give one that it has") from None
            reason = "in use" if error.errno == errno.EADDRINUSE else f"not available ({error.strerror})"
            ports = f"port {port} is" if candidate == port else f"ports {port} to {candidate} are"
            raise InputError(f"{ports} {reason}: choose another with --port, or add --next-port") from None
        return opened
    raise AssertionError("the range holds the asked port")


def _resolved(host: str) -> tuple[socket.AddressFamily, str]:
    try:
        found = socket.getaddrinfo(host.strip("[]"), None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError):
        raise InputError(f"--host is '{host[:80]}', which leads nowhere: give an address of this machine") from None
    first = min(found, key=lambda each: each[0] != socket.AF_INET)  # of localhost the older one, as before
    return first[0], str(first[4][0])


def address_of(opened: socket.socket) -> str:
    """The URL of what listens there."""
    host = opened.getsockname()[0]
    return f"http://{f'[{host}]' if ':' in host else host}:{port_of(opened)}/"


def port_of(opened: socket.socket) -> int:
    """The port of a socket that listens."""
    return int(opened.getsockname()[1])


class _Graceful(uvicorn.Server):
    """Told to end, says so at once, answers what is on its way, and lets what has been accepted finish."""

    def __init__(self, config: uvicorn.Config, at_stop: Callable[[], None]) -> None:
        super().__init__(config)
        self._at_stop = at_stop

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A signal to end."""
        self._at_stop()
        super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Ends."""
        self._at_stop()
        await asyncio.sleep(LINGER)
        for server in self.servers:
            server.close()
        await asyncio.sleep(LAST_WORDS)
        await super().shutdown(sockets)


def serve_until_stopped(app: ASGIApp, opened: socket.socket, *, at_stop: Callable[[], None] = lambda: None) -> None:
    """Serves until Ctrl-C, which ends it in good order; SIGTERM is raised on afterwards.

    at_stop: called when the end begins, maybe more than once.
    """
    config = uvicorn.Config(
        app,
        http=PatientOnly,
        log_level="error",
        access_log=False,
        server_header=False,
        date_header=False,
        ws="none",
        proxy_headers=False,
        timeout_graceful_shutdown=round(DEADLINE),
    )
    try:
        _Graceful(config, at_stop).run(sockets=[opened])
    except KeyboardInterrupt:
        pass
    finally:
        opened.close()
