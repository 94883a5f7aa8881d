"""Where a local page listens, and until when."""

from __future__ import annotations

import errno
import socket

import uvicorn
from starlette.types import ASGIApp

from elmyr.errors import InputError

ADDRESS = "127.0.0.1"
LAST_PORT = 65535
TRIED = 50  # ports after the asked one


def listening(port: int, *, next_free: bool = False) -> socket.socket:
    """A socket that listens on a loopback port, 0 for any, or on the next free one where that is asked for.

    InputError where the port is in use or may not be had.
    """
    if not 0 <= port <= LAST_PORT:
        raise InputError(f"--port is {port}: it is from 0 to {LAST_PORT}")
    last = min(port + TRIED, LAST_PORT) if next_free and port else port
    for candidate in range(port, last + 1):
        opened = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        # A port whose last page has just ended is free; one that is listened on is not.
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            opened.bind((ADDRESS, candidate))
            opened.listen()
        except OSError as error:
            opened.close()
            if error.errno == errno.EADDRINUSE and candidate < last:
                continue
            reason = "in use" if error.errno == errno.EADDRINUSE else f"not to be had ({error.strerror})"
            ports = f"port {port} is" if candidate == port else f"ports {port} to {candidate} are"
            raise InputError(f"{ports} {reason}: choose another with --port, or add --next-port") from None
        return opened
    raise AssertionError("the range holds the asked port")


def address_of(opened: socket.socket) -> str:
    """The URL of what listens there."""
    return f"http://{ADDRESS}:{port_of(opened)}/"


def port_of(opened: socket.socket) -> int:
    """The port of a socket that listens."""
    return int(opened.getsockname()[1])


def serve_until_stopped(app: ASGIApp, opened: socket.socket) -> None:
    """Serves until Ctrl-C, which ends it in good order; SIGTERM is raised on afterwards."""
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, server_header=False, date_header=False, ws="none"
    )
    try:
        uvicorn.Server(config).run(sockets=[opened])
    except KeyboardInterrupt:
        pass
    finally:
        opened.close()
