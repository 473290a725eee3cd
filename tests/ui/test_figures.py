import re
import warnings
from dataclasses import replace
from itertools import combinations

import cv2
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

from tests.ui import fake
from trajvlm.data.motions.families import FAMILIES
from trajvlm.ui.figures import draw


@pytest.mark.parametrize("refine", [True, False])
def test_the_picture_shows_the_video_the_curve_and_the_strips(tmp_path, refine):
    video = fake.write_video(tmp_path / "throw $1.mp4")
    description = fake.FakeDescriber().describe(video, refine=refine)
    draw(description, tmp_path / "picture.png")
    picture = cv2.imread(str(tmp_path / "picture.png"))[..., ::-1].astype(int)
    assert picture.shape[1] >= 1200
    # The curve's colour and the wall's both take up some of it.
    curve = np.abs(picture - (0xE4, 0x57, 0x2E)).max(axis=2) < 25
    assert curve.mean() > 0.002
    assert 0.2 < (picture.min(axis=2) < 200).mean() < 0.8


def test_a_name_that_the_font_can_not_draw_brings_no_warning(tmp_path):
    description = fake.FakeDescriber().describe(
        fake.write_video(tmp_path / "throw é \N{TENNIS RACQUET AND BALL}球.mp4")
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        draw(description, tmp_path / "picture.png")


@pytest.fixture(scope="module")
def description(tmp_path_factory):
    return fake.FakeDescriber().describe(fake.write_video(tmp_path_factory.mktemp("video") / "throw.mp4"))


def test_the_strips_say_when_their_frames_were_taken(description, tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(Figure, "savefig", lambda figure, path: drawn.append(figure))
    uneven = np.linspace(0, 1, 17) ** 2
    draw(replace(description, clip=replace(description.clip, times=uneven)), tmp_path / "picture.png")
    labels = [label.get_text() for ax in drawn[0].findobj(Axes) for label in ax.get_xticklabels()]
    assert [label for label in labels if label.endswith(" s")] == [
        f"{uneven[k] * fake.SECONDS:.2f} s" for k in (0, 4, 8, 12, 16)
    ]


@pytest.mark.parametrize("name", FAMILIES)
def test_no_text_of_the_picture_runs_over_another_or_out_of_it(name, description, tmp_path, monkeypatch):
    family = FAMILIES[name]
    drawn = []
    monkeypatch.setattr(Figure, "savefig", lambda figure, path: drawn.append(figure))
    for seed in range(3):
        equation = family.equation(family.draw(np.random.default_rng(seed))).with_time(0.0, fake.SECONDS)
        draw(replace(description, family=name, refined=equation), tmp_path / "picture.png")
        figure = drawn.pop()
        figure.draw_without_rendering()
        texts = [text for text in figure.findobj(Text) if re.match(r"[xyzh]\(t\)|\s*then", text.get_text())]
        boxes = [text.get_window_extent() for text in texts]
        assert {text.get_text()[0] for text in texts} - {" "} == set("xyzh" if name == "bouncing" else "xyz")
        assert all(box.x0 >= 0 and box.x1 <= figure.bbox.x1 for box in boxes)
        assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))
        assert all(text.get_fontsize() >= 10 for text in texts)
