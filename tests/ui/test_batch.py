"""What `trajvlm describe` promises with a table: a row for each file, errors as a column, shared among processes."""

import csv
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import sympy

from tests.ui import fake
from tests.vlm import made_up
from trajvlm.data.cameras.camera import project
from trajvlm.data.cameras.stereo import StereoPair
from trajvlm.data.errors import UserError
from trajvlm.data.motions.equation import Equation
from trajvlm.data.motions.families import FAMILIES
from trajvlm.ui.answer_details import NOTHING, Extras
from trajvlm.ui.batch import Task, find_pairs
from trajvlm.ui.columns import COLUMNS, values
from trajvlm.vlm.quantities import NAMES
from trajvlm.vlm.stereo import StereoDescription


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    """Two videos, one of them a folder deeper, one broken one, and notes that are none."""
    folder = tmp_path_factory.mktemp("clips")
    fake.write_video(folder / "b.mp4")
    (folder / "deeper").mkdir()
    fake.write_video(folder / "deeper" / "a.MP4")
    (folder / "broken.mp4").write_text("no video")
    (folder / "notes.txt").write_text("no video, and not taken for one")
    return folder


def read(path):
    if path.suffix == ".parquet":
        return pytest.importorskip("pyarrow.parquet").read_table(path).to_pylist()
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text().splitlines()]
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".jsonl"])
def test_a_table_has_a_row_for_each_file_and_errors_as_a_column(run, clips, tmp_path, suffix):
    out = tmp_path / "new" / f"results{suffix}"
    done = run("describe", clips, "--out", out)
    assert done.exit_code == 0 and done.stdout == "" and "2 of 3 videos described" in done.stderr
    rows = read(out)
    assert [row["video"] for row in rows] == [str(clips / name) for name in ("b.mp4", "broken.mp4", "deeper/a.MP4")]
    assert all(tuple(row) == tuple(COLUMNS) for row in rows) and not list(out.parent.glob("*.part"))
    assert str(rows[0]["known"]) == "True" and not rows[1]["known"]
    assert rows[0]["family"] == "helical" and float(rows[0]["p_helical"]) == pytest.approx(0.93)
    assert rows[0]["x"] == fake.TRUE.to_text()["x"] and rows[0]["raw_x"] == fake.RAW.to_text()["x"]
    assert not rows[0]["error"] and "broken.mp4 is not a video" in rows[1]["error"] and not rows[1]["family"]


def test_status_1_where_nothing_could_be_described(run, clips, tmp_path):
    assert run("describe", clips / "broken.mp4", "--out", tmp_path / "results.csv").exit_code == 1
    assert len(read(tmp_path / "results.csv")) == 1


def test_a_folder_is_described_without_a_table_too(run, clips, tmp_path):
    done = run("describe", clips, "--json", "--out", tmp_path / "pictures")
    assert [json.loads(line).get("family") for line in done.stdout.splitlines()] == ["helical", None, "helical"]
    assert (tmp_path / "pictures" / "a.png").exists() and done.exit_code == 1


def test_a_folder_without_videos_and_a_place_that_is_none_are_one_sentence(run, clips, tmp_path):
    (tmp_path / "empty").mkdir()
    done = run("describe", tmp_path / "empty")
    assert done.exit_code == 1 and "there is no video in the folder" in done.stderr
    done = run("describe", clips, "--out", clips / "notes.txt" / "results.csv")
    assert done.exit_code == 1 and "can't be written" in done.stderr and "Traceback" not in done.output


def test_a_folder_without_videos_leaves_the_others_to_be_described(run, clips, tmp_path):
    empty, out = tmp_path / "empty", tmp_path / "results.csv"
    empty.mkdir()
    done = run("describe", empty, clips / "b.mp4", "--json")
    assert done.exit_code == 1 and "there is no video in the folder" in done.stderr
    assert [json.loads(line).get("family") for line in done.stdout.splitlines()] == [None, "helical"]
    assert run("describe", empty, clips / "b.mp4", "--out", out).exit_code == 0
    assert [(row["video"], "no video in" in row["error"]) for row in read(out)] == [
        (str(empty), True),
        (str(clips / "b.mp4"), False),
    ]


def test_parquet_without_pyarrow_is_one_sentence(run, clips, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    done = run("describe", clips, "--out", tmp_path / "results.parquet")
    assert done.exit_code == 1 and "pip install pyarrow" in done.stderr


def test_a_table_holds_metres_quantities_and_answers(run, clips, tmp_path):
    out = tmp_path / "results.csv"
    asked = ["--scale", "121.5 px/m", "--ask", "what is the period?"]
    assert run("describe", clips / "b.mp4", *asked, "--out", out).exit_code == 0
    [row] = read(out)
    assert float(row["metres_per_unit"]) == pytest.approx(1, rel=0.05) and row["length_unit"] == "m"
    t = np.linspace(0, 1, 5)
    units, metres = (Equation.from_text({axis: row[f"{axis}{end}"] for axis in "xyz"}) for end in ("", "_m"))
    assert np.allclose(metres.positions(t), float(row["metres_per_unit"]) * units.positions(t), atol=0.01)
    assert float(row["period"]) == pytest.approx(6.283 / 7.85, rel=0.01)
    assert float(row["radius"]) == pytest.approx(0.45, rel=0.1) and row["g"] == ""
    assert "period" in row["answer"] and "router" in row["answered_by"]


def test_a_wrong_g_and_a_doubt_stand_in_table_and_json(run, clips, tmp_path, monkeypatch):
    true = fake.FakeDescriber.describe

    def describe(self, video, *arguments, **options):
        self.family = "parabolic"
        return replace(true(self, video, *arguments, **options), doubt="the language model alone says linear")

    monkeypatch.setattr(fake.FakeDescriber, "describe", describe)
    for density, warned in (("37.2 px/m", False), ("149 px/m", True), (None, False)):
        scale = ["--scale", density] if density else []
        out = tmp_path / f"{density}.csv".replace("/", "-")
        run("describe", clips / "b.mp4", *scale, "--out", out)
        [row] = read(out)
        assert row["doubt"] == "the language model alone says linear"
        assert ("Careful: on Earth g is 9.81" in row["warnings"]) == warned, density
        [g] = json.loads(run("describe", clips / "b.mp4", *scale, "--json").stdout)["quantities"]["g"]
        assert g["warning"] == row["warnings"] and g["remark"]


def test_a_row_maps_its_equation_to_pixels(run, clips, tmp_path):
    run("describe", clips / "b.mp4", "--out", tmp_path / "results.csv")
    [row] = read(tmp_path / "results.csv")
    t = np.linspace(0, 1, 5)
    u, v = project(Equation.from_text(row).positions(t), float(row["focal_length"])).T
    found = [
        float(row["centre_x_px"]) + float(row["half_width_px"]) * u,
        float(row["centre_y_px"]) - float(row["half_width_px"]) * v,
    ]
    assert np.allclose(np.transpose(found), fake.placement().to_pixels(project(fake.TRUE.positions(t))), atol=0.5)
    assert float(row["miss_px"]) == 0.3


def test_the_columns_are_explained(run):
    shown = run("describe", "--columns")
    assert shown.exit_code == 0
    assert [line.split()[0] for line in shown.stdout.splitlines()] == list(COLUMNS)
    assert all(len(column.meaning.split()) > 1 for column in COLUMNS.values())


def test_every_quantity_says_its_own_unit():
    meanings = {name: COLUMNS[name].meaning for name in NAMES}
    assert "degrees" in meanings["launch_angle"] and "without a unit" in meanings["restitution"]
    assert not any("length_unit" in meanings[name] for name in ("launch_angle", "restitution", "period", "decay"))
    assert all("in length_unit" in meanings[name] for name in ("speed", "g", "radius", "pitch"))


def test_an_equation_keeps_a_bounce_of_five_flights_wherever_a_program_reads_it():
    family = FAMILIES["bouncing"]
    exact = max(
        (family.equation(family.draw(np.random.default_rng(seed))) for seed in range(40)),
        key=lambda equation: len(sympy.sstr(equation.y)),
    ).with_time(0.0, 2.35)
    found = replace(made_up.description("bouncing"), equation=exact, refined=exact)
    camera = {"focal_px": [500, 500], "centre_px": [240, 135]}
    rig = {"left": camera, "right": camera, "rotation": np.eye(3).tolist(), "translation": [-0.5, 0, 0]}
    both = StereoDescription(
        found, found, "bouncing", found.probabilities, exact, StereoPair.from_dict(rig), (0.1, 0.1)
    )
    extras = Extras(metres=0.731)
    row, times = values(found, extras), np.linspace(0, 2.35, 400)
    in_metres = {axis: row[f"{axis}_m"] for axis in "xyz"}
    for text, metres in (
        (row, 1.0),
        ({axis: row[f"raw_{axis}"] for axis in "xyz"}, 1.0),
        (in_metres, 0.731),
        (extras.to_dict(found)["equation_m"], 0.731),
        (values(both, NOTHING), 1.0),
        (both.to_dict()["equation"], 1.0),
        (found.to_dict()["refined"], 1.0),
    ):
        away = Equation.from_text(text).positions(times) - metres * exact.positions(times)
        assert np.abs(away).max() < 3e-4


@pytest.fixture()
def described(monkeypatch):
    """Names of the videos that were described; a function put in `[0]` is called with each before it is."""
    names, before = [], [lambda video: None]

    def describe(self, video, *arguments, **options):
        before[0](video)
        names.append(video.name)
        return true(self, video, *arguments, **options)

    true = fake.FakeDescriber.describe
    monkeypatch.setattr(fake.FakeDescriber, "describe", describe)
    return names, before


def test_a_run_that_was_stopped_leaves_a_table_and_a_message_and_goes_on(run, clips, tmp_path, described):
    names, before = described

    def interrupt(video):
        if video.name == "a.MP4":
            raise KeyboardInterrupt

    before[0], out = interrupt, tmp_path / "results.csv"
    stopped = run("describe", clips, "--out", out)
    assert stopped.exit_code == 130 and "stopped after 2 of 3 videos" in stopped.stderr
    assert [row["family"] for row in read(out)] == ["helical", ""]
    before[0] = lambda video: None
    other = run("describe", clips, "--out", out, "--fps", 60)
    assert other.exit_code == 1 and "other options" in other.stderr
    names.clear()
    assert run("describe", clips, "--out", out).exit_code == 0
    # What could not be described is tried again.
    assert names == ["broken.mp4", "a.MP4"] and [row["family"] for row in read(out)] == ["helical", "", "helical"]
    assert [file.name for file in tmp_path.iterdir()] == ["results.csv"]


def test_a_run_that_was_stopped_before_its_first_row_leaves_nothing_in_its_own_way(run, clips, tmp_path, described):
    _, before = described

    def interrupt(video):
        raise KeyboardInterrupt

    before[0], out = interrupt, tmp_path / "results.csv"
    stopped = run("describe", clips, "--out", out)
    assert stopped.exit_code == 130 and "stopped after 0 of 3 videos; the same command goes on" in stopped.stderr
    assert not out.exists()
    before[0] = lambda video: None
    assert run("describe", clips, "--out", out).exit_code == 0 and len(read(out)) == 3


def test_what_a_killed_run_kept_is_kept_but_for_half_a_line(run, clips, tmp_path, described):
    names, before = described

    def die(video):
        raise SystemExit(9)

    out = tmp_path / "results.jsonl"
    before[0] = lambda video: die(video) if video.name == "a.MP4" else None
    run("describe", clips, "--out", out)
    part = tmp_path / "results.jsonl.0.part"
    part.write_text(part.read_text() + '{"video": "half a l')
    before[0] = lambda video: None
    names.clear()
    assert not out.exists() and run("describe", clips, "--out", out).exit_code == 0
    assert names == ["broken.mp4", "a.MP4"] and len(read(out)) == 3


def test_a_run_that_was_stopped_is_no_other_videos_run(run, clips, tmp_path, described):
    names, before = described
    out, part = tmp_path / "results.csv", tmp_path / "results.csv.0.part"

    def die(video):
        raise SystemExit(9)

    before[0] = lambda video: die(video) if video.name == "a.MP4" else None
    run("describe", clips, "--out", out)
    kept = part.read_text()
    before[0] = lambda video: None
    done = run("describe", clips / "a.MP4", "--out", out)
    assert done.exit_code == 1 and "holds other videos" in done.stderr and part.read_text() == kept


@pytest.mark.parametrize("torn", ["", '{"start": nu'])
def test_what_was_torn_before_its_first_row_is_begun_anew(run, clips, tmp_path, torn):
    out, part = tmp_path / "results.csv", tmp_path / "results.csv.0.part"
    part.write_text(torn)
    assert run("describe", clips, "--out", out).exit_code == 0 and len(read(out)) == 3 and not part.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="names of files are text elsewhere")
def test_a_name_that_is_no_text_stands_in_the_table_all_the_same(run, clips, tmp_path):
    folder, out = tmp_path / "odd", tmp_path / "results.csv"
    folder.mkdir()
    shutil.copy(clips / "b.mp4", os.fsdecode(os.fsencode(folder) + b"/\xff.mp4"))
    assert run("describe", folder, "--out", out).exit_code == 0
    assert read(out)[0]["video"].endswith("/?.mp4")


def test_a_table_that_is_there_is_left_alone(run, clips, tmp_path):
    out = tmp_path / "results.csv"
    out.write_text("mine")
    done = run("describe", clips, "--out", out, "--base-model", "missing")
    assert done.exit_code == 1 and "is there already" in done.stderr and out.read_text() == "mine"


def test_a_full_disk_leaves_no_half_table_and_what_was_described_is_kept(run, clips, tmp_path, monkeypatch, described):
    def full(rows, path):
        path.write_text("half a table")
        raise OSError(28, "No space left on device")

    out = tmp_path / "results.csv"
    with monkeypatch.context() as broken:
        broken.setattr("trajvlm.ui.batch._write_csv", full)
        done = run("describe", clips, "--out", out)
    assert done.exit_code == 1 and "No space left on device" in done.stderr and not out.exists()
    described[0].clear()
    assert run("describe", clips, "--out", out).exit_code == 0 and described[0] == ["broken.mp4"]


def test_what_is_no_ordinary_file_is_named_in_a_folder_too(run, tmp_path):
    os.mkfifo(tmp_path / "pipe.mp4")
    (tmp_path / "link.mp4").symlink_to(tmp_path / "gone.mp4")
    out = tmp_path / "table" / "results.csv"
    assert run("describe", tmp_path, "--out", out).exit_code == 1
    errors = {row["video"].rsplit("/", 1)[1]: row["error"] for row in read(out)}
    assert "is a pipe or a device" in errors["pipe.mp4"] and "a link to a file that is not there" in errors["link.mp4"]


def test_folders_of_two_views_are_paired_by_name(tmp_path):
    left, right = tmp_path / "left", tmp_path / "right"
    for folder, names in ((left, ["a.mp4", "b.mov"]), (right, ["a.mov", "b.mov"])):
        folder.mkdir()
        for name in names:
            (folder / name).touch()
    a, b = Task(left / "a.mp4", right / "a.mov"), Task(left / "b.mov", right / "b.mov")
    assert find_pairs(left, right) == [a, b]
    (right / "b.mov").rename(right / "c.mov")
    (right / "d.mov").touch()
    for twice in ("d.mp4", "d.mov"):
        (left / twice).touch()
    first, *others = find_pairs(left, right)
    assert first == a and [task.video for task in others] == [
        left / "b.mov", right / "c.mov", left / "d.mov", left / "d.mp4", right / "d.mov"
    ]  # fmt: skip
    said = [str(task.error) for task in others]
    assert "left/b.mov has no video of that name in" in said[0] and "no video of that name in" in said[1]
    assert "another video of its name beside it" in said[2] and "more than one video of that name" in said[4]
    (right / "a.mov").unlink()
    with pytest.raises(UserError, match="left/a.mp4 has no video of that name in .*right"):
        find_pairs(left, right)


def test_two_views_make_a_table_in_the_unit_of_the_cameras_file(run, clips, tmp_path, monkeypatch):
    from trajvlm.vlm import stereo

    camera = {"focal_px": [500, 500], "centre_px": [240, 135]}
    rig = {"left": camera, "right": camera, "rotation": np.eye(3).tolist(), "translation": [-0.5, 0, 0], "unit": "cm"}
    (tmp_path / "rig.json").write_text(json.dumps(rig))

    def describe_pair(describer, left, right, pair, start, end, fps):
        views = [describer.describe(video, start, end, fps) for video in (left, right)]
        chances = {"helical": 0.9, "linear": 0.1}
        return stereo.StereoDescription(*views, "helical", chances, fake.TRUE, pair, (1.5, 2.5), ("an offset",))

    monkeypatch.setattr(stereo, "describe_pair", describe_pair)
    out = tmp_path / "results.csv"
    asked = ("--ask", "how long is one turn?")
    done = run("describe", clips, "--right", clips, "--rig", tmp_path / "rig.json", "--out", out, *asked)
    assert done.exit_code == 0, done.output
    rows = read(out)
    assert [row["right"] for row in rows] == [row["video"] for row in rows] and rows[1]["error"]
    assert rows[0]["x"] == fake.TRUE.to_text()["x"] and rows[0]["length_unit"] == "cm"
    assert float(rows[0]["period"]) == pytest.approx(6.283 / 7.85, rel=0.01) and float(rows[0]["radius"]) > 0
    assert [float(rows[0][name]) for name in ("miss_px", "miss_right_px")] == [1.5, 2.5]
    assert "period is 0.8 s" in rows[0]["answer"] and rows[1]["answer"] == "" and rows[0]["answered_by"]
    assert rows[0]["doubt"] == "an offset" and "right: more than one object" in rows[0]["notes"]
    other, mixed = tmp_path / "other", tmp_path / "mixed.csv"
    (other / "deeper").mkdir(parents=True)
    fake.write_video(other / "deeper" / "a.mp4")
    assert run("describe", clips, "--right", other, "--rig", tmp_path / "rig.json", "--out", mixed).exit_code == 0
    assert [row["family"] for row in read(mixed)] == ["", "", "helical"]
    assert "b.mp4 has no video of that name in" in read(mixed)[0]["error"]
    without = run("describe", clips, "--right", clips, "--rig", tmp_path / "rig.json")
    assert without.exit_code == 2


@pytest.mark.parametrize("command", [["describe"], ["ask", "question"], ["chat"], ["ui"], ["mcp"]])
@pytest.mark.parametrize("device", ["cuda:99", "abacus"])
def test_a_device_that_is_none_is_one_sentence(run, clips, command, device):
    video = [] if command[0] in ("ui", "mcp") else [clips / "b.mp4"]
    done = run(command[0], *video, *command[1:], "--device", device)
    assert done.exit_code == 1 and "device" in done.stderr and len(done.stderr.strip().splitlines()) == 1


@pytest.mark.slow
def test_processes_share_the_work(clips, tmp_path):
    program = tmp_path / "describe.py"
    program.write_text(
        "import sys; from tests.ui import fake; sys.modules['trajvlm.vlm.describe'] = fake.module();"
        "from trajvlm.ui.cli import app; app(sys.argv[1:])"
    )
    out = tmp_path / "results.jsonl"
    launch = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", str(program)]
    done = subprocess.run(
        [*launch, "describe", str(clips), "--out", str(out)],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": f"src{os.pathsep}.", "PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    assert [row["family"] for row in read(out)] == ["helical", None, "helical"]
    assert done.stderr.count("videos described") == 1
