"""What each of two processes runs in the test of a distributed training: `two_processes.py FOLDER BASE_MODEL`."""

import os
import sys
from pathlib import Path

from tests.killed import kill_once_at
from trajvlm.data.rendered.scene import SceneSettings
from trajvlm.vlm import train
from trajvlm.vlm.config import VLMConfig
from trajvlm.vlm.train import CodedClips, VLMTraining, fit


class ToldClips(CodedClips):
    """Writes down which clips this process was given, and whether that was before it was killed."""

    def _wanted(self, first_clips):
        when = "after" if (folder / "killed").exists() else "before"
        for first, size in super()._wanted(first_clips):
            with (folder / f"clips-{when}-{os.environ['RANK']}.txt").open("a") as file:
                file.write(f"{first}\n")
            yield first, size


if __name__ == "__main__":
    folder, base_model = Path(sys.argv[1]), sys.argv[2]
    train.CodedClips = ToldClips
    kill_once_at(4, folder)
    settings = VLMTraining(
        steps=5, batch=2, reader_layer=1, validate_every=2, validation_clips=2, calibration_clips=2, reuse=1
    )
    config = VLMConfig(layers=2, lora_rank=4, codebook_size=60)
    fit(folder / "out", settings, SceneSettings(), folder / "tokenizer", base_model=base_model, config=config)
