"""The window of time, given by a person, in which a video is looked at."""

import math

from trajvlm.data.errors import UserError
from trajvlm.data.filmed.decode import VideoInfo


def check_window(info: VideoInfo, start: float | None, end: float | None) -> None:
    """Raise UserError for a window, in seconds, that is not inside the video."""
    for name, value in (("start", start), ("end", end)):
        if value is not None and not (math.isfinite(value) and value >= 0):
            raise UserError(f"{name} has to be a time in seconds from the start of {info.path}, not {value}")
    if start is not None and end is not None and end <= start:
        raise UserError(f"the end, {end:g} s, has to come after the start, {start:g} s")
    if info.duration_s is None:
        return
    for name, value in (("start", start), ("end", end)):
        if value is not None and value > info.duration_s + 1.5 / info.rate:
            raise UserError(
                f"the {name}, {value:g} s, is outside {info.path}, which lasts {info.duration_s:.2f} s; "
                f"give a time inside it"
            )


def time_range(start: float | None, end: float | None) -> str:
    """The window in words, with a space before it: " from 1 to 2 s"; empty without one."""
    if start is None and end is None:
        return ""
    if end is None:
        return f" after {start:g} s"
    return f" before {end:g} s" if start is None else f" from {start:g} to {end:g} s"
