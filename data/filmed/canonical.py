"""A video file to a canonical clip: what moves is found, tracked and cut into phases, and the best phase is sampled to
17 frames of 64 x 64 in the square around its path.
"""

from pathlib import Path

import cv2
import numpy as np
import torch
from scipy import ndimage

from trajvlm.data.clip import CANONICAL, FRAMES, SIZE, Clip, Placement
from trajvlm.data.errors import UserError
from trajvlm.data.filmed.candidates import Candidate, candidates
from trajvlm.data.filmed.decode import pictures
from trajvlm.data.filmed.find import find_tracks
from trajvlm.data.filmed.picture import Picture
from trajvlm.data.filmed.track import FoundTracks, Track

LEAST_FRAMES = 9
"""Distinct frames of the video that a clip needs."""
_FILL = 0.8
"""Part of the frame that path and radius span in the larger direction."""
_LARGEST_RADIUS = 0.2
"""Largest apparent radius, as a part of the frame's width."""
_NOTED = 0.9
"""Share of the video that a clip may last for without a word on what was used."""


def canonical_clip(
    path: str | Path, start: float | None = None, end: float | None = None, fps: float | None = None
) -> Clip:
    """Make the canonical clip of what a video is most likely about.

    Args:
        start, end: seconds from the start of the video, instead of the window of time that is found.
        fps: frames a second, instead of the file's timestamps: frame k is at k / fps.

    Raises:
        UserError: `path` is no usable video, nothing moves by a law, the camera moves, the window is not inside the
            video, or it shows the object in too few frames.
    """
    found = find_tracks(path, start, end, fps)
    return clips_of(candidates(found), found, path, fps, (start, end))[0][1]


def clips_of(
    tried: list[Candidate],
    found: FoundTracks,
    path: str | Path,
    fps: float | None = None,
    given: tuple[float | None, float | None] = (None, None),
) -> list[tuple[Candidate, Clip]]:
    """The candidates that fill a clip, with their clips.

    Args:
        given: start and end of the window in seconds, where a person gave them; both together replace the phase's own.

    Raises:
        UserError: there is no candidate, or none is seen in enough frames.
    """
    if not tried:
        raise UserError(
            f"nothing in {path} moves by a law for long enough; give a video, or a start and an end, in which one "
            f"object moves freely",
            reason="irregular",
        )
    out, failed = [], None
    for candidate in tried:
        try:
            out.append((candidate, clip_of(candidate, found, path, fps, given)))
        except UserError as error:
            failed = failed or error
    if failed is not None and not out:
        raise failed
    return out


def clip_of(
    candidate: Candidate,
    found: FoundTracks,
    path: str | Path,
    fps: float | None = None,
    given: tuple[float | None, float | None] = (None, None),
) -> Clip:
    """The canonical clip of a candidate; arguments as for `clips_of`.

    Raises:
        UserError: the video shows the object in too few frames of the window.
    """
    t0, t1 = candidate.window_s
    if given[0] is not None and given[1] is not None:
        inside = found.times_s[(found.times_s >= given[0] - 1e-6) & (found.times_s <= given[1] + 1e-6)]
        t0, t1 = float(inside[0]), float(inside[-1])
    track = candidate.track.between(t0, t1)
    square = left, top, side = crop_square(track)
    crops, times, repeated = _sampled(path, fps, (t0, t1), square, found)
    first, last = float(track.times_s[0]), float(track.times_s[-1])
    slack = 1e-6 / (t1 - t0)
    unseen = (times < (first - t0) / (t1 - t0) - slack) | (times > (last - t0) / (t1 - t0) + slack)
    distinct, shown = int((~repeated).sum()), int((~repeated & ~unseen).sum())
    if shown < LEAST_FRAMES:
        few = f"has only {distinct} frames" if shown == distinct else f"shows the object in only {shown} frames"
        raise UserError(
            f"the motion in {path} from {t0:.2f} to {t1:.2f} s {few} and {LEAST_FRAMES} "
            f"are needed; give a longer stretch of motion, or film at a higher frame rate",
            reason="too_short",
        )
    video = found.video
    notes = video.notes + found.notes + _used_note(found, t0, t1) * (None in given) + _unseen_note(unseen, first, last)
    if distinct < FRAMES:
        notes += (f"only {distinct} different frames lie in the window, so some of the {FRAMES} are repeated",)
    pixels = torch.from_numpy(crops).permute(3, 0, 1, 2).float() / 255
    placement = Placement(left + side / 2, top + side / 2, side / 2, t0, t1 - t0, video.width, video.height)
    return Clip(pixels, placement, str(path), notes, times, repeated, unseen)


def _used_note(found: FoundTracks, t0: float, t1: float) -> tuple[str, ...]:
    total = max(found.video.duration_s or 0.0, float(found.times_s[-1]))
    if t1 - t0 >= _NOTED * total:
        return ()
    return (f"the {FRAMES} frames that the networks see are from {t0:.2f} to {t1:.2f} s of {total:.2f} s",)


def _unseen_note(unseen: np.ndarray, first: float, last: float) -> tuple[str, ...]:
    spans = [f"before {first:.2f} s"] * bool(unseen[0]) + [f"after {last:.2f} s"] * bool(unseen[-1])
    if not spans:
        return ()
    return (f"the object is not found {' or '.join(spans)}, and frames from there are left out of the fit",)


def crop_square(track: Track) -> tuple[int, int, int]:
    """Left, top and side, in whole pixels, of the square around a path; it may reach beyond the picture."""
    radii = ndimage.median_filter(track.radii_px, 5, mode="nearest")
    low, high = (track.centres_px - radii[:, None]).min(0), (track.centres_px + radii[:, None]).max(0)
    side = max((high - low).max() / _FILL, np.median(radii) / _LARGEST_RADIUS)
    side = max(2, round(side))
    left, top = np.round((low + high - side) / 2).astype(int)
    return int(left), int(top), side


def _sampled(
    path, fps, window_s: tuple[float, float], square: tuple[int, int, int], found: FoundTracks
) -> tuple[np.ndarray, ...]:
    """Crops (17, 64, 64, 3) uint8, the clip time at which each was taken (17,), and whether it repeats the one before.

    Each frame of the video is assigned to the nearest of the 17 even times; of several the nearest is kept. A time
    without a frame repeats the crop before it, never a later one, as a camera does that drops frames.
    """
    t0, duration = window_s[0], window_s[1] - window_s[0]
    crops = [np.empty(0, np.uint8)] * FRAMES
    times = np.full(FRAMES, np.inf)
    slack = 1e-6
    nearest: tuple[int, float, Picture] | None = None
    for seconds, picture in pictures(path, fps, t0 - slack, window_s[1] + slack):
        time = (seconds - t0) / duration
        slot = round(time * (FRAMES - 1))
        # Converted once it is known to be the nearest.
        if nearest and slot > nearest[0]:
            crops[nearest[0]] = _crop(nearest[2], nearest[1], square, found)
            nearest = None
        if abs(time - CANONICAL.times[slot]) < abs(times[slot] - CANONICAL.times[slot]) - slack:
            times[slot], nearest = time, (slot, seconds, picture)
    if nearest:
        crops[nearest[0]] = _crop(nearest[2], nearest[1], square, found)
    repeated = np.isinf(times)
    # The window begins at a frame, so that the first slot has one.
    for slot in np.flatnonzero(repeated).tolist():
        crops[slot], times[slot] = crops[slot - 1], times[slot - 1]
    return np.stack(crops), times, repeated


def _crop(picture: Picture, seconds: float, square: tuple[int, int, int], found: FoundTracks) -> np.ndarray:
    """The square as a camera that stood still would have taken it, resampled to (64, 64, 3)."""
    left, top, side = square
    pose = None if found.poses is None else found.poses[int(np.abs(found.times_s - seconds).argmin())]
    pixels = picture.steadied(pose, left, top, left + side, top + side)
    return cv2.resize(pixels, (SIZE, SIZE), interpolation=cv2.INTER_AREA if side >= SIZE else cv2.INTER_LINEAR)
