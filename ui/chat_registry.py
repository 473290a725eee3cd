"""The chats of everybody who has the page open: one conversation each, found by the key that the browser sends."""

import threading
import time
from collections.abc import Callable

from trajvlm.ui.conversation import Conversation

DAY_S = 86_400
MOST_CHATS = 100


class Chats:
    """Conversations by key. Those unused for longer than `idle_s` are closed and, beyond `most`, those unused the
    longest; none while it answers."""

    def __init__(
        self,
        begin: Callable[[], Conversation],
        most: int = MOST_CHATS,
        idle_s: float = DAY_S,
        clock: Callable[[], float] = time.monotonic,
    ):
        self._begin, self._most, self._idle_s, self._clock = begin, most, idle_s, clock
        self._lock = threading.Lock()
        self._chats: dict[str, tuple[Conversation, float]] = {}
        """With the time of their last use, the latest last."""

    def of(self, key: str) -> Conversation:
        """The conversation of a key, begun if there is none. Raises UserError as `Conversation` does."""
        now = self._clock()
        with self._lock:
            known = self._chats.pop(key, None)
            chat = known[0] if known else self._begin()
            stale = [k for k, (other, used) in self._chats.items() if now - used > self._idle_s and not other.busy]
            spare = [k for k, (other, _) in self._chats.items() if k not in stale and not other.busy]
            beyond = len(self._chats) - len(stale) + 1 - self._most
            closed = [self._chats.pop(k)[0] for k in stale + spare[: max(beyond, 0)]]
            self._chats[key] = chat, now
        for other in closed:
            other.close()
        return chat

    def begun(self, key: str) -> Conversation | None:
        """The conversation of a key, None if there is none."""
        with self._lock:
            chat, _ = self._chats.get(key, (None, None))
            return chat
