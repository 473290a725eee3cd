"""Settings of the language model's new parts, saved beside their weights."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class VLMConfig:
    """What is added to the base language model, and how much of that is kept."""

    families: tuple[str, ...] = ("linear", "parabolic", "circular", "helical", "oscillating")
    """What it was taught to name; of any other family it says nothing."""
    layers: int = 10
    """The first so many of the base model's layers are kept; SmolLM2-135M has 30. On two cores ten layers learn as
    much from a sample as thirty and see three times as many samples a minute."""
    lora_rank: int = 32
    lora_alpha: int = 32
    codebook_size: int = 4096
    grid: tuple[int, int, int] = (9, 2, 2)
    """Times, rows and columns of a clip's codes."""
    tokenizer_sha256: str = ""
    """The tokenizer whose codes the model was trained on; it understands no other's."""

    def save(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self), indent=1) + "\n")

    @classmethod
    def load(cls, path: Path) -> "VLMConfig":
        values = json.loads(path.read_text())
        # It stands in `trajvlm.vlm.calibration` now.
        values.pop("temperature", None)
        return cls(**{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})
