"""What `trajvlm describe` promises with a table: a row for each file, errors as a column, shared among processes."""

import csv
import json
import subprocess
import sys

import pytest

from tests.ui import fake
from ui.batch import COLUMNS


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
    assert all(tuple(row) == COLUMNS for row in rows)
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


def test_parquet_without_pyarrow_is_one_sentence(run, clips, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    done = run("describe", clips, "--out", tmp_path / "results.parquet")
    assert done.exit_code == 1 and "pip install pyarrow" in done.stderr


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
        "import sys; from tests.ui import fake; sys.modules['vlm.describe'] = fake.module();"
        "from ui.cli import app; app(sys.argv[1:])"
    )
    out = tmp_path / "results.jsonl"
    launch = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", str(program)]
    done = subprocess.run(
        [*launch, "describe", str(clips), "--out", str(out)],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": ".", "PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    assert [row["family"] for row in read(out)] == ["helical", None, "helical"]
    assert done.stderr.count("videos described") == 1
