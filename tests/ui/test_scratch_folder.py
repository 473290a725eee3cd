"""What a killed process left behind is swept by the next one; what lives, or is not ours, stays."""

import subprocess
import sys

from trajvlm.ui.scratch_folder import OwnFolder

PROGRAM = """
import sys
from pathlib import Path
from trajvlm.ui.scratch_folder import OwnFolder
own = OwnFolder(Path(sys.argv[1]))
(own.path / "trajvlm-chat-x").mkdir()
print(own.path.name, flush=True)
sys.stdin.read()
"""


def start(parent):
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(parent)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    return process, parent / process.stdout.readline().strip()


def test_a_killed_process_leaves_a_folder_that_the_next_one_sweeps(tmp_path):
    for name in ("trajvlm-page-without-a-lock", "trajvlm-chat-of-somebody", "other"):
        (tmp_path / name).mkdir()
    process, left = start(tmp_path)
    beside = OwnFolder(tmp_path)
    assert (left / "trajvlm-chat-x").is_dir(), "a living process's folder was swept"
    process.kill()
    process.wait()
    assert left.is_dir()
    following = OwnFolder(tmp_path)
    assert not left.exists() and beside.path.is_dir()
    for own in (beside, following):
        own.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "other",
        "trajvlm-chat-of-somebody",
        "trajvlm-page-without-a-lock",
    ]


def test_a_process_that_ends_by_itself_leaves_nothing(tmp_path):
    process, own = start(tmp_path)
    assert own.is_dir()
    process.communicate("")
    assert process.returncode == 0 and not own.exists()
