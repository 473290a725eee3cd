"""The path in space as a Plotly figure that can be turned."""

from typing import TYPE_CHECKING

import numpy as np

from trajvlm.ui.figures import MOMENTS, PATH, SHADOW

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from trajvlm.vlm.describe import Description


def path_in_space(description: "Description", metres_per_unit: float | None = None) -> "go.Figure":
    """The path, its shadow on the floor, and its first, middle and last point; equal scales, y up."""
    import plotly.graph_objects as go

    factor, unit = metres_per_unit or 1.0, "u" if metres_per_unit is None else "m"
    duration = description.clip.placement.duration_s
    t = np.linspace(0, description.lasts_s, 200 if description.measurement is None else 1600)
    x, y, z = description.best.positions(t).T * factor
    centre = [(a.min() + a.max()) / 2 for a in (x, y, z)]
    half = max(np.ptp(a) for a in (x, y, z)) * 0.55 + 1e-3 * factor
    floor = np.full_like(y, centre[1] - half)
    hover = f"x %{{x:.3g}}, y %{{z:.3g}}, z %{{y:.3g}} {unit}<br>t %{{customdata:.2f}} s<extra></extra>"

    # Plotly's vertical axis is its third; ours is y, and z runs from the picture towards the viewer.
    def line(height: np.ndarray, colour: str, width: int) -> go.Scatter3d:
        return go.Scatter3d(
            x=x,
            y=z,
            z=height,
            mode="lines",
            line={"color": colour, "width": width},
            customdata=t,
            hovertemplate=hover,
            showlegend=False,
        )

    figure = go.Figure([line(floor, SHADOW, 3), line(y, PATH, 6)])
    for name, colour, tau in MOMENTS:
        here = description.best.positions(np.array([tau * duration]))[0] * factor
        point = {"x": [here[0]], "y": [here[2]], "z": [here[1]], "customdata": [tau * duration]}
        marker = {"color": colour, "size": 5}
        figure.add_scatter3d(**point, mode="markers", marker=marker, name=name, hovertemplate=hover)
    axes = zip(("xaxis", "yaxis", "zaxis"), ("x, right", "z, to camera", "y, up"), (0, 2, 1))
    scene = {
        axis: {"title": {"text": f"{label}, {unit}", "font": {"size": 11}}, "nticks": 5, "tickfont": {"size": 10}}
        | {"range": [centre[k] + half, centre[k] - half] if axis == "yaxis" else [centre[k] - half, centre[k] + half]}
        for axis, label, k in axes
    }
    # Far enough away for the axes' names to fit on a telephone.
    eye = {"x": 1.32, "y": -2.5, "z": 1.02}
    figure.update_layout(
        scene={**scene, "aspectmode": "cube", "camera": {"eye": eye, "center": {"x": 0, "y": 0, "z": -0.12}}},
        height=360,
        autosize=True,
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        legend={"orientation": "h", "y": 1.0, "x": 0.0, "yanchor": "top", "font": {"size": 11}},
        paper_bgcolor="white",
    )
    return figure
