"""The report is one small file that says what the results hold."""

import re
from itertools import islice
from types import SimpleNamespace

import pytest

from tests.eval.fake import Fake
from tests.eval.made_up import results
from trajvlm.eval.comparison import OURS, verdict
from trajvlm.eval.pictures import Picture, pictures, worst
from trajvlm.eval.registry import Entry
from trajvlm.eval.report_page import page, write_page
from trajvlm.eval.suites import SUITES


@pytest.fixture(scope="module")
def data():
    return results(ours=0.8, script=0.9, learned=0.7)


@pytest.fixture(scope="module")
def written(data):
    return page(data, [Picture(b"jpeg", "clean, clip 0: linear")], [])


def test_the_page_needs_nothing_beside_itself_and_is_small(written):
    assert not re.findall(r'(?:src|href)="(?!data:|#)', written) and "<script" not in written
    assert len(written) < 700_000 and 'name="viewport"' in written


def test_the_first_paragraph_is_the_verdict(data, written):
    first = re.search(r'<p class="lead">(.*?)</p>', written, re.DOTALL)[1]
    assert first.replace("&#x27;", "'") == verdict(data)[0]


def test_every_suite_and_figure_has_its_place(written):
    for words in ("Clean", "Light nuisances", "One nuisance at a time", "Outside the training", "weights not supplied"):
        assert words in written
    assert written.count('class="confusion"') == 15
    assert all(f"<figcaption>{name}</figcaption>" in written for name in ("noise", "occlusion", "compression"))
    assert "a" * 64 in written and "x86_64" in written and "5" * 12 in written


def test_results_of_one_system_alone_make_a_page(data):
    alone = {**data, "suites": {"clean": {"floor": data["suites"]["clean"]["floor"]}}}
    assert "floor" in page(alone, [], [], "no clips")
    assert "no clips" in page(alone, [], [], "no clips")


def test_the_worst_are_the_failures_and_then_the_largest_errors(data):
    assert set(worst(data, "clean", 2)) == {98, 99} and worst(data, "clean", 3)[2] in (96, 97)
    assert worst({"suites": {}}, "clean", 2) == []


def test_pictures_of_other_weights_are_not_shown(data, tmp_path, monkeypatch):
    class Shipped:
        identity = {"other": "weights"}

    monkeypatch.setattr(Entry, "load", lambda entry: Shipped())
    write_page(data, tmp_path / "report" / "index.html")
    text = (tmp_path / "report" / "index.html").read_text()
    assert "belong to other weights" in text and "image/jpeg" not in text


def test_a_picture_shows_a_clip_of_the_suite():
    echo = SimpleNamespace(encode_codes=lambda video: video, decode_codes=lambda codes: codes)
    system = Fake("ours", rows=(OURS,))
    system.describer = SimpleNamespace(tokenizer=echo)
    (picture,) = pictures(system, "clean", [1])
    truth = list(islice(SUITES["clean"].scenes(), 2))[1].family
    assert picture.jpeg[:2] == b"\xff\xd8" and len(picture.jpeg) < 60_000
    assert picture.caption.startswith(f"clean, clip 1: {truth}; this project says linear (0.60), the script ")
    assert pictures(system, "clean", []) == []
