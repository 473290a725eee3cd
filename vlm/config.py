"""Settings of the language model's new parts, saved beside their weights."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class VLMConfig:
    """What is added to the base language model, and how much of that is kept."""

    families: tuple[str, ...] = ("linear", "parabolic", "circular", "helical", "oscillating")
    """Those that it was trained to name; it can name no other."""
    layers: int = 10
    """The first so many of the base model's layers are kept; SmolLM2-135M has 30. On two cores ten layers learn as
    much from a sample as thirty and see three times as many samples a minute."""
    lora_rank: int = 32
    lora_alpha: int = 32
    codebook_size: int = 4096
    grid: tuple[int, int, int] = (9, 2, 2)
    """Times, rows and columns of a clip's codes."""
    tokenizer_sha256: str = ""
    """Hash of the weights of the tokenizer that the model was trained on; codes of another mean something else."""

    def save(self, path: str | Path) -> None:
        """Write the settings as JSON."""
        Path(path).write_text(json.dumps(asdict(self), indent=1) + "\n")

    @classmethod
    def load(cls, path: str | Path) -> "VLMConfig":
        """The settings in a file of JSON; raises ValueError, TypeError or AttributeError where it holds none."""
        values = json.loads(Path(path).read_text())
        # Older trainings have the temperature here; `Calibration.load` reads it.
        values.pop("temperature", None)
        fields: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
        return cls(**fields)
