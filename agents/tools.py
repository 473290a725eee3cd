"""What can be asked of one chat's video: each tool is a function of a `Session` that returns a `Result`.

They work without any agent:

    session = Session(Describer(), "out/chat", ["throw.mp4"])
    print(quantity(session, "speed").text)

A tool that can't answer raises `UserError` with one sentence that says what would help. Files are written into the
session's folder only, and only the session's videos are read. Lengths are in metres where a scale or calibrated cameras
give them, otherwise in the equation's unit, and the answer says so. The unit of one view is u, half the width of the
crop at the path's mean depth.
"""

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from trajvlm.agents import explanations
from trajvlm.agents.arithmetic import evaluate_text
from trajvlm.agents.curve_distance import Gap, gap
from trajvlm.agents.motion_table import rows, write_csv
from trajvlm.agents.session import Result, Session
from trajvlm.agents.stick import length_px
from trajvlm.agents.units import Unit, in_unit
from trajvlm.agents.wording import (
    FURTHEST_S,
    axes,
    bounce_in_words,
    check_time,
    doubt,
    equation_text,
    how_to_scale,
    in_lengths,
    in_metres,
    lengths,
    limits,
    measured_in_words,
    measured_window,
    rate,
    scale_in_words,
    scale_now,
    useful,
    where,
    window,
)
from trajvlm.data.clip import SIZE
from trajvlm.data.errors import UserError
from trajvlm.vlm import quantities
from trajvlm.vlm.quantities import constants_in_words, with_error
from trajvlm.vlm.scale import Scale, size_warning

if TYPE_CHECKING:
    from trajvlm.vlm.describe import Description
    from trajvlm.vlm.described import Described

Seconds = Annotated[float | None, Field(description="seconds from the clip's first frame (the t of the equation)")]


def describe_video(
    session: Session,
    video: Annotated[
        str | None, Field(description="file name or number of one of the chat's videos; left out, the latest")
    ] = None,
    frames_per_second: Annotated[
        float | None, Field(description="true frame rate while filming, where the file's own is wrong (slow motion)")
    ] = None,
    slow_motion: Annotated[
        float | None,
        Field(description="how many times slower than the motion was the file plays; 1 for the file's own times"),
    ] = None,
    field_of_view_deg: Annotated[float | None, Field(description="the camera's horizontal angle of view")] = None,
) -> Result:
    """Name the family of motion in the video, with probabilities; its values hold the equation."""
    if field_of_view_deg is not None and not 1 <= field_of_view_deg <= 170:
        raise UserError(f"a field of view lies between 1 and 170 degrees, not {field_of_view_deg:g}")
    if frames_per_second is not None and slow_motion is not None:
        raise UserError("give the frame rate or how many times slower the file plays, not both")
    if video is not None:
        session.choose_video(video)
    settings = {"fps": frames_per_second, "field_of_view": field_of_view_deg}
    settings = {name: value for name, value in settings.items() if value is not None}
    if slow_motion is not None:
        settings["fps"] = session.slowed(slow_motion)
    if settings:
        session.change(**settings)
    found = session.description()
    rivals = sorted((p, name) for name, p in found.probabilities.items() if name != found.family)[::-1]
    others = ", ".join(f"{name} {p:.0%}" for p, name in rivals[:2] if p >= 0.01)
    against, measured = doubt(found), measured_in_words(found, session.metres_per_unit)
    if refused := _is_refused(found):
        nearest = "clearest" if found.views[0].objects else "nearest curve"
        text = f"The answer is refused. {against} The {nearest} is {found.family} ({found.meaning}). "
    else:
        text = f"The motion is {found.finding} ({found.meaning}). "
    if measured:
        text += f"{'It measures' if refused else 'Measured'} {measured_window(session)}: {measured}. "
    text += f"Confidence {found.confidence:.0%}{f'; next: {others}' if others else ''}. " if not refused else ""
    text += f"{against} " if against and not refused else ""
    if len(found.views) == 1 and len(found.views[0].phases) > 1:
        text += f"Its track has {len(found.views[0].phases)} phases. "
    told = (text, bounce_in_words(session), window(session), rate(session), scale_now(session))
    text = " ".join(filter(None, map(str.strip, told)))
    caveats = " ".join([limits(found), *(f"Note: {note}." for note in found.clip_notes)])
    return Result(text, {**useful(found), **in_metres(session), "video": session.video.name}, caveats=caveats)


def _is_refused(found: "Described") -> bool:
    return not found.calibrated and found.views[0].refused is not None


def equation(
    session: Session,
    which: Annotated[
        Literal["measured", "refined", "raw", "both"],
        Field(
            description="measured: fitted to the object's places on the video's own pixels, or refined where there is "
            "none; refined: fitted to what the visual tokens decode to; raw: from the language model alone; both: all"
        ),
    ] = "measured",
) -> Result:
    """Give the equation x(t), y(t), z(t) of the motion."""
    found = session.description()
    if found.calibrated and which in ("measured", "refined"):
        shown = in_lengths(found.best, session)
        return _told_of([f"By two views: {equation_text(shown)}."], {"two views": shown.to_text()}, session)
    found = session.one_view(
        "two views have one equation, fitted to both tracks; for the language model's own describe one of the videos "
        "by itself"
    )
    if which == "measured" and found.measured is None:
        which = "refined"
    parts, values = [], {}
    for name, one in (("measured", found.measured), ("refined", found.refined), ("raw", found.equation)):
        if which not in (name, "both"):
            continue
        if one is None:
            if which == "refined":
                raise UserError("there is no refined equation, because the track could not be fitted; ask for the raw")
            continue
        shown = in_lengths(one, session)
        parts.append(f"{name.capitalize()}: {equation_text(shown)}.")
        values[name] = shown.to_text()
    return _told_of(parts, values, session)


def _told_of(parts: list[str], values: dict, session: Session) -> Result:
    """Equations in words, and the meaning and units of t, x, y and z."""
    told = f"{' '.join(parts)} {bounce_in_words(session)}t is in seconds. {lengths(session)}"
    return Result(f"{told} {axes(session.description())}", values)


def refine(session: Session) -> Result:
    """Say what refining and measuring changed: the equation before and after each, and how far apart the curves are."""
    found = session.one_view(
        "two views have no equation before the fit to both tracks; to see what refining changes, describe one of the "
        "videos by itself"
    )
    if found.refined is None:
        raise UserError("nothing was refined, because the track could not be fitted; ask for the raw equation")
    apart, distances = _apart(gap(found, found.equation, found.refined), session)
    raw, refined = in_lengths(found.equation, session), in_lengths(found.refined, session)
    text = (
        f"The language model alone wrote {equation_text(raw)}. The fit to the track that its tokens decode to gave "
        f"{equation_text(refined)}. {apart} "
    )
    values = {"raw": raw.to_text(), "refined": refined.to_text(), **distances}
    if found.measurement is not None and found.measured is not None:
        apart, moved = _apart(gap(found, found.refined, found.measured), session)
        measured, best = in_lengths(found.measured, session), found.measurement.best
        text += (
            f"Fitting all constants to the object's places on the video's own pixels, in {len(best.residuals_px)} "
            f"frames, gave {equation_text(measured)}, which misses them by {best.residual_px:.2g} pixels (root mean "
            f"square). {apart} "
        )
        values |= {"measured": measured.to_text()} | {f"measuring_{name}": one for name, one in moved.items()}
    if found.model_family != found.family:
        text += f"The family changed too, from {found.model_family} to {found.family}. "
    if (against := doubt(found)) != "":
        text += f"{against} "
    return Result(f"{text}{lengths(session)}", values)


def phases(session: Session) -> Result:
    """List the phases of the object's track, in order: what it does in all of the video, with what was measured."""
    found = session.one_view("two views are one phase each; to list the phases, describe one of the videos by itself")
    if not found.phases:
        raise UserError("the track was not cut into phases, because nothing was measured; describe the video with fits")
    told, rows = [], []
    metres = session.metres_per_unit
    by_pixel = None if metres is None else metres / found.clip.placement.half_width_px
    for number, phase in enumerate(found.phases, 1):
        constants = phase.measurement.best.values if phase.measurement else {}
        in_words = constants_in_words(quantities.scaled_constants(constants, by_pixel), phase.name)
        answer = ", which the answer is about" if phase.is_answer else ""
        told.append(
            f"{number}. {phase.start_s:.2f} to {phase.stop_s:.2f} s: {phase.name}{answer}"
            + (f"; {in_words}" if in_words else "")
        )
        rows.append(phase.to_dict(found.focal))
    count = f"{len(told)} phases" if len(told) > 1 else "one phase"
    unit = "pixels" if metres is None else "metres"
    text = f"The object's track has {count}, in seconds of the video and in {unit}:\n" + "\n".join(told)
    return Result(text, {"phases": rows})


def compare_with_track_and_fit(session: Session) -> Result:
    """Say what a script without any network (OpenCV's blobs, least squares) finds in the clip, beside the answer."""
    found = session.one_view("the script follows one video; to see what it finds, describe one of the two by itself")
    rival = found.without_networks()
    if rival is None:
        raise UserError(_script_is_blind(found))
    apart, distances = _apart(gap(found, found.best, rival.equation), session)
    same = rival.family == found.family
    text = (
        f"Without any network, by following the blob that moves and fitting every family to it, the motion is "
        f"{rival.family} ({rival.probabilities[rival.family]:.0%}), "
        f"{'as' if same else f'and not {found.family}, as'} the answer says. "
        f"Its equation: {equation_text(in_lengths(rival.equation, session))}. {apart} "
    )
    if not same:
        text += (
            "On plain clips the script is the more precise of the two; where the background, the light or a hand get "
            "in the way, it is the one that errs. "
        )
    values = {
        "family": found.family,
        "script_family": rival.family,
        "script_probabilities": rival.probabilities,
        "script_equation": in_lengths(rival.equation, session).to_text(),
        **distances,
    }
    return Result(f"{text}{lengths(session)}", values)


def _script_is_blind(found: "Description") -> str:
    """Why the script finds nothing to fit, and what to do instead."""
    try:
        small = size_warning(found)
    except UserError:
        small = ""
    reason = (
        "a ball of one or two pixels there is lost among hands and noise"
        if small
        else "nothing stands out there for long"
    )
    return (
        f"a simple script finds the object in too few frames to fit anything, because it sees what the networks see, "
        f"{SIZE} pixels across, and {reason}; measure a second time by hand instead: step through the drawn video and "
        f"note pixels, or film from nearer"
    )


def _apart(apart: Gap, session: Session) -> tuple[str, dict[str, float]]:
    """The distances between two curves as a sentence and as values."""
    unit, factor = session.length
    text = (
        f"The two curves are {apart.mean * factor:.2g} {unit} apart on average and {apart.greatest * factor:.2g} "
        f"{unit} at most, at t = {apart.greatest_at_s:.2f} s"
    )
    values = {
        f"mean_distance_{unit}": apart.mean * factor,
        f"greatest_distance_{unit}": apart.greatest * factor,
        "greatest_at_s": apart.greatest_at_s,
    }
    if apart.mean_px is not None and apart.greatest_px is not None:
        text += f"; in the picture {apart.mean_px:.1f} pixels on average and {apart.greatest_px:.1f} at most"
        values |= {"mean_distance_px": apart.mean_px, "greatest_distance_px": apart.greatest_px}
    return f"{text}.", values


def position_at(
    session: Session,
    t_s: Annotated[float, Field(description="the time in seconds")],
    clock: Annotated[
        Literal["clip", "video"],
        Field(description="clip: counted from the clip's first frame, as in the equation; video: as the file plays"),
    ] = "clip",
) -> Result:
    """Say where the object is at a time: position in space and pixel in the picture."""
    place = session.description().clip.placement
    return where(session, t_s / session.slower - place.t0_s if clock == "video" else t_s)


def forecast(
    session: Session,
    seconds_after_end: Annotated[float, Field(description="seconds after the end of the motion that was seen")],
) -> Result:
    """Continue the equation past the end of what was seen: where the object would be."""
    if not 0 <= seconds_after_end <= FURTHEST_S:
        raise UserError(
            f"a forecast reaches from 0 to {FURTHEST_S:g} seconds past the end, not {seconds_after_end:g}; "
            f"ask for a position for times inside the clip"
        )
    return where(session, session.description().lasts_s + seconds_after_end)


def quantity(
    session: Session,
    name: Annotated[
        Literal[
            "speed",
            "acceleration",
            "distance",
            "height",
            "g",
            "launch_angle",
            "radius",
            "amplitude",
            "period",
            "frequency",
            "pitch",
            "decay",
            "restitution",
        ],
        Field(
            description="distance: length of the path; height: of the highest point; g: of a free flight with a scale, "
            "or of a pendulum with its length; decay: half-life of a swing or circle; restitution: of a bounce, with "
            "the times of the impacts"
        ),
    ],
    t_s: Seconds = None,
    pendulum_length_m: Annotated[
        float | None, Field(description="for g of a pendulum: metres from its pivot to the middle of its bob")
    ] = None,
    unit: Annotated[
        Unit | None,
        Field(description="in place of m: ft is ft, ft/s or ft/s², as the quantity needs; km/h, mph, knots: speeds"),
    ] = None,
) -> Result:
    """Derive a quantity with its unit from the equation: speed, acceleration, radius, period, g and others."""
    found = session.description()
    if t_s is not None:
        check_time(found, t_s)
    numbers = quantities.derive(name, found, t_s, pendulum_length_m)
    metres = session.metres_per_unit
    if metres is None and name == "g" and numbers[0].unit is None:
        raise UserError(f"a value of g in m/s² needs a scale: {how_to_scale(session)}")
    parts = []
    values: dict[str, float | str] = {}
    for number in numbers:
        value, shown = in_unit(number, session, unit)
        remark = f" ({number.remark})" if number.remark else ""
        error = None if number.error is None or not number.value else abs(value * number.error / number.value)
        of = number.name if number.name == "g" else f"The {number.name}"
        parts.append(f"{of} is {f'{with_error(value, error)} {shown}'.strip()}{remark}.")
        key = f"{number.name} [{shown}]" if shown else number.name
        values[key] = value
        if error is not None:
            values[f"error of {key}"] = error
    if name == "g" and (warning := g_warning(found, numbers[0].warning(metres))):
        parts.append(warning)
        values["warning"] = warning
    when = "" if t_s is None or name not in ("speed", "acceleration") else f"At t = {t_s:g} s: "
    scaled = any(number.length_power for number in numbers)
    rests_on = lengths(session) if unit is None else f"That rests on the scale: {scale_in_words(session)}."
    if session.scale is not None and any(number.error is not None for number in numbers):
        rests_on += " After ± stands one standard error of the measurement; the scale's own is not in it."
    return Result(f"{when}{' '.join(parts)}" + (f" {rests_on}" if scaled else ""), values)


def g_warning(found: "Described", warning: str) -> str:
    """What speaks against a value of g, as sentences: `warning`, and the doubt about the family; may be empty."""
    return " ".join(filter(None, (warning, doubt(found))))


def explain(
    session: Session,
    topic: Annotated[
        Literal["family", "error"],
        Field(description="family: why the motion is of its family; error: what is known of the error of a number"),
    ],
) -> Result:
    """Explain in words: why the motion is a parabola, a circle and so on, or how far a number can be trusted."""
    return Result(explanations.why(session.description()) if topic == "family" else explanations.error(session))


def set_scale(
    session: Session,
    object_diameter_m: Annotated[float | None, Field(description="true diameter of the object in metres")] = None,
    pixels_per_metre: Annotated[
        float | None, Field(description="pixels of the video that one metre takes at the object's distance")
    ] = None,
    distance_m: Annotated[float | None, Field(description="metres from the camera to the object, on average")] = None,
    picture_width_m: Annotated[
        float | None, Field(description="metres that the whole picture is wide at the object's distance")
    ] = None,
    forget: Annotated[bool, Field(description="take back the scale; lengths are in u again")] = False,
) -> Result:
    """Set the scale, so that lengths are given in metres, by one of the four lengths; or forget it."""
    lengths_given = (object_diameter_m, pixels_per_metre, distance_m, picture_width_m)
    if forget and any(given is not None for given in lengths_given):
        raise UserError("a scale is either set or forgotten; leave out the length, or forget")
    if forget:
        if session.found is not None and session.found.calibrated:
            raise UserError(
                "two views have the scale of the cameras' file; for lengths in u describe one of the videos by itself"
            )
        session.scale = None
        return Result(f"The scale is forgotten. {lengths(session)}")
    scale = Scale(*lengths_given)
    found = session.description()
    metres = scale.metres_per_unit(found)
    session.scale = scale
    text = f"Scale set: {scale}, so 1 u is {metres:.3g} m."
    if object_diameter_m is not None:
        measured = not found.calibrated and found.views[0].measurement is not None
        read_from = "measured on the video's pixels" if measured else "read from the decoded tokens"
        text += f" The apparent size is {read_from}; its error goes into every length. "
        text = f"{text}{size_warning(found)}".strip()
    return Result(text, {"metres_per_unit": metres})


def measure_length(
    session: Session,
    x1_px: Annotated[float, Field(description="one end of the stick: pixels from the picture's left edge")],
    y1_px: Annotated[float, Field(description="and from its upper edge")],
    x2_px: Annotated[float, Field(description="the other end")],
    y2_px: Annotated[float, Field(description="and from the upper edge")],
    length_m: Annotated[
        float | None, Field(description="true length in metres, where known: it becomes the scale of everything")
    ] = None,
) -> Result:
    """Lay a stick between two places in the picture: say how long it is, or set the scale by its known length."""
    pixels = length_px((x1_px, y1_px, x2_px, y2_px))
    if length_m is not None:
        if not (math.isfinite(length_m) and length_m > 0):
            raise UserError(f"a stick's length is a positive number of metres, not {length_m:g}")
        return set_scale(session, pixels_per_metre=pixels / length_m)
    metres = session.metres_per_unit
    if metres is None:
        return Result(
            f"It is {pixels:.4g} pixels of the video long. Say how long it truly is, and everything is in metres.",
            {"length_px": pixels},
        )
    length = pixels * metres / session.description().clip.placement.half_width_px
    return Result(f"It is {length:.3g} m long, by the scale that was set.", {"length_px": pixels, "length_m": length})


def choose_window(
    session: Session,
    start_s: Annotated[float | None, Field(description="look no earlier, in seconds of the video as it plays")] = None,
    end_s: Annotated[float | None, Field(description="look no later, in seconds of the video as it plays")] = None,
) -> Result:
    """Look at one stretch of the video only and describe it again; with neither time, find the stretch anew."""
    for value in (start_s, end_s):
        if value is not None and not (math.isfinite(value) and value >= 0):
            raise UserError(f"a window's times are seconds from 0 on, not {value:g}")
    if end_s is not None and end_s <= (start_s or 0):
        raise UserError(f"the window's end ({end_s:g} s) has to come after its start ({start_s or 0:g} s)")
    session.change(start=start_s, end=end_s)
    return describe_video(session)


def point_at(
    session: Session,
    x_px: Annotated[float, Field(description="pixels from the picture's left edge")],
    y_px: Annotated[float, Field(description="pixels from the picture's upper edge")],
    t_s: Annotated[float | None, Field(description="seconds of the video at which it is there, if it matters")] = None,
) -> Result:
    """Say which of several objects is meant, by a place in the picture at which it is seen, and describe its motion."""
    place = (x_px, y_px) if t_s is None else (x_px, y_px, t_s)
    if not all(math.isfinite(part) and part >= 0 for part in place):
        raise UserError("a place is pixels from the picture's upper left corner, from 0 on, such as 320,180")
    session.change(at=place)
    return describe_video(session)


def plot(
    session: Session,
    what: Annotated[
        Literal["position", "velocity", "acceleration", "all"], Field(description="what is drawn against time")
    ] = "all",
) -> Result:
    """Draw position, velocity or acceleration against time as a picture."""
    from trajvlm.agents.plots import plot_over_time

    names = ("position", "velocity", "acceleration") if what == "all" else (what,)
    path = session.new_file(f"{what}-over-time", ".png")
    plot_over_time(session.description(), names, path, *session.length)
    shown = ", ".join(names[:-1]) + " and " + names[-1] if len(names) > 1 else names[0]
    return Result(f"Here is the {shown} against time. {lengths(session)}", {"file": path.name}, (path,))


def draw_curve(session: Session) -> Result:
    """Draw the found curve over the video, or over both views', as mp4 files."""
    from trajvlm.agents.overlay import draw_over_video

    views, files = session.description().projections, []
    for view in views:
        files.append(session.new_file("-".join(filter(None, ("curve-over", view.side, "video"))), ".mp4"))
        draw_over_video(view, files[-1], session.fps)
    shown = " and ".join(view.video for view in views)
    text = (
        f"Here {'is' if len(views) == 1 else 'are'} {shown} with the curve: full where the motion was seen, pale where "
        "the equation is continued beyond it."
    )
    return Result(text, _named(files), tuple(files))


def show_tokens(session: Session) -> Result:
    """Show the visual tokens of the clip as a mosaic, beside the scene that they decode to."""
    from trajvlm.agents.plots import plot_tokens

    found, files, codes = session.description(), [], []
    for view, projection in zip(found.views, found.projections):
        files.append(session.new_file("-".join(filter(None, ("tokens", projection.side))), ".png"))
        plot_tokens(view, files[-1])
        shown, *mirrored = view.codes
        codes.append(shown.tolist())
    clip, its = ("The clip", "Its") if len(files) == 1 else ("Each view's clip", "Each one's")
    text = (
        f"{clip} became {shown.numel()} codes, shown between the clip and the scene that they decode to. {its} "
        f"{len(mirrored)} mirror images became as many each; the language model read those too."
    )
    return Result(text, {"codes": codes if len(codes) > 1 else codes[0], **_named(files)}, tuple(files))


def _named(files: list[Path]) -> dict:
    """The names of files, as values."""
    return {"file": files[0].name} if len(files) == 1 else {"files": [path.name for path in files]}


def save_table(
    session: Session, file_type: Annotated[Literal["csv", "json"], Field(description="kind of the file")] = "csv"
) -> Result:
    """Write position, velocity and pixel against time, as a table to download; JSON holds the description too."""
    found, metres = session.description(), session.metres_per_unit
    path = session.new_file("motion", f".{file_type}")
    table = rows(found, *session.length, session.slower)
    if file_type == "csv":
        write_csv(table, path)
    else:
        saved = {**found.to_dict(), "video": session.video.name, "metres_per_unit": metres, "table": table}
        path.write_text(json.dumps(saved, indent=1))
    return Result(f"Here is the table with {len(table)} times. {lengths(session)}", {"file": path.name}, (path,))


def evaluate(
    session: Session,
    expression: Annotated[
        str, Field(description="numbers, t, pi, + - * / ** (whole, to 4), sin, cos, exp, sqrt; nothing else")
    ],
    t_s: Annotated[float, Field(description="value of t in the expression")] = 0.0,
) -> Result:
    """Work out an arithmetic expression, in which t may stand for a time."""
    value = evaluate_text(expression, t_s)
    at = f" at t = {t_s:g}" if "t" in expression.replace("sqrt", "") else ""
    return Result(f"{expression.strip()} = {value:.6g}{at}.", {"value": value})


TOOLS = (
    describe_video,
    equation,
    refine,
    phases,
    compare_with_track_and_fit,
    position_at,
    forecast,
    quantity,
    explain,
    set_scale,
    measure_length,
    choose_window,
    point_at,
    plot,
    draw_curve,
    show_tokens,
    save_table,
    evaluate,
)
"""Everything that an agent may call."""
