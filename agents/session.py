"""One chat's state: its videos, the window and the scale that were chosen, what was found, and a folder for files.

Tools keep nothing outside of it, so chats with different sessions can't see each other.
"""

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from trajvlm.data.errors import UserError
from trajvlm.data.filmed.decode import at_rate, open_video, slower
from trajvlm.data.motions.readable import capitalised
from trajvlm.vlm.described import ASSUMED_FIELD_OF_VIEW, Described, one_view
from trajvlm.vlm.scale import Scale

if TYPE_CHECKING:
    from trajvlm.vlm.describe import Description

_SLOWEST = 100_000.0
_RATES = (1e-3, 1e7)
"""Frames a second, from time lapse to a camera that films bullets."""


class Describes(Protocol):
    """What a session needs of `trajvlm.vlm.describe.Describer`, or of a `StereoDescriber` for two views."""

    def describe(
        self,
        video: str | Path,
        start: float | None = None,
        end: float | None = None,
        fps: float | None = None,
        refine: bool = True,
        field_of_view: float = ASSUMED_FIELD_OF_VIEW,
        at: tuple[float, ...] | None = None,
    ) -> Described: ...


@dataclass(frozen=True)
class Result:
    """What a tool found."""

    text: str
    """The answer in a few whole sentences with units, for a language model or a person."""
    values: dict = field(default_factory=dict)
    """The same as plain numbers and text, names with their units."""
    files: tuple[Path, ...] = ()
    """Pictures, videos and tables that were written into the session's folder."""
    caveats: str = ""
    """What the answer rests on, in whole sentences: limits, notes on the clip. A page may fold them away."""

    @property
    def whole(self) -> str:
        """The answer, then its caveats as a paragraph of their own."""
        return "\n\n".join(filter(None, (self.text, self.caveats)))

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", _python(self.values))


def _check_rate(fps: float | None) -> None:
    if fps is not None and not _RATES[0] <= fps <= _RATES[1]:
        raise UserError(f"a frame rate lies between {_RATES[0]:g} and {_RATES[1]:g} a second, not {fps:g}")


def _python(value: Any) -> Any:
    """A value with NumPy's numbers and arrays made Python's, so that it can be written as JSON."""
    match value:
        case np.generic() | np.ndarray():  # first: a float64 is a float too
            return _python(value.tolist())
        case None | bool() | str() | int() | float():
            return value
        case dict():
            return {str(name): _python(part) for name, part in value.items()}
        case list() | tuple():
            return [_python(part) for part in value]
    raise TypeError(f"a tool's values are plain numbers and text, not {type(value).__name__}")


class Session:
    """One chat. Its methods may be called from several threads; tools hold `lock` while they run."""

    def __init__(
        self,
        describer: Describes,
        folder: str | Path,
        videos: Iterable[str | Path] = (),
        without_video: str = "there is no video in this chat yet; give a video file first",
    ) -> None:
        """
        Args:
            folder: where files are written, made when it is needed.
            videos: the only files that are ever read, with those that `add_video` adds.
            without_video: the error's sentence where no video was given yet.
        """
        self.describer, self.without_video = describer, without_video
        self.folder = Path(folder)
        self.lock = threading.RLock()
        self.videos: list[Path] = []
        self._forget_video()
        for video in videos:
            self.add_video(video)

    def _forget_video(self) -> None:
        self.scale: Scale | None = None
        # Seconds of the file as it plays, whatever the true frame rate is.
        self.start: float | None = None
        self.end: float | None = None
        self.fps: float | None = None
        self.field_of_view = ASSUMED_FIELD_OF_VIEW
        self.at: tuple[float, ...] | None = None
        """Where the object is seen that is meant: x and y in pixels, and seconds where they are given."""
        self._description: Described | None = None

    def add_video(self, path: str | Path, field_of_view: float = ASSUMED_FIELD_OF_VIEW) -> Path:
        """Make a video the one that is talked about; window, scale and lens of the one before are forgotten."""
        with self.lock:
            path = Path(path)
            if path not in self.videos:
                self.videos.append(path)
            self._current = path
            self._forget_video()
            self.field_of_view = field_of_view
            return path

    def begin_with(self, start: float | None, end: float | None, fps: float | None, scale: Scale | None) -> None:
        """Set window, frame rate and scale of the current video before anything is asked; raises UserError for an
        impossible frame rate."""
        _check_rate(fps)
        with self.lock:
            self.start, self.end, self.fps, self.scale = start, end, fps, scale

    def choose_video(self, name: str) -> None:
        """Go back to a video of this chat by its file name or its number, counted from 1.

        Raises UserError for any other name.
        """
        with self.lock:
            for number, path in enumerate(self.videos, 1):
                if name.strip().lower() in (path.name.lower(), path.stem.lower(), str(number)):
                    if path != self._current:
                        self.add_video(path)
                    return
            known = ", ".join(path.name for path in self.videos)
            if not known:
                raise UserError(self.without_video)
            raise UserError(f"there is no video {name!r} here; there is: {known}")

    @property
    def video(self) -> Path:
        """The video that is talked about; raises UserError where none was given."""
        if not self.videos:
            raise UserError(self.without_video)
        return self._current

    @property
    def slower(self) -> float:
        """How many times slower than the motion the file plays, by the frame rate that was given; 1 without one."""
        return slower(self.video, self.fps)

    def slowed(self, times: float) -> float | None:
        """The true frame rate of a file that plays so many times slower than the motion; None, the file's own, for 1.

        Raises UserError where the number can't be one.
        """
        if not 1 <= times <= _SLOWEST:
            raise UserError(f"slow motion is 1 to {_SLOWEST:g} times slower, not {times:g}")
        return None if times == 1 else open_video(self.video).rate * times

    def change(self, **settings: float | tuple[float, ...] | None) -> None:
        """Set `start`, `end`, `fps`, `field_of_view` or `at`, and describe the video again.

        Raises UserError, and leaves everything as it was, if the video can't be described like that.
        """
        rate = settings.get("fps")
        assert not isinstance(rate, tuple)  # only a place has several numbers
        _check_rate(rate)
        with self.lock:
            before = {name: getattr(self, name) for name in settings} | {"_description": self._description}
            vars(self).update(settings | {"_description": None})
            try:
                self.description()
            except UserError:
                vars(self).update(before)
                raise

    @property
    def found(self) -> Described | None:
        """What was found in the current video, None where it has not been described; does not wait for `lock`."""
        return self._description

    @property
    def described(self) -> bool:
        """Whether the current video has been described."""
        return self._description is not None

    def description(self) -> Described:
        """What was found in the current video; found now if it has not been. Raises UserError as `describe` does."""
        with self.lock:
            if self._description is None:
                times = at_rate(self.video, {"start": self.start, "end": self.end, "fps": self.fps})
                options: dict[str, Any] = {"field_of_view": self.field_of_view}
                if self.at is not None:
                    options["at"] = (*self.at[:2], *(t / self.slower for t in self.at[2:]))
                self._description = self.describer.describe(self.video, **times, **options)
            return self._description

    def one_view(self, otherwise: str) -> "Description":
        """As `description`, of one video; raises UserError with the sentence `otherwise` where two views were
        described."""
        return one_view(self.description(), otherwise)

    def remember(self, description: Described) -> None:
        """Take over a description of the current video that was made with the session's settings."""
        with self.lock:
            self._description = description

    @property
    def metres_per_unit(self) -> float | None:
        """Metres in one unit of the equation, by the scale or by calibrated cameras; None where unknown.

        Raises UserError as `Scale` and `description` do.
        """
        if self.scale is not None:
            return self.scale.metres_per_unit(self.description())
        return self.description().metres_per_unit

    @property
    def length(self) -> tuple[str, float]:
        """The unit of lengths, "m" where the scale is known, and how many of it are one unit of the equation."""
        metres = self.metres_per_unit
        return (self.description().unit, 1.0) if metres is None else ("m", metres)

    def sentence(self, error: UserError) -> str:
        """An error as a whole sentence that names videos without their folders."""
        text = str(error)
        for video in self.videos:
            text = text.replace(str(video), video.name)
        if not any(text.startswith(video.name) for video in self.videos):
            text = capitalised(text)
        return text + ("" if text.endswith((".", "!", "?")) else ".")

    def new_file(self, stem: str, suffix: str) -> Path:
        """A path in the session's folder that no file has yet; raises UserError where the folder can't be made."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"the folder {self.folder} can't be made ({error.strerror}); choose another one") from error
        number = 1
        while (path := self.folder / f"{stem}-{number}{suffix}").exists():
            number += 1
        return path
