"""The memory of one description, in a process of its own."""

import os
from pathlib import Path

import pytest

from trajvlm.data.errors import UserError
from trajvlm.eval.video_files.memory import peak


def load(megabytes):
    def describe(video):
        held = b"1" * (megabytes * 10**6)
        if video.name == "refused":
            raise UserError("nothing moves")
        if video.name == "killed":
            os._exit(9)
        return {"held": len(held)}

    return describe


@pytest.mark.parametrize("name", ["described", "refused"])
def test_a_peak_is_what_was_held_for_a_moment_and_nothing_of_this_process(name):
    ours = b"1" * 400_000_000
    told = peak(Path(name), load, 150)
    assert told["peak_mb"] - told["loaded_mb"] == pytest.approx(150, abs=20)
    assert told["loaded_mb"] < 300 < len(ours) / 1e6


def test_a_process_that_dies_is_a_sentence():
    with pytest.raises(UserError, match="ended without an answer"):
        peak(Path("killed"), load, 1)
