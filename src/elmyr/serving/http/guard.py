"""Who may talk to a local page: requests that name it by its own address, and changes that come from it.

Another page in the same browser can send requests to a loopback port, and by DNS rebinding under a name of its own: the
Host header tells the second, the Origin header the first (OWASP, "Cross-Site Request Forgery Prevention"). Where a
page is open to other machines, a token tells who is meant.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping
from urllib.parse import parse_qs

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SAFE = frozenset({"GET", "HEAD"})
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
JSON = frozenset({"application/json"})
WORDS = ("application/json", "application/x-www-form-urlencoded")  # what words are sent as elsewhere
FOREIGN = frozenset({"cross-site", "same-site"})  # what a browser says of another page's request
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
POLICY_HEADER = "content-security-policy"
HEADERS: Mapping[str, str] = {
    POLICY_HEADER: POLICY,
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cross-origin-resource-policy": "same-origin",
}
OPEN = ("/health/",)  # what asks for no token
COOKIE_AGE = 30 * 24 * 3600


class Guard:
    """Lets an app hear only requests for its own address, and only its own page change anything.

    Another page may lead here by a link, and load nothing into itself: it could not see it, but make the machine work.
    Every answer forbids what the page does not need, unless it has a policy of its own, and is kept in no cache.

    names: its own, that a request may call it by. accepts: the content types that a change may have, none of which a
    foreign page can send without asking first. strangers: whether a change may come without an Origin, as from a
    program; a browser always names one. token: what every request but those for health must show, in an
    `Authorization: Bearer` header or a cookie, which `/?token=…` sets; any Host will do then.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        port: int,
        names: Collection[str] = LOOPBACK,
        accepts: Collection[str] = JSON,
        strangers: bool = False,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.app = app
        self.hosts = {f"{host}:{port}" for host in names} | (set(names) if port == 80 else set())
        self.accepts, self.strangers, self.token = accepts, strangers, token
        self.headers = {**HEADERS, **(headers or {})}
        self.cookie = f"elmyr-token-{port}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hears a request, or refuses it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def sealed(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = {name.decode("latin-1") for name, _ in message["headers"]} & {POLICY_HEADER}
                ours = {name: value for name, value in self.headers.items() if name not in own}
                known = [pair for pair in message["headers"] if pair[0].decode("latin-1") not in ours]
                added = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in ours.items()]
                message = {**message, "headers": known + added}
            await send(message)

        refused = self._refusal(scope, Headers(scope=scope))
        await (self.app if refused is None else refused)(scope, receive, sealed)

    def _refusal(self, scope: Scope, headers: Headers) -> Response | None:
        host = headers.get("host", "")
        if self.token is None:
            if host not in self.hosts:
                return _refused(403, "this page is only available at its own address")
        elif not scope["path"].startswith(OPEN):
            asked = parse_qs(scope["query_string"].decode("latin-1")).get("token", [])
            if scope["path"] == "/" and scope["method"] in SAFE and asked:
                return self._let_in(asked[0])
            if not self._is_token(_shown(headers, self.cookie)):
                message = "a token is needed: open /?token=… once, or send it as Authorization: Bearer …"
                return _refused(401, message, {"www-authenticate": "Bearer"})
        if headers.get("sec-fetch-site") in FOREIGN and headers.get("sec-fetch-dest") != "document":
            return _refused(403, "only this page itself may load anything from here")
        if scope["method"] in SAFE:
            return None
        origin = headers.get("origin")
        if origin not in (f"http://{host}", f"https://{host}") and not (self.strangers and self._no_page(headers)):
            return _refused(403, "only this page itself may change anything here")
        content_type = headers.get("content-type", "").partition(";")[0].strip().lower()
        if content_type not in self.accepts:
            words = "; what is asked goes behind '?', as ?count=4" if content_type in WORDS else ""
            told = f"the content type is '{content_type[:80]}': send {', '.join(sorted(self.accepts))}{words}"
            return _refused(415, told)
        return None

    @staticmethod
    def _no_page(headers: Headers) -> bool:
        return "origin" not in headers and headers.get("sec-fetch-site", "none") in ("none", "same-origin")

    def _is_token(self, shown: str) -> bool:
        assert self.token is not None
        return secrets.compare_digest(shown.encode("utf-8", "surrogateescape"), self.token.encode())

    def _let_in(self, shown: str) -> Response:
        """The cookie, and the page without the token in its address."""
        if not self._is_token(shown):
            return _refused(401, "this is not the token: take the address that the command printed")
        led = RedirectResponse("/", status_code=303)
        led.set_cookie(self.cookie, shown, httponly=True, samesite="strict", max_age=COOKIE_AGE)
        return led


def _shown(headers: Headers, cookie: str) -> str:
    """The token that a request shows; empty without any."""
    scheme, _, bearer = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return bearer.strip()
    return cookie_parser(headers.get("cookie", "")).get(cookie, "")


def _refused(status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    return JSONResponse({"error": message}, status, dict(headers or {}))
