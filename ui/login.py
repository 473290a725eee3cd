"""Who may open the page: a file of names and hashes of passwords, one `name:hash` a line, by scrypt (RFC 7914).

trajvlm password ada >> people.txt
trajvlm ui --login people.txt
"""

import asyncio
import hashlib
import hmac
import re
import secrets
from pathlib import Path

from data.errors import UserError

_KIND = "scrypt-16384-8-5"
"""16 MB of memory and some tenths of a second for each guess."""
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
    """Names and the hashes of their passwords."""

    def __init__(self, path: Path):
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
            name = found and found[1].strip()
            if not name or name in self._people:
                wrong = f"names {name} twice" if name else "is not a name, a colon and a hash"
                raise UserError(f"line {number} of the login file {path} {wrong}; {_MAKE}")
            self._people[name] = bytes.fromhex(found[2]), bytes.fromhex(found[3])
        if not self._people:
            raise UserError(f"the login file {path} holds no name, so nobody could log in; {_MAKE}")

    async def admit(self, name: str, password: str) -> bool:
        """Whether the password is that person's; takes as long for a name that nobody has."""
        salt, key = self._people.get(name, (bytes(16), b""))
        # In a thread, so that the page answers others meanwhile.
        return hmac.compare_digest(await asyncio.to_thread(_hashed, password, salt), key)


_MAKE = "make its lines with `trajvlm password NAME`"


def _hashed(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, n=16384, r=8, p=5, maxmem=2**26, dklen=32)
