"""The same file with every second frame left out: the constants have to agree within their standard deviations."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import av

from trajvlm.data.errors import UserError
from trajvlm.eval.video_files.answer import Answer, Said
from trajvlm.eval.video_files.summary import share

AGREES_SD = 2.0


@contextmanager
def halved(video: Path) -> Iterator[Path]:
    """A file of the same name without every second frame, the others as they were and at their own times.

    The decoded pictures are written without loss in their own colours (x264, quantizer 0).

    Raises:
        UserError: the file can't be read.
    """
    with TemporaryDirectory() as folder:
        path = Path(folder) / video.name
        try:
            _write(video, path)
        except (av.FFmpegError, OSError) as error:
            raise UserError(f"{video} can't be written at half its rate; it is damaged, make it again") from error
        yield path


def _write(video: Path, path: Path) -> None:
    with av.open(str(video)) as source, av.open(str(path), "w") as target:
        shown = source.streams.video[0]
        stream = target.add_stream("libx264", rate=shown.average_rate / 2, options={"qp": "0", "preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = shown.width, shown.height, shown.pix_fmt
        stream.time_base = stream.codec_context.time_base = shown.time_base
        for number, frame in enumerate(source.decode(shown)):
            if number % 2 == 0:
                again = av.VideoFrame.from_ndarray(frame.to_ndarray(), format=frame.format.name)
                again.pts, again.time_base = frame.pts, frame.time_base
                target.mux(stream.encode(again))
        target.mux(stream.encode())


def agreement(whole: Answer, half: Answer) -> dict:
    """Whether both name the same family, and of each constant that both give how far they are apart, in the standard
    deviation of the difference."""
    same = whole.family == half.family and whole.refused is None and half.refused is None
    if not same:
        return {"same_family": False, "apart": {}}
    apart = {}
    first, second = whole.constants, _at_time_of(whole, half)
    for name in first.keys() & second.keys():
        one, other = first[name], second[name]
        if one.sd is None or other.sd is None or not one.sd + other.sd > 0:
            continue
        apart[name] = {
            "whole": one.value,
            "half": other.value,
            "in_sd": abs(one.value - other.value) / math.hypot(one.sd, other.sd),
        }
    return {"same_family": True, "apart": apart}


def _at_time_of(whole: Answer, half: Answer) -> dict[str, Said]:
    """The constants of `half`, with a size that fades or grows told for the time at which that of `whole` is."""
    found = dict(half.constants)
    fading = found["decay"].value if "decay" in found else -found["growth"].value if "growth" in found else 0.0
    if whole.begins_s is not None and half.begins_s is not None:
        times = math.exp(-fading * (whole.begins_s - half.begins_s))
        for name in {"amplitude", "radius"} & found.keys():
            sd = found[name].sd
            found[name] = Said(found[name].value * times, None if sd is None else sd * times)
    return found


def figures(pairs: list[dict]) -> dict:
    """Of the pairs of `agreement`: the share with the same family, and of constants that agree."""
    apart = [one["in_sd"] for pair in pairs for one in pair["apart"].values()]
    return {
        "files": len(pairs),
        "same_family": share([pair["same_family"] for pair in pairs]),
        "agree": share([value <= AGREES_SD for value in apart]),
    }
