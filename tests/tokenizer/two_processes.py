"""What each of two processes runs in the test of a distributed training: `two_processes.py FOLDER`."""

import sys
from pathlib import Path

from tests.conftest import TINY_TOKENIZER
from tests.killed import kill_once_at
from trajvlm.data.rendered.scene import SceneSettings
from trajvlm.tokenizer.train import TokenizerTraining, fit

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    kill_once_at(4, folder)
    settings = TokenizerTraining(steps=5, batch=2, validate_every=2, validation_clips=2, soft_until=0, hard_from=0)
    fit(folder / "out", settings, SceneSettings(), TINY_TOKENIZER)
