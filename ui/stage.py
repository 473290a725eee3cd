"""The stage: the video's frames with the object's track and the measured curve over them, on which a person measures.

A click points at the object, two clicks and a length are a stick, a stretch of the strip or a phase is a window. Each
becomes a sentence in the chat, so the chat shows it, remembers it, and can be told otherwise.
"""

import math
from base64 import b64encode
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
import numpy as np

from trajvlm.agents.session import Session
from trajvlm.agents.wording import doubt
from trajvlm.data.errors import UserError
from trajvlm.ui.measured_words import constants_in_words, phase_in_words, unbroken, what_is_refused
from trajvlm.ui.stage_video import RATE, stage_video
from trajvlm.ui.track_table import beside_curves
from trajvlm.ui.window_and_scale import wanted, window_in_words

if TYPE_CHECKING:
    from trajvlm.ui.conversation import Conversation
    from trajvlm.vlm.describe import Description
    from trajvlm.vlm.described import Described

_HERE = Path(__file__).parent
_NUMBERS = 3
"""Measured numbers that stand beside the picture."""
_POINTS_OF_CURVE, _POINTS_A_TURN = 240, 60
_TO_A_TENTH = 1
_STEADIED = "The camera moves: places are measured as if it stood still, so no curve is drawn over these frames."


class Stage:
    """The stage, put on the page that is being built; it appears when a video was described."""

    def __init__(self) -> None:
        self.part = gr.HTML(
            html_template="<div class='stage'></div>",
            css_template=(_HERE / "stage.css").read_text(encoding="utf-8"),
            js_on_load=(_HERE / "stage.js").read_text(encoding="utf-8"),
            elem_id="stage",
            visible=False,
            apply_default_css=False,
        )

    def shown(self, conversation: "Conversation | None") -> Any:
        """A new value for `part`; nothing where what was found is shown already, or can't be."""
        if conversation is None:
            return gr.update(visible=False)
        # One after the other: a film is drawn for seconds, in which another video may be described.
        with conversation.stage_lock:
            return self._shown(conversation)

    def _shown(self, conversation: "Conversation") -> Any:
        session, scale = conversation.session, conversation.session.scale
        found, on_stage = session.found, conversation.on_stage
        if found is None or found.calibrated:
            return self._hidden(conversation)
        if on_stage is not None and on_stage[0] is found and on_stage[1] == scale:
            return gr.skip()
        film = session.video, session.fps
        # The page has the film already where it is the same.
        drawn: dict = {}
        try:
            if film != conversation.film_on_stage:
                times, drawn = _film(*film)
            else:
                times = conversation.film_times
            value = scene(session, times) | drawn
        except UserError:
            return self._hidden(conversation)
        if conversation.session is not session or session.found is not found:
            # What has been asked meanwhile is followed by an event of its own.
            return gr.skip()
        conversation.on_stage, conversation.film_on_stage, conversation.film_times = (found, scale), film, times
        return gr.update(value=value, visible=True)

    def _hidden(self, conversation: "Conversation") -> Any:
        conversation.on_stage = conversation.film_on_stage = None
        return gr.update(visible=False)


def _film(video: Path, fps: float | None) -> tuple[np.ndarray, dict]:
    """Seconds of the frames, and what of the scene hangs on the video alone; raises UserError as `stage_video`."""
    film = stage_video(video, fps)
    return film.times, {"film": _text(film.mp4), "strip": _text(film.strip), "beyond": film.beyond}


def scene(session: Session, times: np.ndarray) -> dict:
    """What the stage shows of the current video, which is described, as plain values for `stage.js`.

    Times are seconds of the video as it plays, places pixels of the upright picture; `times` are those of the frames,
    in seconds of the description. The film and its strip come on top where the page doesn't have them.
    """
    [found], slower = session.description().views, session.slower
    place = found.clip.placement
    metres = session.metres_per_unit
    return {
        "name": session.video.name,
        "rate": RATE,
        "width": place.video_width_px,
        "height": place.video_height_px,
        "times": (times * slower).round(4).tolist(),
        # Over frames of a camera that moves both would lie beside the object.
        "track": [] if found.camera_moves else _track(found, times, slower),
        "curve": [] if found.camera_moves else _curve(found),
        "phases": [
            {
                "start": round(phase.start_s * slower, 3),
                "stop": round(phase.stop_s * slower, 3),
                "name": phase.name,
                "answer": phase.is_answer,
                "words": phase_in_words(
                    replace(phase, start_s=phase.start_s * slower, stop_s=phase.stop_s * slower),
                    None if metres is None else metres / place.half_width_px,
                ),
            }
            for phase in found.phases
        ],
        "objects": [] if found.camera_moves else [[x, y, t * slower] for x, y, t in found.objects],
        **_told(found, metres),
    }


def _told(found: "Description", metres: float | None) -> dict:
    """The answer in a line, and its first numbers with their errors."""
    numbers = constants_in_words(found, metres).split(", ") if found.measurement else []
    refused = found.refused is not None
    head = f"Refused; the {what_is_refused(found)} is {found.family}" if refused else found.finding
    return {
        "head": head,
        "meaning": found.meaning,
        "numbers": [unbroken(one) for one in numbers[:_NUMBERS]],
        "careful": " ".join(filter(None, (doubt(found), _STEADIED if found.camera_moves else ""))),
        "depth": "depth is not seen" if found.measurement and not found.measurement.best.depth_seen else "",
    }


def _track(found: "Description", times: np.ndarray, slower: float) -> list[list[float | None]]:
    """Of each observation its frame, x, y, radius, and how far the curve misses it, nothing where none runs there."""
    track = found.filmed_track
    if track is None:
        return []
    frames = np.abs(times[:, None] - track.times_s).argmin(axis=0)
    away = beside_curves(found, track)[2]
    rows = np.column_stack([track.centres_px, track.radii_px, away]).round(2).tolist()
    return [[int(frame), *(None if math.isnan(value) else value for value in row)] for frame, row in zip(frames, rows)]


def _curve(found: "Description") -> list[list[float]]:
    """The answer's measured curve as points of the picture; none where nothing was measured."""
    if found.measurement is None:
        return []
    best = found.measurement.best
    turns = abs(best.family.inside(best.constants)[0]) if "turns" in best.family.shape else 0.0
    count = int(min(_POINTS_OF_CURVE + _POINTS_A_TURN * turns, 4000))
    pixels = best.pixels(np.linspace(best.start_s, best.stop_s, count))
    return pixels[np.isfinite(pixels).all(axis=1)].round(_TO_A_TENTH).tolist()


def _text(data: bytes) -> str:
    return b64encode(data).decode("ascii")


def in_words(gesture: dict, found: "Described | None") -> str:
    """The message that a gesture on the stage means.

    Raises UserError for one that means none: the page's own program sends these, but so may anybody's.
    """
    match gesture:
        case {"kind": "point", "place": [x, y, t]} if _are_numbers(x, y, t):
            # With two digits at least, so that no place is read as a number with a decimal comma.
            return f"The one at {x:02.0f},{y:02.0f} at {t:.3f} s."
        case {"kind": "window", "span": [start, stop]} if _are_numbers(start, stop):
            return window_in_words(round(start, 3), round(stop, 3))
        case {"kind": "stick", "ends": [a, b, c, d], "length": str(length)} if _are_numbers(a, b, c, d):
            if not 0 < len(length.strip()) <= 40:
                raise UserError("type how long the stick is, with its unit, such as 1 m or 30 cm")
            return f"It is {length.strip()} between {a:.1f},{b:.1f} and {c:.1f},{d:.1f}. {wanted(found)}".rstrip()
    raise UserError("that is no gesture of the stage; reload the page")


def _are_numbers(*values: object) -> bool:
    return all(isinstance(value, int | float) and math.isfinite(value) for value in values)
