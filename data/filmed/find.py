"""Find what moves in a video: the tracks of its objects, measured at full resolution, the clearest first."""

import math
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from scipy.ndimage import median_filter

from trajvlm.data.errors import UserError
from trajvlm.data.filmed.decode import VideoInfo, open_video
from trajvlm.data.filmed.detection import Detection, DetectionTrack, travel
from trajvlm.data.filmed.measure import measured
from trajvlm.data.filmed.parts import parts
from trajvlm.data.filmed.search import SearchSettings, detect, link
from trajvlm.data.filmed.track import FoundTracks, Track
from trajvlm.data.filmed.window import check_window, time_range

_POINTED_RADII, _POINTED_SHARE = 4.0, 0.04
"""Radii of an object, or part of the picture's diagonal, within which a place points at it."""
_NEVER_WHOLE = 0.05
"""Share of its score that a track keeps which is never seen whole and alone."""


@dataclass(frozen=True)
class FindSettings:
    """How moving objects are searched and measured."""

    search: SearchSettings = SearchSettings()
    part_frames: int = 450
    """Small pictures that are in memory at a time (310 MB where they are 16:9)."""
    most_frames: int = 7200
    """Frames of a video that are looked at."""
    most_candidates: int = 10
    """Tracks that are measured, of which the clearest are kept."""
    most_tracks: int = 6
    """Tracks that are given."""
    least_score: float = 0.15
    """Of a track, as a share of the best one's."""
    samples: int = 25
    """Frames at full resolution whose median is the background when objects are measured."""


@dataclass
class _Scene:
    """What was detected between two cuts."""

    first: int
    times: list[float] = field(default_factory=list)
    detections: list[list[Detection]] = field(default_factory=list)
    poses: list[np.ndarray] = field(default_factory=list)
    moving: list[float] = field(default_factory=list)
    camera_moves: bool = False
    lost: int = 0


def find_tracks(
    path: str | Path,
    start: float | None = None,
    end: float | None = None,
    fps: float | None = None,
    at: tuple[float, ...] | None = None,
    settings: FindSettings | None = None,
) -> FoundTracks:
    """The tracks of what moves in a video, the clearest first.

    Args:
        start, end: seconds from the start of the video between which it is looked at.
        fps: frames a second, instead of the file's timestamps: frame k is at k / fps.
        at: (x, y) or (x, y, t) in pixels of the upright picture and seconds: the track that comes nearest is the first.

    Raises:
        UserError: `path` is no usable video, nothing moves, or not at the place that is given, the camera moves, or the
            window is not inside the video.
    """
    settings = settings or FindSettings()
    info = open_video(path, fps)
    search = settings.search
    check_window(info, start, end)
    scenes, size, notes = _scenes(info, start, end, fps, settings, search)
    found = []
    for scene in scenes:
        ranked = _ranked(link_scene(scene, size, search), scene, size, start, end, search)
        found += [(score, track, scene) for score, track in ranked]
    if not found:
        _refuse(info, scenes, start, end, search)
    best = max(found, key=lambda one: one[0])
    scene = best[2]
    found = sorted((one for one in found if one[2] is scene), key=lambda one: -one[0])[: settings.most_candidates]
    times = np.array(scene.times)
    shrink = np.array([size[0] / info.width, size[1] / info.height])
    poses = _enlarged(np.stack(scene.poses), shrink) if scene.camera_moves else None
    tracks = [_as_track(DetectionTrack(_inside(t, scene, start, end)), times, shrink) for _, t, _ in found]
    tracks = measured(path, fps, tracks, times, poses, settings.samples)
    tracks = _clearest([score for score, _, _ in found], tracks, settings)
    if at is not None:
        tracks = _pointed_at(tracks, at, math.hypot(info.width, info.height))
    return FoundTracks(tuple(tracks), times, info, (*notes, *_cut_note(scenes, scene)), poses)


def _scenes(info: VideoInfo, start, end, fps, settings: FindSettings, search: SearchSettings):
    low = high = None
    if info.frame_count is None or info.frame_count > settings.part_frames:
        begin = start if start is not None else None if end is None else max(0.0, end - 10.0)
        low = None if begin is None else max(0.0, begin - search.lead_s)
        high = None if end is None else end + search.lead_s
    scenes: list[_Scene] = []
    size = (0, 0)
    notes: tuple[str, ...] = ()
    count = 0
    for part in parts(info, fps, low, high, search.longest_side, settings.part_frames):
        if part.new_scene or not scenes:
            scenes.append(_Scene(count))
        scene = scenes[-1]
        size = part.pictures.shape[2], part.pictures.shape[1]
        here = detect(part, len(scene.times), search)
        scene.times += part.times.tolist()
        scene.detections += here.detections
        scene.moving += here.moving.tolist()
        scene.lost += part.lost
        still = np.broadcast_to(np.eye(2, 3), (len(part.times), 2, 3))
        scene.poses += list(still if part.poses is None else part.poses)
        scene.camera_moves |= part.poses is not None
        count += len(part.times)
        if count >= settings.most_frames:
            last = part.times[-1]
            if last < (info.duration_s or math.inf) - 1.0:
                notes = (
                    f"only {scenes[0].times[0]:.1f} to {last:.1f} s were looked at; give start and end for others",
                )
            break
    return scenes, size, notes


def _cut_note(scenes: list[_Scene], chosen: _Scene) -> tuple[str, ...]:
    if len(scenes) == 1:
        return ()
    return (
        f"the video has cuts, and only the part from {chosen.times[0]:.2f} to {chosen.times[-1]:.2f} s was used; give "
        f"start and end for another",
    )


def link_scene(scene: _Scene, size, search) -> list[DetectionTrack]:
    return link(scene.detections, np.array(scene.times), math.hypot(*size), search)


def _refuse(info: VideoInfo, scenes: list[_Scene], start, end, search) -> None:
    frames = [t for scene in scenes for t in scene.times]
    if len(frames) < search.min_points:
        raise UserError(
            f"only {len(frames)} frames of {info.path}{time_range(start, end)} can be decoded and {search.min_points} "
            f"are needed; give a longer or undamaged video, or a wider start and end",
            reason="too_short" if frames else "unreadable",
        )
    moving = np.concatenate([scene.moving for scene in scenes])
    if np.median(moving) > 0.45 or sum(s.lost for s in scenes) > 0.3 * len(frames):
        raise UserError(
            f"most of the picture moves in {info.path}, not one object; film with a still camera, "
            f"or give start and end of a steady part",
            reason="camera_moves",
        )
    raise UserError(
        f"nothing moves in {info.path}{time_range(start, end)}; give a video, or a start and an end, "
        f"in which one object moves before a still camera",
        reason="nothing_moves",
    )


def _inside(track: DetectionTrack, scene: _Scene, start, end) -> list[Detection]:
    low, high = (start or 0.0) - 1e-6, (math.inf if end is None else end) + 1e-6
    return [b for b in track.detections if low <= scene.times[b.frame] <= high]


def _ranked(tracks: list[DetectionTrack], scene: _Scene, size, start, end, settings: SearchSettings):
    """Tracks that move enough, with scores: long in space and time where they are away from the edge and not held, of
    high contrast, and steady."""
    longest = max(size)
    scored = []
    for track in tracks:
        seen = _inside(track, scene, start, end)
        free = DetectionTrack([b for b in seen if not (b.at_edge or b.attached)])
        if len(free.detections) < settings.min_points - settings.max_gap:
            continue
        extent = travel(free)
        if extent < settings.min_travel * longest:
            continue
        contrast = float(np.mean([b.contrast for b in free.detections]))
        score = extent * contrast * math.sqrt(len(free.detections))
        scored.append((score * _steadiness(free, scene.times), track))
    return scored


def _steadiness(track: DetectionTrack, times: list[float]) -> float:
    """From 1, for one solid thing that moves as if by itself, to 0 for parts of a hand that are joined anew in each
    frame: how steady the area is, and how smooth the path."""
    area = np.log(track.array("area")[:, 0])
    wavers = float(np.median(np.abs(area - median_filter(area, 5, mode="nearest"))))
    wavers += 0.5 * float(np.median(np.abs(np.diff(area))))
    path, radius = track.array("x", "y"), track.array("radius")[:, 0]
    seen = np.array(times)[[b.frame for b in track.detections]]
    left = np.empty(0)
    if len(path) > 4:
        fives = np.arange(len(path) - 4)[:, None] + np.arange(5)
        t = seen[fives] - seen[fives[:, 2:3]]
        design = np.stack([np.ones_like(t), t, t * t], axis=-1)
        away = path[fives] - design @ (np.linalg.pinv(design) @ path[fives])
        left = np.linalg.norm(away, axis=(1, 2)) / math.sqrt(5)
    rough = float(np.median(left)) / (0.25 * float(np.median(radius)) + 0.5) if len(left) else 0.0
    return 1 / ((1 + (wavers / 0.15) ** 2) * (1 + rough**2))


def _clearest(scores: list[float], tracks: list[Track], settings: FindSettings) -> list[Track]:
    """The tracks that are clear enough, the clearest first: those that are long in space and time where they are seen
    whole and alone. A hand never is, and what it holds is when it is let go."""
    rated = []
    for score, track in zip(scores, tracks, strict=True):
        seen = track.centres_px[track.whole]
        share = 0.0
        if len(seen) >= 3:
            share = np.ptp(seen, axis=0).max() / max(np.ptp(track.centres_px, axis=0).max(), 1e-9)
            share *= math.sqrt(len(seen) / len(track))
        rated.append((score * (_NEVER_WHOLE + share), track))
    rated.sort(key=lambda pair: -pair[0])
    return [track for score, track in rated if score >= settings.least_score * rated[0][0]][: settings.most_tracks]


def _as_track(track: DetectionTrack, times: np.ndarray, shrink: np.ndarray) -> Track:
    path = track.array("x", "y", "radius") / [*shrink, shrink.mean()]
    index = np.array([b.frame for b in track.detections])
    whole = np.array([not (b.at_edge or b.attached) for b in track.detections])
    return Track(index, times[index], path[:, :2], path[:, 2], whole)


def _enlarged(poses: np.ndarray, shrink: np.ndarray) -> np.ndarray:
    """Poses of small pictures as those of full ones, (N, 2, 3)."""
    large = poses.copy()
    large[:, :, :2] *= shrink[None, None, :] / shrink[None, :, None]
    large[:, :, 2] /= shrink
    return large


def _pointed_at(tracks: list[Track], at: tuple[float, ...], diagonal: float) -> list[Track]:
    """The tracks, the one that comes nearest to a place first; raises UserError where none comes near it."""
    tracks = sorted(tracks, key=lambda track: _distance(track, at))
    nearest = tracks[0]
    if _distance(nearest, at) > max(_POINTED_RADII * float(np.median(nearest.radii_px)), _POINTED_SHARE * diagonal):
        moment = f" at {at[2]:g} s" if len(at) == 3 else ""
        firsts = [(*track.centres_px[0].tolist(), float(track.times_s[0])) for track in tracks]
        raise UserError(
            f"nothing that moves is seen near {at[0]:g},{at[1]:g}{moment}; give a place and time of what does, as "
            + " or ".join(f"{x:.0f},{y:.0f},{t:.2f}" for x, y, t in firsts),
            reason="nothing_moves",
        )
    return tracks


def _distance(track: Track, at: tuple[float, ...]) -> float:
    """From a track to a place, in pixels; at a time, where one is given: its observation nearest to it."""
    away = np.linalg.norm(track.centres_px - np.asarray(at[:2]), axis=1)
    if len(at) == 2:
        return float(away.min())
    wait = np.abs(track.times_s - at[2])
    return float(away[wait.argmin()]) if wait.min() < 0.5 else math.inf
