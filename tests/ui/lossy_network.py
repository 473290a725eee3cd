"""A proxy before the page that delays the end of each event stream, as a network that loses packets may."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from urllib.parse import urlsplit

from anyio.from_thread import start_blocking_portal

_END = b"close_stream"
_LATE_S = 0.5
"""As long as a lost packet may be waited for; everything else goes by meanwhile."""


@contextmanager
def late_ends(url: str) -> Iterator[str]:
    """The address at which the page at `url` is seen through such a network."""
    page = urlsplit(url)

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_page, to_page = await asyncio.open_connection(page.hostname, page.port)
        await asyncio.gather(_carry(reader, to_page), _carry(from_page, writer))

    with start_blocking_portal() as portal:
        server = portal.call(partial(asyncio.start_server, connect, "127.0.0.1", 0))
        try:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        finally:
            portal.call(server.close)


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(2**16):
            if _END in data:
                at = data.rfind(b"data:", 0, data.index(_END))
                writer.write(data[:at])
                await writer.drain()
                await asyncio.sleep(_LATE_S)
                data = data[at:]
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()
