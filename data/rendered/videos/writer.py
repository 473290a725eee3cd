"""Suites of video files as people have them, on the disk, with the truth beside them.

    trajvlm data make --as videos --suite clean --suite phases --out my-videos

A suite is a folder of mp4 files with `truth.jsonl` (`trajvlm.data.rendered.videos.truth`) and `manifest.json`. A run
that was stopped goes on where it was when it is started again.
"""

import json
import platform
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from tqdm import tqdm

from trajvlm.data.errors import UserError
from trajvlm.data.files import atomic_write, file_sha256
from trajvlm.data.rendered.videos.filming import Film
from trajvlm.data.rendered.videos.shots import TICKS, Shot, draw_shot
from trajvlm.data.rendered.videos.suites import VideoSuite, suite_and_seed
from trajvlm.data.rendered.videos.truth import truth_of

MANIFEST = "manifest.json"
TRUTH = "truth.jsonl"


@dataclass(frozen=True)
class SuiteFolder:
    """One suite of files to be written."""

    suite: VideoSuite
    seed: int
    number: int
    """How many files: numbers 0 to `number - 1` of the suite."""
    folder: Path

    @property
    def asked(self) -> dict:
        """What the folder is made from, as plain JSON."""
        settings = json.loads(json.dumps(asdict(self.suite)))
        return {"suite": self.suite.name, "seed": self.seed, "files": self.number, "settings": settings}


def make_videos(names: list[str], number: int | None, seed: int, out: Path, progress: bool = False) -> int:
    """Write suites of files, each to a folder of its name in `out`, or what is missing there.

    Args:
        number: files of each suite; None for as many as the suite has.

    Returns:
        How many bytes they have.

    Raises:
        UserError: there is no such suite, it is sealed, or a folder holds something else or can't be written to.
    """
    folders = []
    for name in names:
        suite, own = suite_and_seed(name, seed)
        folders.append(SuiteFolder(suite, own, number or suite.size, out / name))
    # Before hours of drawing: everything that can be refused.
    there = [_begun(folder) for folder in folders]
    try:
        for folder, known in zip(folders, there):
            folder.folder.mkdir(parents=True, exist_ok=True)
            _make(folder, known, progress)
    except OSError as error:
        raise UserError(
            f"{out} can't be written to ({error.strerror or error}); make room there or choose another folder, and "
            f"give the same command again to go on"
        ) from error
    return sum(path.stat().st_size for folder in folders for path in folder.folder.glob("*.mp4"))


def write_shot(shot: Shot, path: Path) -> None:
    """Film a shot into an mp4 file with H.264, frame by frame; the same shot gives the same bytes."""
    # See `trajvlm.data.rendered.export.encode_video`.
    options = {"crf": str(shot.crf), "preset": "veryfast", "x264-params": "no-mbtree=1"}
    container_options = {"fflags": "+bitexact", "movflags": "+faststart"}
    with atomic_write(path) as draft, av.open(str(draft), "w", format="mp4", options=container_options) as container:
        stream = container.add_stream("libx264", rate=Fraction(shot.rate).limit_denominator(1001), options=options)
        stream.codec_context.thread_count = 1
        stream.width, stream.height, stream.pix_fmt = shot.width, shot.height, "yuv420p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, TICKS)
        for tick, picture in zip(shot.ticks.tolist(), Film(shot).frames()):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = tick, Fraction(1, TICKS)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def read_truth(folder: Path) -> list[dict]:
    """What is true of each file of a suite's folder, in order; raises UserError where there is none to read."""
    path = folder / TRUTH
    try:
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError) as error:
        raise UserError(f"{path} can't be read; give a folder that `trajvlm data make --as videos` made") from error


def _begun(folder: SuiteFolder) -> list[dict]:
    """The truth of the files that are there already; raises UserError where the folder holds anything else."""
    path = folder.folder
    if not path.exists() or (path.is_dir() and not any(path.iterdir())):
        return []
    try:
        manifest = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
        asked = {key: manifest[key] for key in folder.asked}
        versions = manifest["versions"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path} is there and is no suite begun by this command; choose another folder") from error
    if asked != folder.asked:
        raise UserError(f"{path} holds a suite made with other settings; give the same or choose another folder")
    if versions != _versions():
        names = ", ".join(f"{name} {version}" for name, version in versions.items())
        raise UserError(f"{path} was begun with {names}; go on with these or choose another folder")
    known = []
    for line in (path / TRUTH).read_text(encoding="utf-8").splitlines() if (path / TRUTH).exists() else []:
        try:
            known.append(json.loads(line))
        except ValueError:
            # Torn when a run was stopped.
            break
    return [truth for truth in known if _intact(path, truth)]


def _intact(folder: Path, truth: dict) -> bool:
    file = folder / truth["file"]
    return file.is_file() and file_sha256(file) == truth["sha256"]


def _make(folder: SuiteFolder, known: list[dict], progress: bool) -> None:
    _write_json(folder.folder / MANIFEST, folder.asked | {"versions": _versions()})
    there = {truth["index"]: truth for truth in known}
    # Written anew with what is whole, then a line at a time.
    with atomic_write(folder.folder / TRUTH) as draft:
        draft.write_text("".join(_line(truth) for truth in known), encoding="utf-8")
    with tqdm(
        total=folder.number, initial=len(there), desc=folder.suite.name, unit="file", disable=None if progress else True
    ) as bar:
        for index in range(folder.number):
            if index in there:
                continue
            shot = draw_shot(folder.suite, folder.seed, index)
            write_shot(shot, folder.folder / shot.name)
            truth = truth_of(shot) | {"sha256": file_sha256(folder.folder / shot.name)}
            with (folder.folder / TRUTH).open("a", encoding="utf-8") as file:
                file.write(_line(truth))
            bar.update()


def _line(truth: dict) -> str:
    return json.dumps(truth) + "\n"


def _write_json(path: Path, value: dict) -> None:
    with atomic_write(path) as draft:
        draft.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")


def _versions() -> dict[str, str]:
    return {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "opencv": cv2.__version__,
        "av": av.__version__,
    }
