"""Who may talk to a local page: requests that name it by its own address, and changes that come from it.

Another page in the same browser can send requests to a loopback port, and by DNS rebinding under a name of its own: the
Host header tells the second, the Origin header the first (OWASP, "Cross-Site Request Forgery Prevention").
"""

from __future__ import annotations

from collections.abc import Mapping

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SAFE = frozenset({"GET", "HEAD"})
LOOPBACK = ("127.0.0.1", "localhost")
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
HEADERS: Mapping[str, str] = {
    "content-security-policy": POLICY,
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cross-origin-resource-policy": "same-origin",
}


class Guard:
    """Lets an app hear only requests for its own address, and only its own page change anything.

    Every answer forbids what the page does not need, and keeps nothing in a cache.
    """

    def __init__(self, app: ASGIApp, *, port: int) -> None:
        self.app = app
        self.hosts = {f"{host}:{port}" for host in LOOPBACK}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hears a request, or refuses it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def sealed(message: Message) -> None:
            if message["type"] == "http.response.start":
                known = [pair for pair in message["headers"] if pair[0].decode("latin-1") not in HEADERS]
                added = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in HEADERS.items()]
                message = {**message, "headers": known + added}
            await send(message)

        refusal = self._refusal(scope["method"], Headers(scope=scope))
        app = self.app if refusal is None else PlainTextResponse(refusal, status_code=403)
        await app(scope, receive, sealed)

    def _refusal(self, method: str, headers: Headers) -> str | None:
        host = headers.get("host", "")
        if host not in self.hosts:
            return "this page is only to be had under its own address\n"
        if method in SAFE:
            return None
        if headers.get("origin") != f"http://{host}":
            return "only this page itself may change anything here\n"
        if headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            return "send JSON\n"
        return None
