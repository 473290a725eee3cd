"""Numbers that physicists ask for, derived from an equation by differentiation and by reading off its harmonics.

All lengths are in units of the equation and all times in seconds. `Quantity.scaled` converts to metres where a scale
is known. Numbers that were measured on the video's own pixels (`trajvlm.vlm.measure`) have a standard error.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import sympy

from trajvlm.data.errors import UserError
from trajvlm.data.motions.equation import Equation, T
from trajvlm.data.motions.readable import bounce
from trajvlm.vlm.described import Described

_DENSE = 2000
_EARTH = 9.81
_FAR = 0.15
"""Share of g by which it may be off before a sentence warns."""
_LEVEL_DEG = 5.0
_MOST_DIGITS = 6
"""Of a measured value: more than lens and clock of any camera are good for."""
_PENDULUM_M = (1e-3, 1e3)
_SAME = 0.005
"""Share by which a quantity may differ from its part across the picture and still be called the same."""
_SWINGS = ("oscillating", "damped")


@dataclass(frozen=True)
class Quantity:
    """One number, and what to know about it."""

    name: str
    value: float
    """In the equation's unit of length and seconds."""
    length_power: int
    time_power: int
    """The unit is length**length_power * seconds**time_power."""
    remark: str = ""
    unit: str | None = None
    """Replaces the unit of the two powers where it does not depend on a scale, such as degrees."""
    check: Callable[[float], str] | None = None
    """Value in metres and seconds to a sentence that warns of an unlikely one; empty where it is likely."""
    error: float | None = None
    """Standard error in the unit of `value`, without that of a scale; None where none was measured."""

    def __post_init__(self):
        # NumPy's scalars print as `np.float64(...)`.
        object.__setattr__(self, "value", float(self.value))
        object.__setattr__(self, "error", None if self.error is None else float(self.error))

    def scaled(self, metres: float | None) -> float:
        """The value with lengths in metres; `metres` is the equation's unit in metres, and without it the value is
        unchanged."""
        return self.value * self._factor(metres)

    def scaled_error(self, metres: float | None) -> float | None:
        """The standard error, as `scaled`."""
        return None if self.error is None else self.error * self._factor(metres)

    def _factor(self, metres: float | None) -> float:
        return (1.0 if metres is None else metres) ** self.length_power

    def warning(self, metres: float | None) -> str:
        """A sentence that warns of an unlikely value; empty where it is likely, or where a length has no known unit.
        `metres` as for `scaled`."""
        if self.check is None or (metres is None and self.length_power):
            return ""
        return self.check(self.scaled(metres))


def with_error(value: float, error: float | None, digits: int = 3) -> str:
    """A value and its standard error to the error's second digit, such as `1.0249 ± 0.0022`, but no more than the
    value's sixth; with so many digits and by itself where it has no error, or one that is nothing beside it."""
    if error is None or not 0 < error < math.inf:
        return f"{value:.{digits}g}"
    decimals = 1 - math.floor(math.log10(error))
    if value:
        most = _MOST_DIGITS - 1 - math.floor(math.log10(abs(value)))
        if error < 0.5 * 10.0**-most:
            return f"{value:.{_MOST_DIGITS}g}"
        decimals = min(decimals, most)
    if decimals < 0:
        value, error, decimals = round(value, decimals), round(error, decimals), 0
    return f"{value:.{decimals}f} ± {error:.{decimals}f}"


def measured_constants(description: Described, metres: float | None = None) -> dict[str, tuple[float, float, str]]:
    """Measured constants by name: value, standard error and unit; none where nothing was measured.

    In pixels of the video and seconds, or with lengths in metres where `metres`, the equation's unit in metres, is
    given. The acceleration of a free flight is then called g.
    """
    by_pixel = None if metres is None else metres / description.clip.placement.half_width_px
    return scaled_constants(description.constants, by_pixel)


def scaled_constants(
    constants: dict[str, tuple[float, float, str]], metres_per_pixel: float | None
) -> dict[str, tuple[float, float, str]]:
    """Constants in pixels with lengths in metres; unchanged where no scale is known."""
    if metres_per_pixel is None:
        return dict(constants)
    out = {}
    for name, (value, error, unit) in constants.items():
        by = metres_per_pixel if unit.startswith("px") else 1.0
        new = "g" if name == "acceleration" else name
        out[new] = (value * by, error * by, unit.replace("px", "m"))
    return out


def constants_in_words(constants: dict[str, tuple[float, float, str]], family: str) -> str:
    """Measured constants of a family with their standard errors, such as `period 1.0249 ± 0.0022 s, amplitude ...`; of
    a size that fades the time in which it halves."""
    told = []
    for name, (value, error, unit) in constants.items():
        if name == "decay" and value:
            name, unit = ("halves every" if value > 0 else "doubles every"), "s"
            value, error = math.log(2) / abs(value), math.log(2) * error / value**2
        elif name == "speed" and family == "parabolic":
            name = "speed halfway"
        told.append(f"{name} {with_error(value, error, 6)} {unit.replace('^2', '²')}".rstrip())
    return ", ".join(told)


def _constant(description: Described, name: str) -> tuple[float, float] | None:
    """A measured constant and its standard error in the equation's unit; None where it was not measured."""
    if name not in description.constants:
        return None
    value, error, unit = description.constants[name]
    factor = description.clip.placement.half_width_px if unit.startswith("px") else 1.0
    return value / factor, error / factor


def _measured(description: Described, quantity: Quantity, constant: str, power: float = 1.0) -> Quantity:
    """A quantity with the standard error of the measured constant, to some power of which it is proportional;
    unchanged where that was not measured."""
    found = _constant(description, constant)
    if found is None or not found[0]:
        return quantity
    value, error = found
    return replace(quantity, error=abs(quantity.value * power * error / value))


def velocity(equation: Equation) -> Equation:
    """The derivative of an equation in seconds by time, in its unit of length a second."""
    return Equation(*(sympy.diff(expression, T) for expression in equation.axes))


def derive(
    name: str, description: Described, t: float | None = None, pendulum_m: float | None = None
) -> list[Quantity]:
    """Quantities of one name from the description's best equation.

    Args:
        name: one of `NAMES`.
        t: seconds from the clip's first frame, for speed and acceleration; over all that the answer is about where
            left out.
        pendulum_m: metres from a pendulum's pivot to the middle of its bob, for g.

    Raises:
        UserError: the name is not known, or this motion has no such quantity.
    """
    if name not in _QUANTITIES:
        raise UserError(f"there is no quantity {name!r}; there are {', '.join(NAMES)}")
    if pendulum_m is not None:
        if name != "g":
            raise UserError(f"a pendulum's length tells g and not its {name}; leave it out, or ask for g")
        return _pendulum_gravity(description, pendulum_m)
    return _QUANTITIES[name](description, t)


def _norms(equation: Equation, description: Described, t: float | None) -> np.ndarray:
    times = np.linspace(0, description.lasts_s, _DENSE) if t is None else np.array([t])
    return np.linalg.norm(equation.positions(times), axis=-1)


def _over_time(name: str, values: np.ndarray, time_power: int) -> list[Quantity]:
    if np.ptp(values) <= 1e-3 * max(values.max(), 1e-9):
        return [Quantity(name, float(values[0]), 1, time_power)]
    ends = (("mean ", values.mean()), ("least ", values.min()), ("greatest ", values.max()))
    return [Quantity(word + name, float(value), 1, time_power) for word, value in ends]


def _speed(description: Described, t: float | None) -> list[Quantity]:
    found = _over_time("speed", _norms(velocity(description.best), description, t), -1)
    return _steady(description, found, "speed") if description.family == "linear" else found


def _acceleration(description: Described, t: float | None) -> list[Quantity]:
    found = _over_time("acceleration", _norms(velocity(velocity(description.best)), description, t), -2)
    return _steady(description, found, "acceleration")


def _steady(description: Described, found: list[Quantity], name: str) -> list[Quantity]:
    """A quantity that stays the same, with its standard error. What is measured is its part across the picture, which
    stands beside it where it has another in depth."""
    constant = _constant(description, name)
    if constant is None or len(found) > 1:
        return found
    [whole] = found
    if abs(whole.value / constant[0] - 1) < _SAME:
        return [replace(whole, value=constant[0], error=constant[1])]
    remark = "with its part in depth, whose scale assumes a field of view"
    across = replace(whole, name=f"{name} across the picture", value=constant[0], error=constant[1])
    return [replace(whole, remark=remark), across]


def _distance(description: Described, t: float | None) -> list[Quantity]:
    speeds = _norms(velocity(description.best), description, None)
    name = "length of the path" if description.constants else "length of the path in the clip"
    return [Quantity(name, speeds.mean() * description.lasts_s, 1, 0)]


def _height(description: Described, t: float | None) -> list[Quantity]:
    times = np.linspace(0, description.lasts_s, _DENSE)
    y = description.best.positions(times)[:, 1]
    top = int(y.argmax())
    return [
        Quantity("highest point above the start", float(y[top] - y[0]), 1, 0, f"reached at t = {times[top]:.2f} s"),
        Quantity("highest point above the lowest", float(np.ptp(y)), 1, 0),
    ]


def _gravity(description: Described, t: float | None) -> list[Quantity]:
    """Of one view the part of the acceleration in the picture's plane, which is all of g where the camera stands level;
    of calibrated views the whole acceleration, however the cameras stand."""
    if description.family in _SWINGS:
        raise UserError(
            f"this motion was called {description.family}, and a swing tells g by its length only: say how long the "
            f"string is ('the string is 1.7 m long, what is g?')"
        )
    if description.family not in ("parabolic", "bouncing"):
        raise UserError(
            f"only a free flight or a pendulum tells g, and this motion was called {description.family}; "
            f"choose a window in which the object flies freely, or ask for its acceleration"
        )
    # Between two impacts it is the same at any time; a ball that has come to rest has none.
    times = np.linspace(0, description.lasts_s, _DENSE)
    accelerations = velocity(velocity(description.best)).positions(times)
    a = accelerations[np.linalg.norm(accelerations, axis=1).argmax()]
    warns = partial(_gravity_warning, "the scale, and whether the drawn curve runs through the object in every frame")
    if description.calibrated:
        g = float(np.linalg.norm(a))
        tilt = np.degrees(np.arccos(np.clip(-a[1] / g, -1, 1))) if g else 0.0
        remark = f"it points {tilt:.0f} degrees from straight down as the left camera stands"
        return [Quantity("g", g, 1, -2, remark, check=warns)]
    tilt = abs(np.degrees(np.arctan2(a[0], -a[1])))
    remark = f"it points {tilt:.0f} degrees from straight down in the picture"
    remark += "; right if the camera stands level" if tilt <= _LEVEL_DEG else ", which a level camera would not show"
    in_plane = Quantity("g", float(np.hypot(a[0], a[1])), 1, -2, remark, check=warns)
    return [_measured(description, in_plane, "acceleration")]


def _pendulum_gravity(description: Described, length_m: float) -> list[Quantity]:
    """g = L (omega² + fading²), the damped pendulum of small swing; 4 pi² L / T² where nothing fades."""
    if not _PENDULUM_M[0] <= length_m <= _PENDULUM_M[1]:
        raise UserError(
            f"a pendulum is {_PENDULUM_M[0]:g} to {_PENDULUM_M[1]:g} m long, not {length_m:g}; give the length from "
            f"its pivot to the middle of its bob"
        )
    if description.family not in _SWINGS:
        raise UserError(
            f"the length of a string tells g of a pendulum only, and this motion was called {description.family}; "
            f"choose a window in which it swings"
        )
    wave = harmonic(description)
    g = length_m * (wave.omega**2 + wave.fading**2)
    remark = (
        f"4 pi² L / T² with L = {length_m:g} m from the pivot to the middle of the bob and T = {_turn(description)} s; "
        f"for small swings, at 20 degrees to either side it comes out 1.5 % too low"
    )
    warns = partial(_gravity_warning, "the length of the pendulum")
    measured = _measured(description, Quantity("g", g, 0, 0, remark, "m/s²", warns), "period", 2)
    if measured.error is not None:
        measured = replace(measured, remark=f"{remark}; the length's own error is not in it")
    return [measured]


def _turn(description: Described) -> str:
    value, error = _constant(description, "period") or (2 * np.pi / harmonic(description).omega, None)
    return with_error(value, error, 4)


def _gravity_warning(others: str, g_m_s2: float) -> str:
    """A sentence where a g is far from the Earth's: to check the frame rate and `others`; empty where it is near."""
    ratio = g_m_s2 / _EARTH
    if abs(ratio - 1) <= _FAR:
        return ""
    speed = f"{ratio**-0.5:.2g} times slower" if 0 < ratio < 1 else f"{ratio**0.5:.2g} times faster"
    return (
        f"Careful: on Earth g is 9.81 m/s², and {g_m_s2:.3g} is far from it. Check the frame rate (it would be right "
        f"if the video played {speed} than the motion was) and {others}."
    )


def _launch_angle(description: Described, t: float | None) -> list[Quantity]:
    if description.family not in ("parabolic", "bouncing", "linear"):
        raise UserError(
            f"only what flies or rolls freely has a launch angle, and this motion was called {description.family}; "
            f"choose a window in which it does"
        )
    vx, vy, vz = velocity(description.best).positions(np.array([0.0]))[0]
    side = "left" if vx < 0 else "right"
    if description.calibrated:
        level, horizontal = np.hypot(vx, vz), "the horizontal as the left camera stands"
    else:
        level, horizontal = abs(vx), "the horizontal in the picture"
    angle = np.degrees(np.arctan2(vy, level))
    remark = f"{'above' if angle >= 0 else 'below'} {horizontal}, to the {side}, when the clip begins"
    return [Quantity("launch angle", abs(angle), 0, 0, remark, "degrees")]


@dataclass(frozen=True)
class Harmonic:
    """position = centre + drift t + exp(-fading t) (a cos(omega t) + b sin(omega t))."""

    omega: float
    """Radians per second."""
    fading: float
    """Per second; 0 for a motion that goes on as it began, negative for one that grows."""
    drift: np.ndarray
    """(3,) units per second."""
    a: np.ndarray
    b: np.ndarray

    @property
    def semi_axes(self) -> np.ndarray:
        """Longest and shortest half diameter of the ellipse that is run through, (2,); equal for a circle."""
        return np.linalg.svd(np.stack([self.a, self.b]), compute_uv=False)[:2]


def harmonic(description: Described) -> Harmonic:
    """The one harmonic of a periodic motion; raises UserError where the equation has none."""
    functions = {f for e in description.best.axes for f in e.atoms(sympy.sin, sympy.cos)}
    rates = [abs(float(sympy.diff(f.args[0], T))) for f in functions]
    if not rates or not min(rates) > 0:
        raise UserError(
            f"a {description.family} motion does not repeat itself, so it has no period, radius or amplitude; "
            f"ask for its speed or its acceleration"
        )
    # A swing's arc has a second harmonic, which fades twice as fast.
    omega = min(rates)
    envelopes = {f for e in description.best.axes for f in e.atoms(sympy.exp) if f.has(T)}
    fading = min((-float(sympy.diff(f.args[0], T)) for f in envelopes), key=abs, default=0.0)
    # Over two turns the four functions are far from alike, however short the clip is.
    t = np.linspace(0, 4 * np.pi / omega, _DENSE)
    envelope = np.exp(-fading * t)
    design = np.stack([np.ones_like(t), t, envelope * np.cos(omega * t), envelope * np.sin(omega * t)], axis=-1)
    _, drift, a, b = np.linalg.lstsq(design, description.best.positions(t))[0]
    return Harmonic(omega, fading, drift, a, b)


def _radius(description: Described, t: float | None) -> list[Quantity]:
    if description.family in _SWINGS:
        raise UserError("a swing to and fro has no radius; ask for its amplitude")
    wave = harmonic(description)
    longest, shortest = wave.semi_axes
    constant = _constant(description, "radius")
    remark = _at_start(wave)
    if shortest < 0.9 * longest:
        this = "this is the mean" if constant is None else "this is its longer half axis, the radius of a tilted circle"
        ellipse = f"the fitted curve is an ellipse, {shortest / longest:.2f} times as wide as long; {this}"
        remark = f"{ellipse}; {remark}" if remark else ellipse
    value, error = constant or (float(np.sqrt((longest**2 + shortest**2) / 2)), None)
    return [Quantity("radius", value, 1, 0, remark, error=error)]


def _at_start(wave: Harmonic) -> str:
    """What is to be known of a size that changes; nothing of one that does not."""
    if not wave.fading:
        return ""
    return f"when the clip begins; it {'halves' if wave.fading > 0 else 'doubles'} every {_halving(wave):.3g} s"


def _halving(wave: Harmonic) -> float:
    return float(np.log(2) / abs(wave.fading))


def _amplitude(description: Described, t: float | None) -> list[Quantity]:
    wave = harmonic(description)
    value, error = _constant(description, "amplitude") or (float(wave.semi_axes[0]), None)
    return [Quantity("amplitude", value, 1, 0, _at_start(wave), error=error)]


def _decay(description: Described, t: float | None) -> list[Quantity]:
    wave = harmonic(description)
    if not wave.fading:
        raise UserError(f"a {description.family} motion goes on as it began; nothing of it fades")
    name = "half-life" if wave.fading > 0 else "doubling time"
    return [_measured(description, Quantity(name, _halving(wave), 0, 1, "of its size"), "decay", -1)]


def _restitution(description: Described, t: float | None) -> list[Quantity]:
    if description.family != "bouncing":
        raise UserError(
            f"only a bouncing ball has a restitution, and this motion was called {description.family}; "
            f"choose a window with an impact in it"
        )
    found = bounce(description.best)
    if found is None or found.restitution is None:
        raise UserError("the restitution can't be read, as no second flight begins; choose a longer window")
    impacts = found.impacts(description.lasts_s)
    at = f"impacts at {', '.join(f'{time:.2f}' for time in impacts)} s"
    each = [f"{one:.2f}" for one in found.restitutions]
    if len(set(each)) > 1:
        at += f", one by one {', '.join(each)}"
    value, error = _constant(description, "restitution") or (found.restitution, None)
    return [Quantity("restitution", value, 0, 0, at, error=error)]


def _period(description: Described, t: float | None) -> list[Quantity]:
    return [_measured(description, Quantity("period", 2 * np.pi / harmonic(description).omega, 0, 1), "period")]


def _frequency(description: Described, t: float | None) -> list[Quantity]:
    frequency = Quantity("frequency", harmonic(description).omega / (2 * np.pi), 0, -1, "turns per second")
    return [_measured(description, frequency, "period", -1)]


def _pitch(description: Described, t: float | None) -> list[Quantity]:
    if description.family != "helical":
        raise UserError(f"only a helix has a pitch, and this motion was called {description.family}")
    wave = harmonic(description)
    pitch = Quantity("pitch", float(np.linalg.norm(wave.drift)) * 2 * np.pi / wave.omega, 1, 0, "climb in one turn")
    return [_measured(description, pitch, "climb")]


_QUANTITIES: dict[str, Callable[[Described, float | None], list[Quantity]]] = {
    "speed": _speed,
    "acceleration": _acceleration,
    "distance": _distance,
    "height": _height,
    "g": _gravity,
    "launch_angle": _launch_angle,
    "radius": _radius,
    "amplitude": _amplitude,
    "period": _period,
    "frequency": _frequency,
    "pitch": _pitch,
    "decay": _decay,
    "restitution": _restitution,
}
NAMES = tuple(_QUANTITIES)
"""What `derive` knows."""
