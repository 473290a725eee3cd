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
