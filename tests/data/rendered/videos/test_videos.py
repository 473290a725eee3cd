"""Suites of video files: the frames that were drawn, at the times that were meant, and the truth about them."""

import json
import subprocess
import sys
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from trajvlm.data.errors import UserError
from trajvlm.data.filmed.decode import frames, open_video
from trajvlm.data.motions.equation import Equation
from trajvlm.data.motions.families import FAMILIES
from trajvlm.data.rendered import sealed
from trajvlm.data.rendered.nuisances import Nuisances
from trajvlm.data.rendered.sealed import VIDEOS, commitment, sealed_seed
from trajvlm.data.rendered.shapes import draw_shape
from trajvlm.data.rendered.stream import VALIDATION_SEED
from trajvlm.data.rendered.videos.events import draw_event
from trajvlm.data.rendered.videos.filming import Film
from trajvlm.data.rendered.videos.shots import Shot, _size, draw_shot
from trajvlm.data.rendered.videos.sprites import Sprite, Surface, lay, thing
from trajvlm.data.rendered.videos.suites import VIDEO_SUITES, VideoSuite, find_video_suite
from trajvlm.data.rendered.videos.truth import truth_of
from trajvlm.data.rendered.videos.writer import MANIFEST, TRUTH, make_videos, read_truth, write_shot

# Of what the sealed suites are drawn from. These were fixed before any result: they may not change.
COMMITTED = {
    "sealed-videos-clean": "f1164d6bba6b33c1675d592975a409eec60f9f605cb039619b61c576b1678334",
    "sealed-videos-light": "03d5ce01c03e50ec183e5cedb8e3a09e02ef16e59ae65f3b4f38404341def06f",
    "sealed-videos-half": "c17ccc491042d8e98e32beacd4c906c2211a839efaf8b574f6a7108889289a23",
    "sealed-videos-phases": "5776142dfc61013ed91898ac01dfc7085dfd48cefae1b896f081e1191d014693",
    "sealed-videos-movers": "f62bf7f8cc5d2aa6dea6d27a2b2e0983e431582ef53f5450c2dc723dca5d7c39",
    "sealed-videos-irregular": "d3b338c522ec31309396bf256b9340488b98afadef55be82d0d498eb6416885f",
    "sealed-videos-slow": "73d8b77b75b3c8350ba215006dd416837244997f0d71d40ec80cb34640b42354",
    "sealed-videos-long": "a3c84309b7206c51a54e919796f0bc595d49d0b37d88a263babd8d6e1ae283db",
}


def shot(suite: str, index: int, **changes) -> Shot:
    return draw_shot(replace(find_video_suite(suite), **changes), VALIDATION_SEED, index)


def small(suite: str, wanted, most_frames: int = 80, **changes) -> Shot:
    """The first shot of a suite with few frames and small pictures that is as wanted."""
    for index in range(100):
        found = shot(suite, index, **changes)
        if len(found.ticks) <= most_frames and found.width * found.height < 500_000 and wanted(found):
            return found
    raise AssertionError("no such shot")


def centroid(picture: np.ndarray, backdrop: np.ndarray) -> tuple[np.ndarray, float]:
    """Middle (2,) in pixels of where a picture differs from its backdrop, and how many pixels differ."""
    apart = np.abs(picture.astype(float) - backdrop).max(axis=-1)
    # Compression trembles by a few levels; edges count by how much of the pixel is covered.
    share = ((apart - 12) / np.quantile(apart, 0.9999).clip(24)).clip(0, 1) ** 0.5
    y, x = np.mgrid[: picture.shape[0], : picture.shape[1]] + 0.5
    return np.array([(share * x).sum(), (share * y).sum()]) / max(share.sum(), 1e-9), float((share > 0.5).sum())


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    """Some clean shots with things of middling size, filmed."""
    folder, made = tmp_path_factory.mktemp("clean"), []
    for family in ("parabolic", "circular", "bouncing"):
        found = small(
            "clean",
            lambda s, family=family: (
                8 < s.movers[0].radius < 40
                and s.movers[0].shape.name == "ball"
                and family in [p.kind for p in s.movers[0].course.phases]
            ),
            150,
        )
        mover = found.movers[0]
        even = replace(mover.surface, pattern="even", light=None)
        found = replace(found, movers=(replace(mover, surface=even),))
        write_shot(found, folder / found.name)
        made.append((found, folder / found.name))
    return made


def test_a_file_has_the_frames_that_were_drawn_at_the_times_that_were_meant(clean):
    for found, path in clean:
        decoded = list(frames(path))
        assert [time for time, _ in decoded] == pytest.approx(found.times.tolist(), abs=1e-9)
        for (_, picture), drawn in zip(decoded, Film(found).frames(), strict=True):
            assert picture.shape == drawn.shape
            assert np.abs(picture.astype(float) - drawn).mean() < 3
        info = open_video(path)
        assert info.rate == pytest.approx(found.rate, rel=1e-4)
        assert info.duration_s == pytest.approx(truth_of(found)["duration_s"], abs=1e-3)


def test_a_thing_is_in_the_file_where_its_truth_says(clean):
    seen = 0
    for found, path in clean:
        truth = truth_of(found)["movers"][0]
        backdrop = Film(found)._still(np.zeros(2))
        for k, (_, picture) in enumerate(frames(path)):
            x, y, radius = (truth[name][k] for name in ("x_px", "y_px", "radius_px"))
            if not (radius + 2 < x < found.width - radius - 2 and radius + 2 < y < found.height - radius - 2):
                continue
            if k % 3:
                continue
            near = tuple(slice(max(int(at - 3 * radius), 0), int(at + 3 * radius)) for at in (y, x))
            middle, area = centroid(picture[near], backdrop[near])
            middle += [near[1].start, near[0].start]
            assert np.abs(middle - [x, y]).max() < 0.25, k
            assert area == pytest.approx(np.pi * radius**2, rel=0.12)
            seen += 1
    assert seen > 20


@pytest.mark.parametrize("name", ["ball", "box", "star"])
@pytest.mark.parametrize("radius", [3.0, 11.0, 60.0])
def test_a_cut_out_covers_what_its_outline_says_at_any_fraction_of_a_pixel(name, radius):
    rng = np.random.default_rng(1)
    shape, surface = draw_shape(name, rng), Surface(np.ones(3))
    cut = thing(shape, surface, radius, soft=0.6)
    cells = (2.5 / 64) ** 2 * (0.5 - shape.distance * 64 / 2.5).clip(0, 1).sum()
    places = []
    for _ in range(4):
        x, y = rng.uniform(100, 101, 2)
        frame = np.zeros((200, 200, 3), np.uint8)
        lay(frame, cut, np.array([[x, y, 1.0, 0.0]]))
        cover = frame[..., 0] / 255
        assert cover.sum() == pytest.approx(cells * radius**2, rel=0.05)
        v, u = np.mgrid[:200, :200] + 0.5
        places.append(np.array([(cover * u).sum(), (cover * v).sum()]) / cover.sum() - [x, y])
    # Wherever its middle lies, it is the same distance from where it is placed.
    assert np.ptp(places, axis=0).max() < 0.03
    assert name != "ball" or np.abs(places).max() < 0.02


def white_ball(radius: float) -> Sprite:
    return thing(draw_shape("ball", np.random.default_rng(0)), Surface(np.ones(3)), radius, 0.5)


def test_the_shutter_smears_what_moves_about_the_middle_of_its_way():
    cut, frame = (
        thing(draw_shape("ball", np.random.default_rng(0)), Surface(np.ones(3)), 6.0, 0.5),
        np.zeros((80, 160, 3), np.uint8),
    )
    where = np.stack([np.linspace(50, 90, 32), np.full(32, 40.0), np.ones(32), np.zeros(32)], axis=-1)
    lay(frame, cut, where)
    cover = frame[..., 0] / 255
    u = np.arange(160) + 0.5
    assert cover.sum() == pytest.approx(np.pi * 36, rel=0.03)
    assert (cover.sum(axis=0) * u).sum() / cover.sum() == pytest.approx(70, abs=0.1)
    assert cover.sum(axis=0)[48] > 0.5 and cover.sum(axis=0)[92] > 0.5


def test_what_is_laid_outside_a_picture_leaves_it_alone():
    cut, frame = (
        thing(draw_shape("ball", np.random.default_rng(0)), Surface(np.ones(3)), 6.0, 0.5),
        np.zeros((40, 40, 3), np.uint8),
    )
    lay(frame, cut, np.array([[-30.0, 20.0, 1.0, 0.0]]))
    assert not frame.any()
    lay(frame, cut, np.array([[0.0, 20.0, 1.0, 0.0]]))
    assert frame[:, :5].any() and not frame[:, 10:].any()


@pytest.mark.parametrize("suite", VIDEO_SUITES)
def test_equations_are_where_the_things_are(suite):
    told = 0
    for index in range(12):
        found = shot(suite, index)
        truth = truth_of(found)
        times, moved = np.array(truth["times_s"])[found.shown], truth["camera"]
        for mover in truth["movers"]:
            for phase in mover["phases"]:
                if phase["family"] is None:
                    continue
                within = (times >= phase["start_s"]) & (times <= phase["stop_s"])
                if not within.any():
                    continue
                places = Equation.from_text(phase["equation"]).positions(times[within] - phase["t0_s"])
                scale = truth["frame"]["focal_px"] / (truth["frame"]["focal_px"] - places[:, 2])
                x = truth["frame"]["centre_x_px"] + places[:, 0] * scale
                y = truth["frame"]["centre_y_px"] - places[:, 1] * scale
                if moved["x_px"]:
                    x, y = x + np.array(moved["x_px"])[within], y + np.array(moved["y_px"])[within]
                size = max(1.0, np.ptp(x), np.ptp(y))
                assert np.abs(x - np.array(mover["x_px"])[within]).max() < 1e-3 * size + 0.05
                assert np.abs(y - np.array(mover["y_px"])[within]).max() < 1e-3 * size + 0.05
                told += 1
    assert told > 5 or suite == "irregular"


def test_phases_of_the_truth_follow_each_other_over_the_whole_file():
    for index in range(10):
        found = shot("phases", index)
        phases = truth_of(found)["movers"][0]["phases"]
        assert phases[0]["start_s"] == 0 and phases[-1]["stop_s"] == pytest.approx(found.times[-1], abs=1e-5)
        for before, after in zip(phases, phases[1:]):
            assert before["stop_s"] == pytest.approx(after["start_s"], abs=1e-5)
        assert any(phase["family"] for phase in phases)


def test_the_suites_hold_what_their_names_say():
    drawn = {name: [shot(name, index) for index in range(24)] for name in VIDEO_SUITES}
    assert all(s.nuisances == Nuisances() and s.camera == "stands" for s in drawn["clean"])
    assert all(s.nuisances == replace(Nuisances.all_at(0.5), jitter=0) for s in drawn["half"])
    assert max(max(vars(s.nuisances).values()) for s in drawn["light"]) <= 0.3
    for name in ("clean", "light", "half", "slow"):
        kinds = [next(p.kind for p in s.movers[0].course.phases if p.free) for s in drawn[name]]
        assert all(kinds.count(family) == 3 for family in FAMILIES)
        assert all(len(s.movers) == 1 and s.shows == "one" for s in drawn[name])
    assert all(len([p for p in s.movers[0].course.phases if p.free]) for s in drawn["phases"])
    assert all(len(s.movers) > 1 and s.shows == "several" for s in drawn["movers"])
    assert {s.shows for s in drawn["irregular"]} == {"irregular", "nothing"}
    assert not any(p.free for s in drawn["irregular"] for m in s.movers for p in m.course.phases)
    assert max(s.rate for s in drawn["slow"]) <= 15
    assert min(s.times[-1] for s in drawn["long"]) > 12 and max(s.times[-1] for s in drawn["long"]) > 60
    everything = [s for name in VIDEO_SUITES if name != "long" for s in drawn[name]]
    assert all(0.8 < s.times[-1] <= 10 and 12 <= s.rate <= 120 and len(s.ticks) <= 601 for s in everything)
    assert {s.camera for s in everything} == {"stands", "shakes", "pans"}
    assert any(s.height > s.width for s in everything)
    assert all(
        3 <= min(m.radius for m in s.movers) and max(m.radius for m in s.movers) <= 100 for s in everything if s.movers
    )


def test_thirty_of_two_hundred_files_have_1080_lines():
    sizes = [sorted(_size(index, np.random.default_rng(index))) for index in range(200)]
    assert sizes.count([1080, 1920]) == 30


def test_motions_are_in_the_picture_while_they_last():
    for index in range(24):
        found = shot("clean", index)
        phase = next(p for p in found.movers[0].course.phases if p.free)
        there = found.project(phase.positions(np.linspace(phase.clock[0], sum(phase.clock), 50)))
        assert (there[:, 0] > 0).all() and (there[:, 0] < found.width).all()
        assert (there[:, 1] > 0).all() and (there[:, 1] < found.height).all()
        spans = np.ptp(there[:, 0]) / found.width, np.ptp(there[:, 1]) / found.height
        assert max(spans) > 0.15


def test_a_motion_lasts_some_frames_at_any_rate():
    suite = find_video_suite("slow")
    for index in range(40):
        event = draw_event(suite, index, 12.0, True, np.random.default_rng(index))
        phase = next(p for p in event.groups[0].courses[0].phases if p.free)
        assert phase.clock[1] * 12 >= 10.99


def test_a_repeated_frame_is_shown_again_with_its_place():
    found = small("half", lambda s: np.any(s.shown != np.arange(len(s.shown))), 150)
    again = int(np.flatnonzero(found.shown != np.arange(len(found.shown)))[0])
    truth = truth_of(found)
    assert again in truth["repeated"]
    assert truth["movers"][0]["x_px"][again] == truth["movers"][0]["x_px"][again - 1]
    drawn = list(Film(found).frames())
    assert np.array_equal(drawn[again], drawn[again - 1])


def test_frames_that_are_left_out_leave_a_gap_in_time(tmp_path):
    found = small("light", lambda s: np.ptp(np.diff(s.ticks)) > 0, 120, uneven=1.0)
    write_shot(found, tmp_path / "uneven.mp4")
    assert [t for t, _ in frames(tmp_path / "uneven.mp4")] == pytest.approx(found.times.tolist(), abs=1e-9)
    assert truth_of(found)["even"] is False


def test_the_camera_moves_the_whole_picture():
    found = small("light", lambda s: s.camera == "pans", 200, panning=1.0)
    last = len(found.ticks) - 1
    assert np.abs(found.offsets[last]).max() > 1
    still = replace(found, movers=(), nuisances=Nuisances())
    film = Film(still)
    film.sways = []
    first, final = film._drawn(0), film._drawn(last)
    # Whole pixels of the way; what is left is less than one.
    x, y = np.rint(found.offsets[last]).astype(int)
    height, width = first.shape[:2]
    rows, columns = slice(max(y, 0), height + min(y, 0)), slice(max(x, 0), width + min(x, 0))
    back_rows, back = slice(max(-y, 0), height + min(-y, 0)), slice(max(-x, 0), width + min(-x, 0))
    apart = np.abs(final[rows, columns].astype(float) - first[back_rows, back]).mean()
    assert apart < np.abs(final.astype(float) - first).mean() or apart < 0.5


def test_memory_does_not_grow_with_the_film():
    found = small("long", lambda s: len(s.ticks) > 200, 100_000)
    found = replace(found, nuisances=Nuisances(noise=0.2, exposure=0.2, blur=0.3))
    tracemalloc.start()
    peaks = []
    for count in (20, 120):
        film = Film(replace(found, ticks=found.ticks[:count], shown=found.shown[:count]))
        tracemalloc.reset_peak()
        for _ in film.frames():
            pass
        peaks.append(tracemalloc.get_traced_memory()[1])
        del film
    tracemalloc.stop()
    assert peaks[1] < 1.1 * peaks[0]


def tiny(monkeypatch) -> None:
    """Files of a few small frames."""

    def quick(suite: VideoSuite, seed: int, index: int) -> Shot:
        found = draw_shot(suite, seed, index)
        few = found.ticks[:9]
        scenery = replace(found.scenery, width=64, height=48, props=())
        return replace(
            found, width=64, height=48, ticks=few, shown=np.arange(len(few)), offsets=found.offsets[:9], scenery=scenery
        )

    monkeypatch.setattr("trajvlm.data.rendered.videos.writer.draw_shot", quick)


def test_a_suite_is_a_folder_of_files_and_a_line_of_truth_for_each(tmp_path, monkeypatch):
    tiny(monkeypatch)
    size = make_videos(["clean", "movers"], 3, VALIDATION_SEED, tmp_path / "out")
    for name in ("clean", "movers"):
        truths = read_truth(tmp_path / "out" / name)
        assert [truth["file"] for truth in truths] == [f"{name}-{k:04d}.mp4" for k in range(3)]
        for truth in truths:
            path = tmp_path / "out" / name / truth["file"]
            assert [t for t, _ in frames(path)] == pytest.approx(truth["times_s"], abs=1e-5)
            assert len(truth["movers"][0]["x_px"]) == truth["frames"] == 9
    assert size == sum(path.stat().st_size for path in (tmp_path / "out").rglob("*.mp4"))


def contents(folder) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_suite_that_was_stopped_goes_on_to_the_same_bytes(tmp_path, monkeypatch):
    tiny(monkeypatch)
    make_videos(["light"], 4, 5, tmp_path / "whole")
    make_videos(["light"], 4, 5, tmp_path / "cut")
    cut, whole = tmp_path / "cut" / "light", contents(tmp_path / "whole" / "light")
    lines = (cut / TRUTH).read_text().splitlines(keepends=True)
    (cut / TRUTH).write_text("".join(lines[:2]) + lines[2][:40])
    (cut / "light-0000.mp4").write_bytes(b"torn")
    (cut / "light-0003.mp4").unlink()
    make_videos(["light"], 4, 5, tmp_path / "cut")
    again = contents(cut)
    assert {name: data for name, data in again.items() if name != TRUTH} == {
        name: data for name, data in whole.items() if name != TRUTH
    }
    assert sorted(again[TRUTH].splitlines()) == sorted(whole[TRUTH].splitlines())
    before = (cut / "light-0001.mp4").stat().st_mtime_ns
    make_videos(["light"], 4, 5, tmp_path / "cut")
    assert (cut / "light-0001.mp4").stat().st_mtime_ns == before


def test_nothing_of_anybodys_is_written_over(tmp_path, monkeypatch):
    tiny(monkeypatch)
    (tmp_path / "clean").mkdir()
    (tmp_path / "clean" / "holiday.mp4").write_bytes(b"mine")
    with pytest.raises(UserError, match="choose another folder"):
        make_videos(["clean"], 1, 2, tmp_path)
    assert contents(tmp_path / "clean") == {"holiday.mp4": b"mine"}
    make_videos(["light"], 1, 2, tmp_path)
    with pytest.raises(UserError, match="other settings"):
        make_videos(["light"], 2, 2, tmp_path)
    manifest = json.loads((tmp_path / "light" / MANIFEST).read_text())
    manifest["versions"]["opencv"] = "1.0"
    (tmp_path / "light" / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(UserError, match="begun with"):
        make_videos(["light"], 1, 2, tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError):
        make_videos(["clean"], 1, 2, tmp_path / "file")


def test_unknown_suites_are_refused_with_the_known_ones(tmp_path):
    with pytest.raises(UserError, match="clean, light, half"):
        make_videos(["lite"], 1, 2, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_same_number_is_the_same_shot_whoever_asks():
    one, other = shot("phases", 7), shot("phases", 7)
    assert truth_of(one) == truth_of(other)
    assert np.array_equal(Film(one)._drawn(3), Film(other)._drawn(3))
    assert truth_of(shot("phases", 8)) != truth_of(one)


def test_another_process_writes_the_same_file(tmp_path):
    code = (
        "import sys; from dataclasses import replace; from pathlib import Path;"
        "from trajvlm.data.rendered.videos.shots import draw_shot; from trajvlm.data.rendered.videos.suites import *;"
        "from trajvlm.data.rendered.videos.writer import write_shot;"
        "shot = draw_shot(find_video_suite('half'), 2, 1);"
        "write_shot(replace(shot, ticks=shot.ticks[:12], shown=shot.shown[:12]), Path(sys.argv[1]))"
    )
    for name in ("one.mp4", "other.mp4"):
        subprocess.run([sys.executable, "-c", code, str(tmp_path / name)], check=True)
    assert (tmp_path / "one.mp4").read_bytes() == (tmp_path / "other.mp4").read_bytes()


@pytest.mark.skipif(sealed.OPENED, reason="the final evaluation has begun")
@pytest.mark.parametrize("name", VIDEOS)
def test_a_sealed_suite_is_what_was_committed_to_and_is_not_filmed(name, tmp_path):
    suite = find_video_suite(name.removeprefix(sealed.VIDEO_PREFIX))
    assert commitment(name, sealed_seed(name), suite.size, suite) == COMMITTED[name]
    with pytest.raises(UserError, match=f"{name} is sealed"):
        make_videos([name], 1, 2, tmp_path / "out")
    with pytest.raises(UserError, match=f"{name} is sealed"):
        draw_shot(suite, sealed_seed(name), 0)
    assert not (tmp_path / "out").exists()
