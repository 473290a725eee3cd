"""How long a video is, counted from its packets, and the lengths that the page refuses, because everyone on it shares a
processor.

A webcam's file does not say how long it is, and a damaged one may say anything. Nothing is decoded here. The command
line has no such limits; `trajvlm.data.filmed.decode` refuses pictures that are too large for either.
"""

from collections.abc import Iterator
from itertools import islice, pairwise
from pathlib import Path
from statistics import median

import av

from trajvlm.data.errors import UserError
from trajvlm.data.filmed.decode import GUESSED_RATE

LARGEST_UPLOAD_MB = 100
MOST_UPLOADED_MB = 1000
"""Of one person in a day, which is how long uploads are kept."""
LONGEST_S = 600.0
MOST_FRAMES = 36_000
"""Ten minutes at 60 frames a second, or two and a half at 240."""


def refuse_long(path: str | Path) -> None:
    """Raises UserError where a video has more seconds or frames than the page takes.

    A file that can't be read is let through; describing it reports what is wrong with it.
    """
    times = sorted(islice(_times(path), MOST_FRAMES + 1))
    if len(times) > MOST_FRAMES:
        too_much = f"{MOST_FRAMES:,} frames"
    # The usual gap, because one damaged time does not make a video long.
    elif len(times) > 1 and median(b - a for a, b in pairwise(times)) * (len(times) - 1) > LONGEST_S:
        too_much = f"{LONGEST_S / 60:g} minutes"
    else:
        return
    name = Path(path).name
    raise UserError(
        f"the video {name} has more than {too_much}, which is the most that this page takes; trim it to the stretch in "
        f"which the object moves, or name that stretch in a terminal: `trajvlm describe {name} --start S --end S`"
    )


def duration_s(path: str | Path, fps: float | None = None) -> float:
    """Seconds that a video lasts, its last picture as long as the usual one, at the file's times or at `fps` pictures
    a second; 0 if unknown."""
    times = sorted(_times(path))
    if len(times) < 2:
        return 0.0
    return len(times) / fps if fps else times[-1] - times[0] + median(b - a for a, b in pairwise(times))


def _times(path: str | Path) -> Iterator[float]:
    """The second of each picture, in the order of the file, up to where the file is damaged."""
    # A pipe would be waited for; describing it reports that it is no video.
    if not Path(path).is_file():
        return
    try:
        with av.open(f"file:{path}", options={"protocol_whitelist": "file"}) as container:
            streams = [s for s in container.streams.video if not s.disposition & s.disposition.attached_pic]
            for count, packet in enumerate(p for p in container.demux(streams[:1]) if p.size and not p.is_discard):
                stamp = packet.dts if packet.pts is None else packet.pts
                yield count / GUESSED_RATE if stamp is None else float(stamp * packet.time_base)
    except (av.FFmpegError, OSError, ValueError):
        return
