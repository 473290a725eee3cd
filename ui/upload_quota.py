"""How much one person may upload in a day: more is refused before it is read.

A person is a name that logged in or, on a page without logins, an address.
"""

import time
from collections import deque
from collections.abc import Callable

from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from trajvlm.ui.chat_registry import DAY_S
from trajvlm.ui.upload_limits import MOST_UPLOADED_MB

_MB = 2**20


class UploadTotal:
    """ASGI middleware around gradio's upload route."""

    def __init__(self, app: ASGIApp, most: int = MOST_UPLOADED_MB * _MB, clock: Callable[[], float] = time.monotonic):
        """`most` in bytes."""
        self._app, self._most, self._clock = app, most, clock
        self._uploads: dict[str, deque[tuple[float, int]]] = {}
        """Of each person, time and bytes of the last day's uploads, the oldest first."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "POST" and scope["path"].rstrip("/").endswith("/upload"):
            refused = self._refused(HTTPConnection(scope))
            if refused is not None:
                return await refused(scope, receive, send)
        return await self._app(scope, receive, send)

    def _refused(self, upload: HTTPConnection) -> PlainTextResponse | None:
        """Count an upload; returns the response that refuses it, None where it is let in."""
        length = upload.headers.get("content-length", "")
        if not length.isdecimal():
            return PlainTextResponse("an upload has to say how long it is (Content-Length)", 411)
        now = self._clock()
        self._forget(now - DAY_S)
        mine = self._uploads.setdefault(_person(upload), deque())
        if sum(size for _, size in mine) + int(length) > self._most:
            return PlainTextResponse(
                f"more than {self._most // _MB} MB in a day can't be uploaded by one person; trim videos to the "
                "stretch in which the object moves, or go on tomorrow",
                413,
            )
        mine.append((now, int(length)))
        return None

    def _forget(self, before: float) -> None:
        for person, uploads in list(self._uploads.items()):
            while uploads and uploads[0][0] < before:
                uploads.popleft()
            if not uploads:
                del self._uploads[person]


def _person(upload: HTTPConnection) -> str:
    """The name that is logged in, by gradio's cookie; otherwise the address."""
    page = upload.scope["app"]
    for kind in ("access-token", "access-token-unsecure"):
        name = page.tokens.get(upload.cookies.get(f"{kind}-{page.cookie_id}"))
        if name is not None:
            return f"name {name}"
    return f"address {upload.client.host if upload.client else ''}"
