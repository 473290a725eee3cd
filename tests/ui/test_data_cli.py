"""`trajvlm data make` from the command line."""

from typer.testing import CliRunner

from trajvlm.data.rendered import make as module
from trajvlm.ui.cli import app


def run(*arguments):
    return CliRunner().invoke(app, ["data", "make", *map(str, arguments)])


def test_a_data_set_is_made_and_gone_on_with(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "preview", lambda scene: b"preview")
    command = ("--n", 2, "--shard", 1, "--families", "linear,circular", "--strength", 0, 0.3, "--out", tmp_path / "d")
    for _ in range(2):
        result = run(*command)
        assert result.exit_code == 0 and "2 samples in 2 shards" in result.stdout.replace("\n", " ")
    names = {path.name for path in (tmp_path / "d").iterdir()}
    assert {"manifest.json", "contact-sheet.png", "shard-00000.tar", "shard-00001.tar"} <= names
    other = run(*command, "--seed", 5)
    assert other.exit_code == 1 and "seed 1 and not 5" in other.stderr and "Traceback" not in other.output


def test_wrong_usage_is_said_in_a_sentence(tmp_path):
    for arguments, word in (
        (("--families", "zigzag"), "zigzag"),
        (("--strength", 0.5, 0.1), "0.5 to 0.1"),
        (("--views", 3), "views"),
    ):
        result = run("--n", 1, "--out", tmp_path / "d", *arguments)
        assert result.exit_code == 2 and word in " ".join(result.output.split()), result.output
    assert not (tmp_path / "d").exists()


def small(monkeypatch) -> None:
    """Videos of a few small frames."""
    from dataclasses import replace

    import numpy as np

    from trajvlm.data.rendered.videos.shots import draw_shot

    def quick(suite, seed, index):
        found = draw_shot(suite, seed, index)
        ticks, offsets = found.ticks[:9], found.offsets[:9]
        scenery = replace(found.scenery, width=64, height=48, props=())
        return replace(
            found, width=64, height=48, ticks=ticks, shown=np.arange(len(ticks)), offsets=offsets, scenery=scenery
        )

    monkeypatch.setattr("trajvlm.data.rendered.videos.writer.draw_shot", quick)
    monkeypatch.setattr("trajvlm.data.rendered.videos.sheet.draw_shot", quick)


def test_suites_of_videos_are_made_and_gone_on_with(tmp_path, monkeypatch):
    small(monkeypatch)
    command = ("--as", "videos", "--suite", "clean", "--suite", "movers", "--n", 2, "--out", tmp_path / "v")
    for _ in range(2):
        result = run(*command)
        assert result.exit_code == 0 and "clean, movers" in result.stdout, result.output
    for name in ("clean", "movers"):
        files = {path.name for path in (tmp_path / "v" / name).iterdir()}
        assert files == {"manifest.json", "truth.jsonl", f"{name}-0000.mp4", f"{name}-0001.mp4"}
    other = run(*command, "--seed", 5)
    assert other.exit_code == 1 and "other settings" in other.stderr and "Traceback" not in other.output
    everything = run("--as", "videos", "--suite", "all", "--n", 1, "--out", tmp_path / "all")
    assert everything.exit_code == 0 and len(list((tmp_path / "all").iterdir())) == 8


def test_options_that_do_not_belong_together_are_refused(tmp_path):
    for arguments, word in (
        (("--as", "videos"), "--suite"),
        (("--as", "videos", "--suite", "clean", "--views", 2), "--views belongs to clips"),
        (("--as", "videos", "--suite", "clean", "--families", "linear"), "--families belongs to clips"),
        (("--suite", "clean", "--n", 1), "--suite belongs to videos"),
        ((), "--n"),
        (("--as", "films"), "films"),
    ):
        result = run("--out", tmp_path / "d", *arguments)
        assert result.exit_code == 2 and word in " ".join(result.output.split()), result.output
    unknown = run("--out", tmp_path / "d", "--as", "videos", "--suite", "lite")
    assert unknown.exit_code == 1 and "clean, light, half" in unknown.stderr
    assert not (tmp_path / "d").exists()


def test_a_sheet_says_which_lines_are_rendered(tmp_path, monkeypatch):
    small(monkeypatch)
    assert run("--as", "videos", "--suite", "clean", "--n", 1, "--out", tmp_path / "v").exit_code == 0
    video = tmp_path / "v" / "clean" / "clean-0000.mp4"
    command = ["data", "sheet", str(video), "--count", "2", "--suite", "light", "--out", str(tmp_path / "s.png")]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert len(lines) == 3 and sum("rendered, light" in line for line in lines) == 2
    assert sum(line.endswith("clean-0000.mp4") for line in lines) == 1
    assert (tmp_path / "s.png").read_bytes().startswith(b"\x89PNG")
    again = CliRunner().invoke(app, command)
    assert again.exit_code == 1 and "is there already" in again.stderr
    lost = CliRunner().invoke(app, [*command[:-1], str(tmp_path / "no" / "s.png")])
    assert lost.exit_code == 1 and "there is no folder" in lost.stderr
