"""A video file to a canonical clip: find the one moving object, the time it moves freely, and the square around it.

Two passes. The first (`trajvlm.data.filmed.tracking.find_motion`) works on small pictures: the median over time is the
background, regions that differ from it are detections, these are linked to tracks, and the best segment of the best
track is the motion. The second decodes only the window of that motion at full size and samples it to 17 frames of
64 x 64.
"""

from pathlib import Path

import cv2
import numpy as np
import torch

from trajvlm.data.clip import CANONICAL, FRAMES, SIZE, Clip, Placement
from trajvlm.data.errors import UserError
from trajvlm.data.filmed.decode import frames
from trajvlm.data.filmed.frames import MotionSettings
from trajvlm.data.filmed.tracking import Motion, find_motion


def canonical_clip(
    path: str | Path, start: float | None = None, end: float | None = None, fps: float | None = None
) -> Clip:
    """Make the canonical clip of the one moving object of a video.

    Args:
        start, end: seconds from the start of the video, instead of the window of time that is found.
        fps: frames a second, instead of the file's timestamps: frame k is at k / fps.

    Raises:
        UserError: `path` is no usable video, nothing moves, the camera moves, the window is not inside the video, or it
            shows the object in too few frames.
    """
    settings = MotionSettings()
    return clip_of(find_motion(path, start, end, fps, settings), path, fps, settings)


def clip_of(motion: Motion, path: str | Path, fps: float | None = None, settings: MotionSettings | None = None) -> Clip:
    """The canonical clip of a motion that was found in the video at `path`.

    Raises:
        UserError: the video shows the object in too few frames of the window.
    """
    settings = settings or MotionSettings()
    square = left, top, side = crop_square(motion, settings)
    t0, t1 = motion.window_s
    crops, times, repeated = _sampled(path, fps, motion.window_s, square)
    first, last = (motion.times_s[motion.in_window()][k] for k in (0, -1))
    slack = 1e-6 / (t1 - t0)
    unseen = (times < (first - t0) / (t1 - t0) - slack) | (times > (last - t0) / (t1 - t0) + slack)
    distinct, shown = int((~repeated).sum()), int((~repeated & ~unseen).sum())
    if shown < settings.min_points:
        few = f"has only {distinct} frames" if shown == distinct else f"shows the object in only {shown} frames"
        raise UserError(
            f"the motion in {path} from {t0:.2f} to {t1:.2f} s {few} and {settings.min_points} "
            f"are needed; give a longer stretch of motion, or film at a higher frame rate"
        )
    notes = motion.video.notes + motion.notes + _unseen_note(unseen, first, last)
    if distinct < FRAMES:
        notes += (f"only {distinct} different frames lie in the window, so some of the {FRAMES} are repeated",)
    pixels = torch.from_numpy(crops).permute(3, 0, 1, 2).float() / 255
    placement = Placement(
        left + side / 2, top + side / 2, side / 2, t0, t1 - t0, motion.video.width, motion.video.height
    )
    return Clip(pixels, placement, str(path), notes, times, repeated, unseen)


def _unseen_note(unseen: np.ndarray, first: float, last: float) -> tuple[str, ...]:
    spans = [f"before {first:.2f} s"] * bool(unseen[0]) + [f"after {last:.2f} s"] * bool(unseen[-1])
    if not spans:
        return ()
    return (f"the object is not found {' or '.join(spans)}, and frames from there are left out of the fit",)


def crop_square(motion: Motion, settings: MotionSettings | None = None) -> tuple[int, int, int]:
    """Left, top and side, in whole pixels, of the square around the motion; it may reach beyond the picture."""
    settings = settings or MotionSettings()
    inside = motion.in_window()
    centres, radii = motion.centres_px[inside], motion.radii_px[inside]
    low, high = (centres - radii[:, None]).min(0), (centres + radii[:, None]).max(0)
    side = max((high - low).max() / settings.fill, np.median(radii) / settings.max_radius)
    side = max(2, round(side))
    left, top = np.round((low + high - side) / 2).astype(int)
    return int(left), int(top), side


def _sampled(path, fps, window_s: tuple[float, float], square: tuple[int, int, int]) -> tuple[np.ndarray, ...]:
    """Crops (17, 64, 64, 3) uint8, the clip time at which each was taken (17,), and whether it repeats the one before.

    Each frame of the video is assigned to the nearest of the 17 even times; of several the nearest is kept. A time
    without a frame repeats the crop before it, never a later one, as a camera does that drops frames.
    """
    t0, duration = window_s[0], window_s[1] - window_s[0]
    crops = [np.empty(0, np.uint8)] * FRAMES
    times = np.full(FRAMES, np.inf)
    slack = 1e-6
    for seconds, picture in frames(path, fps, start=t0 - slack, end=window_s[1] + slack):
        time = (seconds - t0) / duration
        slot = round(time * (FRAMES - 1))
        if abs(time - CANONICAL.times[slot]) < abs(times[slot] - CANONICAL.times[slot]) - slack:
            crops[slot], times[slot] = _crop(picture, *square), time
    repeated = np.isinf(times)
    # The window begins at a frame, so that the first slot has one.
    for slot in np.flatnonzero(repeated).tolist():
        crops[slot], times[slot] = crops[slot - 1], times[slot - 1]
    return np.stack(crops), times, repeated


def _crop(picture: np.ndarray, left: int, top: int, side: int) -> np.ndarray:
    """The square resampled to (64, 64, 3), with the picture's edge repeated beyond it."""
    height, width = picture.shape[:2]
    # By indices: the square may lie outside the picture completely, further than a padding function reaches.
    rows = np.clip(np.arange(top, top + side), 0, height - 1)
    columns = np.clip(np.arange(left, left + side), 0, width - 1)
    square = picture[rows][:, columns]
    return cv2.resize(square, (SIZE, SIZE), interpolation=cv2.INTER_AREA if side >= SIZE else cv2.INTER_LINEAR)
