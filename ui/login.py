"""Who may open the page: a file of names and hashes of passwords, one `name:hash` a line, by scrypt (RFC 7914).

trajvlm password ada >> people.txt
trajvlm ui --login people.txt
"""

import asyncio
import hashlib
import hmac
import re
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from trajvlm.data.errors import UserError

_KIND = "scrypt-16384-8-5"
"""16 MB of memory and some tenths of a second for each guess."""
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.5, 8.0
"""After one failure, and after five or more; at most some 10,000 guesses at a name in a day."""
_FAILURES_COUNTED = 10
_MOST_WAITING = 10
"""Attempts at a name at a time; a person makes one."""
_GROUPS = 256
_LINE = re.compile(rf"([^:]+):{_KIND}\$([0-9a-f]{{32}})\$([0-9a-f]{{64}})")


def line_of(name: str, password: str) -> str:
    """The line of a login file that lets a person in; raises UserError for a name or a password that can't be used."""
    name = name.strip()
    if not name or ":" in name or name.startswith("#") or not name.isprintable():
        raise UserError(f"{name!r} can't be a name; use letters and digits, without a colon")
    if not password:
        raise UserError("the password is empty; type one")
    salt = secrets.token_bytes(16)
    return f"{name}:{_KIND}${salt.hex()}${_hashed(password, salt).hex()}"


class People:
    """Names and the hashes of their passwords; whoever guesses waits longer after each failure."""

    def __init__(self, path: Path, sleep: Callable[[float], Awaitable] = asyncio.sleep):
        """Read a login file; empty lines and those that begin with # do not count.

        Raises:
            UserError: the file can't be read, or holds no name, one twice, or a line that is no `name:hash`.
        """
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except OSError as error:
            raise UserError(f"the login file {path} can't be read ({error.strerror}); {_MAKE}") from error
        except UnicodeDecodeError as error:
            raise UserError(f"the login file {path} is not text; {_MAKE}") from error
        self._people: dict[str, tuple[bytes, bytes]] = {}
        for number, line in enumerate(lines, 1):
            if not line.strip() or line.startswith("#"):
                continue
            found = _LINE.fullmatch(line.strip())
            name = found[1].strip() if found else ""
            if found is None or not name or name in self._people:
                wrong = f"names {name} twice" if name else "is not a name, a colon and a hash"
                raise UserError(f"line {number} of the login file {path} {wrong}; {_MAKE}")
            self._people[name] = bytes.fromhex(found[2]), bytes.fromhex(found[3])
        if not self._people:
            raise UserError(f"the login file {path} holds no name, so nobody could log in; {_MAKE}")
        self._sleep = sleep
        self._tries = [_Tries() for _ in range(_GROUPS)]

    async def admit(self, name: str, password: str) -> bool:
        """Whether the password is that person's; takes as long for a name that nobody has.

        Attempts at a name are checked one at a time, after a wait that grows with each failure; where many wait
        already, one more is refused at once.
        """
        # In groups, by a hash that nobody can foresee: unknown names wait like known ones, and take no memory.
        tries = self._tries[hash(name) % _GROUPS]
        if tries.waiting >= _MOST_WAITING:
            return False
        tries.waiting += 1
        try:
            async with tries.one_at_a_time:
                if tries.failed:
                    await self._sleep(min(_FIRST_WAIT_S * 2 ** (tries.failed - 1), _LONGEST_WAIT_S))
                salt, key = self._people.get(name, (bytes(16), b""))
                # In a thread, so that the page answers others meanwhile.
                admitted = hmac.compare_digest(await asyncio.to_thread(_hashed, password, salt), key)
                tries.failed = 0 if admitted else min(tries.failed + 1, _FAILURES_COUNTED)
                return admitted
        finally:
            tries.waiting -= 1


@dataclass
class _Tries:
    """Attempts at the names of one group."""

    failed: int = 0
    """In a row."""
    waiting: int = 0
    one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)


_MAKE = "make its lines with `trajvlm password NAME`"


def _hashed(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, n=16384, r=8, p=5, maxmem=2**26, dklen=32)
