"""One person's uploads have a total: by name where people log in, else by address, in a day."""

import asyncio
import http.client
import urllib.parse
from types import SimpleNamespace

import pytest

from tests.ui import fake
from trajvlm.ui.chat import serve
from trajvlm.ui.chat_registry import DAY_S
from trajvlm.ui.upload_limits import MOST_UPLOADED_MB
from trajvlm.ui.upload_quota import UploadTotal

PAGE = SimpleNamespace(cookie_id="x", tokens={"t1": "ada", "t2": "bob"})


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture()
def upload():
    """Sends a request's head to a total of 100 bytes; returns the status, 200 where it was let through."""
    clock = Clock()

    async def let_through(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})

    total = UploadTotal(let_through, most=100, clock=clock)

    def send(size, cookie="", address="10.0.0.1", path="/gradio_api/upload", method="POST"):
        headers = [] if size is None else [(b"content-length", str(size).encode())]
        headers += [(b"cookie", cookie.encode())]
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "headers": headers,
            "app": PAGE,
            "client": (address, 1),
        }
        sent = []

        async def note(message):
            sent.append(message)

        asyncio.run(total(scope, None, note))
        return sent[0]["status"]

    send.clock = clock
    return send


def test_uploads_beyond_the_total_are_refused_until_a_day_later(upload):
    assert [upload(60), upload(40), upload(1)] == [200, 200, 413]
    upload.clock.now = DAY_S / 2
    assert upload(1) == 413
    upload.clock.now = DAY_S + 1
    assert [upload(100), upload(1)] == [200, 413]


def test_a_refused_upload_does_not_count(upload):
    assert [upload(101), upload(100)] == [413, 200]


def test_everybody_has_a_total_of_their_own(upload):
    assert [upload(100), upload(1), upload(100, address="10.0.0.2")] == [200, 413, 200]
    ada, bob = "access-token-x=t1", "access-token-unsecure-x=t2"
    assert [upload(100, ada), upload(1, ada, "10.0.0.9"), upload(100, bob)] == [200, 413, 200]


def test_an_upload_that_does_not_say_how_long_it_is_is_refused(upload):
    assert [upload(None), upload("-5"), upload("x")] == [411, 411, 411]


def test_everything_else_is_let_through(upload):
    assert upload(100) == 200
    assert [upload(1000, path="/gradio_api/queue/join"), upload(None, method="GET")] == [200, 200]


def test_the_page_refuses_what_is_too_much_before_it_is_read():
    page = serve(describer=fake.FakeDescriber(), wait=False)
    try:
        connection = http.client.HTTPConnection(urllib.parse.urlparse(page.local_url).netloc, timeout=60)
        connection.putrequest("POST", "/gradio_api/upload")
        connection.putheader("Content-Type", "multipart/form-data; boundary=x")
        connection.putheader("Content-Length", str((MOST_UPLOADED_MB + 1) * 2**20))
        connection.endheaders()
        answer = connection.getresponse()
        assert answer.status == 413 and b"by one person" in answer.read()
    finally:
        page.close()
