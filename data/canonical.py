"""A video file to a canonical clip: find the one moving object, the time it moves freely, and the square around it.

Two passes. The first (`data.motion.find_motion`) works on small pictures: the median over time is the background, what
differs from it is cut into blobs, blobs are linked to tracks, and the best part of the best track is the motion. The
second decodes only the window of that motion at full size and samples it to 17 frames of 64 x 64.
"""

import math
from pathlib import Path

import cv2
import numpy as np
import torch

from data.clip import FRAMES, SIZE, Clip, Placement
from data.errors import UserError
from data.film import MotionSettings
from data.motion import Motion, find_motion
from data.video import frames


def canonical_clip(
    path: str | Path, start: float | None = None, end: float | None = None, fps: float | None = None
) -> Clip:
    """Make the canonical clip of the one moving object of a video.

    `start` and `end`, in seconds from the start of the video, override the window of time that is found; `fps`
    overrides the file's timestamps (frame k is at k / fps). Raises UserError with one sentence if `path` is no
    usable video, if nothing moves, if the camera moves, or if the window is not inside the video.
    """
    settings = MotionSettings()
    motion = find_motion(path, start, end, fps, settings)
    left, top, side = crop_square(motion, settings)
    t0, t1 = motion.window_s
    wanted = np.linspace(t0, t1, FRAMES)
    picked, times = _nearest_crops(path, fps, wanted, left, top, side)
    distinct = len(set(times))
    if distinct < settings.min_points:
        raise UserError(
            f"the motion in {path} from {t0:.2f} to {t1:.2f} s has only {distinct} frames and {settings.min_points} "
            f"are needed; give a longer stretch of motion, or film at a higher frame rate"
        )
    notes = motion.notes
    if distinct < FRAMES:
        notes += (f"only {distinct} different frames lie in the window, so some of the {FRAMES} are repeated",)
    pixels = torch.from_numpy(np.stack(picked)).permute(3, 0, 1, 2).float() / 255
    placement = Placement(
        left + side / 2, top + side / 2, side / 2, t0, t1 - t0, motion.video.width, motion.video.height
    )
    return Clip(pixels, placement, str(path), notes)


def crop_square(motion: Motion, settings: MotionSettings | None = None) -> tuple[int, int, int]:
    """Left, top and side in whole pixels of the square around the motion; it may stick out of the picture."""
    settings = settings or MotionSettings()
    inside = motion.in_window()
    centres, radii = motion.centres_px[inside], motion.radii_px[inside]
    low, high = (centres - radii[:, None]).min(0), (centres + radii[:, None]).max(0)
    side = max((high - low).max() / settings.fill, np.median(radii) / settings.max_radius)
    side = max(2, round(side))
    left, top = np.round((low + high - side) / 2).astype(int)
    return int(left), int(top), side


def _nearest_crops(
    path, fps, wanted: np.ndarray, left: int, top: int, side: int
) -> tuple[list[np.ndarray], list[float]]:
    """For each wanted time the nearest frame's crop (64, 64, 3) uint8, and that frame's time."""
    best: list[tuple[float, np.ndarray]] = [(math.inf, np.empty(0))] * len(wanted)
    slack = 1e-6
    for time, picture in frames(path, fps, start=wanted[0] - slack, end=wanted[-1] + slack):
        nearer = [k for k, t in enumerate(wanted) if abs(time - t) < abs(best[k][0] - t) - slack]
        if nearer:
            crop = _crop(picture, left, top, side)
            for k in nearer:
                best[k] = (time, crop)
    return [crop for _, crop in best], [time for time, _ in best]


def _crop(picture: np.ndarray, left: int, top: int, side: int) -> np.ndarray:
    """The square resampled to (64, 64, 3), with the picture's edge repeated where the square sticks out."""
    height, width = picture.shape[:2]
    # The padding has to reach a square that lies outside the picture altogether on one side.
    rows = np.clip(np.arange(top, top + side), 0, height - 1)
    columns = np.clip(np.arange(left, left + side), 0, width - 1)
    square = picture[rows][:, columns]
    return cv2.resize(square, (SIZE, SIZE), interpolation=cv2.INTER_AREA if side >= SIZE else cv2.INTER_LINEAR)
