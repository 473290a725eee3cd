"""The queue of a chat: its turns run one at a time, in the order in which they came, from any thread or event loop."""

import asyncio
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from concurrent.futures import Future
from contextlib import closing
from functools import partial
from typing import Generic, TypeVar

from anyio import CapacityLimiter, to_thread

Step = TypeVar("Step")
_AT_ONCE = CapacityLimiter(8)
"""Limits the steps, of all chats, that run in threads at the same time; waiting for a turn takes no thread."""
_END = object()


class Line:
    """A queue of places; each is a future that is done once it is at the front."""

    def __init__(self):
        self._lock = threading.Lock()
        self._places: deque[Future] = deque()

    def __len__(self) -> int:
        return len(self._places)

    def join(self) -> Future:
        """A new place at the end. Its holder has to `leave` it, even if it stops waiting."""
        place: Future[None] = Future()
        with self._lock:
            self._places.append(place)
            front = len(self._places) == 1
        if front:
            _call(place)
        return place

    def leave(self, place: Future) -> None:
        with self._lock:
            front = self._places[0] is place
            self._places.remove(place)
            following = self._places[0] if front and self._places else None
        if following is not None:
            _call(following)


class Turn(Generic[Step]):
    """Steps that begin when it is their turn, to be iterated once: `for` waits in a thread, `async for` in a loop.

    The turn lasts until the iteration ends or is given up.
    """

    def __init__(self, line: Line, steps: Callable[[], Generator[Step]]):
        self._line, self._steps = line, steps

    def __iter__(self) -> Iterator[Step]:
        place = self._line.join()
        try:
            place.result()
            yield from self._steps()
        finally:
            self._line.leave(place)

    async def __aiter__(self) -> AsyncIterator[Step]:
        place = self._line.join()
        try:
            await asyncio.wrap_future(place)
            with closing(self._steps()) as steps:
                while (step := await _finished(next, steps, _END)) is not _END:
                    yield step
        finally:
            self._line.leave(place)


async def _finished(step: Callable, *arguments):
    """Run a step in a thread and return its value. A task that is cancelled meanwhile waits for the step: a thread
    can't be stopped, and the next turn must not begin beside it."""
    running = asyncio.ensure_future(to_thread.run_sync(partial(step, *arguments), limiter=_AT_ONCE))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait([running])
        raise


def _call(place: Future) -> None:
    """Tell a place that it is at the front; one whose waiting was cancelled is about to leave, and calls the next."""
    if place.set_running_or_notify_cancel():
        place.set_result(None)
