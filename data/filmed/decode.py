"""Decoding: any video file as upright RGB pictures with their times, one at a time.

Only a few pictures are in memory at a time, whatever the length of the file.
Times are the file's own timestamps counted from its first picture, so variable frame rates come out right. Where these
can't be true (`trajvlm.data.filmed.clock`), times are the number of the picture over the frame rate.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import islice
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.format import Flags
from av.video.stream import VideoStream

from trajvlm.data.errors import UserError
from trajvlm.data.filmed.clock import GUESSED_RATE, Clock, Look, clock_of
from trajvlm.data.filmed.picture import Picture

# No messages of FFmpeg: a damaged file is reported once, by a UserError. Any level but None calls back into Python from
# the decoder's threads, which can deadlock.
av.logging.set_level(None)

MIN_SIDE = 16
"""Pictures narrower or lower than this, in pixels, are refused."""
MOST_PIXELS = 40_000_000
"""Larger pictures are refused before one is decoded: 8K has 33 million, and a file of some kilobytes may claim more."""
SLICE_THREAD_PIXELS = 10_000_000
"""Above this size a decoder works on one picture at a time; each further one would take 50 MB."""
_LOOK_PACKETS, _LOOK_BYTES = 20_000, 200_000_000
"""Of a longer file only so much is looked at to judge its stamps: some minutes of a phone's film."""
_LOOK_PICTURES = 64
"""Pictures that are decoded to learn the order of display; more where only this tells, fewer where they are large."""


@dataclass(frozen=True)
class VideoInfo:
    """Properties of a video, from its header, the stamps of its pictures and the first of these."""

    path: str
    width: int
    """Width of the upright picture (after the rotation flag), in pixels."""
    height: int
    rate: float
    """Frames a second on average, by the times that `frames` gives; pauses do not count."""
    duration_s: float | None
    """Seconds that the file claims to last, None where it does not say; a damaged file may hold less."""
    frame_count: int | None
    """Frames that the file shows; of a long one those that it claims to hold (from the duration where it does not count
    them), None if unknown."""
    notes: tuple[str, ...] = ()
    """Sentences for the person who reads the answer: where the file is wrong about its times or its frames."""


def open_video(path: str | Path, fps: float | None = None) -> VideoInfo:
    """Check that `path` is a video that can be decoded, by decoding its first two pictures.

    With `fps` the rate and the duration are those of a video played at that many frames a second, and there are no
    notes, for nothing that the file says about its times is used.
    Raises UserError if it is not a file, not a video, has no second picture, or is tiny.
    """
    if fps is not None and not 0 < fps < float("inf"):
        raise UserError(
            f"a frame rate has to be a positive number, not {fps}; leave it out to use the file's own times"
        )
    with _stream(path) as (container, stream):
        decoded = _decode(container, stream)
        first = next(decoded, None)
        if first is None:
            raise UserError(f"no picture of {path} can be decoded; the file is damaged, save or download it again")
        second = next(decoded, None)
        width, height = Picture(first).size
        if min(width, height) < MIN_SIDE:
            raise UserError(
                f"the pictures of {path} are {width} x {height} pixels; "
                f"give a video at least {MIN_SIDE} pixels wide and high"
            )
        info = _describe(str(path), container, stream, width, height)
        if second is None and (info.frame_count or 1) > 1:
            raise UserError(
                f"only one of the {info.frame_count} pictures of {path} can be decoded; the file is cut short or "
                f"damaged, save or download it again"
            )
        if second is None:
            raise UserError(f"{path} has only one picture; give a video in which something moves")
    clock = _clock(path)
    count = clock.frame_count or info.frame_count
    if fps is not None:
        return replace(info, rate=fps, duration_s=count / fps if count else None, frame_count=count)
    duration = info.duration_s if clock.stamped or not count else count / clock.rate
    return replace(info, rate=clock.rate, duration_s=duration, frame_count=count, notes=clock.notes)


def slower(path: str | Path, fps: float | None) -> float:
    """How many times slower than at `fps` frames a second the file plays; 1 where no rate is given.

    Raises UserError as `open_video` does.
    """
    return 1.0 if fps is None else fps / open_video(path).rate


def at_rate(path: str | Path, options: dict) -> dict:
    """Convert the options `start` and `end` from seconds of the file's clock, as a player shows them, to seconds at the
    rate `fps`, where one is given; the other options stay. Raises UserError as `open_video` does."""
    if options.get("fps") is None or (options.get("start") is None and options.get("end") is None):
        return options
    times = slower(path, options["fps"])
    given = {name: options.get(name) for name in ("start", "end")}
    return options | {name: None if value is None else value / times for name, value in given.items()}


def frames(
    path: str | Path,
    fps: float | None = None,
    longest_side: int | None = None,
    start: float | None = None,
    end: float | None = None,
    stride: int = 1,
) -> Iterator[tuple[float, np.ndarray]]:
    """Yield (seconds from the first picture, upright RGB picture (H, W, 3) uint8) in order of strictly rising time.

    Times are the file's stamps where they can be true, and otherwise frame k is at k / `VideoInfo.rate`; a few frames
    whose stamp does not rise are left out. `fps` overrides both: frame k is at k / fps (for gifs and slow motion).
    `longest_side` in pixels makes larger pictures smaller while they are decoded. Only times in [start, end] come, and
    of these every `stride`-th. A damaged end is left out; where nothing at all can be decoded, nothing comes.
    Transparent pixels become white.
    Raises UserError if `path` is not a video.
    """
    for k, (time, picture) in enumerate(pictures(path, fps, start, end)):
        if k % stride == 0:
            yield time, picture.whole(longest_side)


def pictures(
    path: str | Path, fps: float | None = None, start: float | None = None, end: float | None = None
) -> Iterator[tuple[float, Picture]]:
    """As `frames`, but what is needed of each picture is converted to RGB only when it is asked for."""
    with _stream(path) as (container, stream):
        decoded = _decode(container, stream)
        first = next(decoded, None)
        if first is None:
            return
        origin, model = _seconds(first, 0.0), Picture(first)
        clock = Clock(fps, False, False, None) if fps else _clock(path)
        # With wrong stamps nobody can tell where a jump landed, and in broadcasts they differ after a jump.
        may_seek = clock.exact and not container.format.flags & Flags.ts_discont.value
        if may_seek and start is not None and start > 2.0 and _seek(container, stream, origin + start, origin):
            timed = _timed(_decode(container, stream), clock, origin)
        else:
            timed = _timed(_chain(first, decoded), clock, origin)
        for time, frame in timed:
            if end is not None and time > end:
                return
            if start is not None and time < start:
                continue
            yield time, Picture(frame, model)


@contextmanager
def _stream(path: str | Path) -> Iterator[tuple[InputContainer, VideoStream]]:
    """The open container and its video stream; raises UserError where either can't be opened."""
    file = Path(path)
    try:
        if file.is_dir():
            raise UserError(f"{path} is a folder; give one video file")
        if file.exists() and not file.is_file():
            raise UserError(f"{path} is a pipe or a device; save the video as a file first")
        if file.is_symlink() and not file.exists():
            raise UserError(f"{path} is a link to a file that is not there; mend the link")
        if not file.is_file():
            raise UserError(f"there is no file {path}; check the name")
        if file.stat().st_size == 0:
            raise UserError(f"{path} is empty; save or download it again")
        # "file:" keeps a name with a colon from being read as a protocol.
        container = av.open(f"file:{file}", options={"protocol_whitelist": "file"})
    except (av.FFmpegError, OSError, ValueError) as error:
        if isinstance(error, PermissionError):
            raise UserError(f"{path} may not be read; change its permissions") from error
        raise UserError(f"{path} is not a video, or it is damaged; give a file that a video player can play") from error
    with container:
        # FFmpeg plays text files as terminal art and a song's cover as a film of one picture.
        streams = [s for s in container.streams.video if not s.disposition & s.disposition.attached_pic]
        if container.format.name == "tty":
            raise UserError(f"{path} is text and not a video; give a video file")
        if not streams:
            raise UserError(f"{path} has no pictures in it, only sound or data; give a video file")
        stream = streams[0]
        if stream.codec_context is None:
            raise UserError(f"{path} is in a format that can't be decoded here; convert it to MP4 with H.264")
        pixels = stream.codec_context.width * stream.codec_context.height
        if pixels > MOST_PIXELS:
            raise UserError(
                f"the pictures of {path} are {stream.codec_context.width} x {stream.codec_context.height} pixels, more "
                f"than 8K; make the video smaller"
            )
        # The pictures themselves may be larger than the file says.
        stream.codec_context.options = {"max_pixels": str(MOST_PIXELS)}
        large = pixels > SLICE_THREAD_PIXELS
        stream.thread_type = "SLICE" if large else "AUTO"
        stream.codec_context.thread_count = 2
        yield container, stream


def _decode(container: InputContainer, stream: VideoStream) -> Iterator[av.VideoFrame]:
    """All pictures that can be decoded; damaged packets are skipped, and a truncated file ends there."""
    for packet in _packets(container, stream):
        try:
            yield from (frame for frame in packet.decode() if not frame.is_corrupt)
        except av.FFmpegError:
            continue


def _packets(container: InputContainer, stream: VideoStream) -> Iterator[av.Packet]:
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets)
        except (StopIteration, av.FFmpegError):
            return
        yield packet


def _chain(first: av.VideoFrame, rest: Iterator[av.VideoFrame]) -> Iterator[av.VideoFrame]:
    yield first
    yield from rest


def _timed(decoded: Iterator[av.VideoFrame], clock: Clock, origin: float) -> Iterator[tuple[float, av.VideoFrame]]:
    """Pair frames with seconds from `origin`; a frame whose time does not rise is dropped."""
    last = -1.0
    for index, frame in enumerate(decoded):
        time = _seconds(frame, origin + last + 1 / clock.rate) - origin if clock.stamped else index / clock.rate
        if time > last:
            yield time, frame
            last = time


def _seconds(frame: av.VideoFrame, without: float) -> float:
    """The frame's stamp, and `without` one that."""
    return without if frame.pts is None else float(frame.pts * frame.time_base)


def _clock(path: str | Path) -> Clock:
    """The clock of a file that `_stream` has opened; looked for once, as long as the file stays as it is."""
    status = Path(path).stat()
    return _known_clock(str(path), status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=64)
def _known_clock(path: str, *_unchanged: int) -> Clock:
    with _stream(path) as (container, stream):
        pixels = stream.codec_context.width * stream.codec_context.height
        # In bare pictures without a container stamps and average rate are the reader's inventions.
        bare = bool(container.format.flags & Flags.no_timestamps.value)
        rate = (float(stream.guessed_rate or 0) or None) if bare else _header_rate(stream)
        count, tick, reorders = stream.frames or None, float(stream.time_base or 0), stream.codec_context.has_b_frames
        stored: list[float] = []
        size, whole = 0, True
        for packet in _packets(container, stream):
            if packet.is_discard or not packet.size:
                continue
            stored.append(np.nan if packet.pts is None or bare else float(packet.pts * packet.time_base))
            size += packet.size
            if len(stored) == _LOOK_PACKETS or size > _LOOK_BYTES:
                whole = False
                break
    stamps = np.array(stored)
    rises = bool((np.diff(stamps) > 0).all())
    displayed: list[float] = []
    if reorders or not rises:
        # Stamps that rise through a file whose codec may reorder are wrong from the first picture that it does reorder.
        length = _LOOK_PICTURES * (4 if rises else 1) // (4 if pixels > SLICE_THREAD_PIXELS else 1)
        with _stream(path) as (container, stream):
            for frame in islice(_decode(container, stream), length):
                displayed.append(np.nan if bare else _seconds(frame, np.nan))
                if rises and displayed[-1] < max(displayed):
                    break
    return clock_of(Look(stamps, np.array(displayed) if displayed else None, tick, whole), rate, count)


def _seek(container: InputContainer, stream: VideoStream, time: float, origin: float) -> bool:
    """Go to the last key frame before `time`; False, and back at the beginning, where the file cannot do that."""
    try:
        container.seek(int(time / stream.time_base), stream=stream, backward=True)
        frame = next(_decode(container, stream), None)
        if frame is not None and frame.pts is not None and origin <= _seconds(frame, np.inf) <= time:
            container.seek(int(time / stream.time_base), stream=stream, backward=True)
            return True
    except av.FFmpegError:
        pass
    container.seek(0)
    return False


def _header_rate(stream: VideoStream) -> float | None:
    rate = stream.average_rate or stream.guessed_rate
    return float(rate) if rate else None


def _describe(path: str, container: InputContainer, stream: VideoStream, width: int, height: int) -> VideoInfo:
    rate = _header_rate(stream) or GUESSED_RATE
    duration = None
    if stream.duration:
        duration = float(stream.duration * stream.time_base)
    elif container.duration:
        duration = container.duration / av.time_base
    count = stream.frames or (round(duration * rate) if duration else None)
    return VideoInfo(path, width, height, rate, duration, count)
