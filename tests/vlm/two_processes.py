"""What each of two processes runs in the test of a distributed training: `two_processes.py BASE_MODEL FOLDER`."""

import sys
from pathlib import Path

import torch.distributed

from data.scene import SceneSettings
from vlm import train
from vlm.config import VLMConfig
from vlm.train import CodedClips, VLMTraining, fit


class ToldClips(CodedClips):
    """Writes down which clips this process was given."""

    def _wanted(self, first_clips):
        for first, size in super()._wanted(first_clips):
            with (Path(sys.argv[2]) / f"clips-{torch.distributed.get_rank()}.txt").open("a") as file:
                file.write(f"{first}\n")
            yield first, size


if __name__ == "__main__":
    base_model, folder = sys.argv[1], Path(sys.argv[2])
    train.CodedClips = ToldClips
    settings = VLMTraining(
        steps=2, batch=2, reader_layer=1, validate_every=2, validation_clips=2, calibration_clips=2, reuse=1
    )
    config = VLMConfig(layers=2, lora_rank=4, codebook_size=60)
    fit(folder / "out", settings, SceneSettings(), folder / "tokenizer", base_model=base_model, config=config)
