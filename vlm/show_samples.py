"""Print what the language model is trained on: rendered samples, the tokens that it has to write in green.

python -m trajvlm.vlm.show_samples --count 3
"""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.text import Text

from trajvlm.data.rendered.render import render
from trajvlm.data.rendered.scene import SceneSettings, draw_scene
from trajvlm.data.rendered.stream import TRAINING_SEED
from trajvlm.tokenizer.model import SHIPPED as TOKENIZER
from trajvlm.tokenizer.model import TrajectoryTokenizer
from trajvlm.vlm.config import VLMConfig
from trajvlm.vlm.model import TrajectoryLM
from trajvlm.vlm.sample import PROMPT, Samples, render_samples
from trajvlm.vlm.train import questions


def main(
    tokenizer: Annotated[Path, typer.Option(help="Folder of the trained tokenizer.")] = TOKENIZER,
    base_model: Annotated[str | None, typer.Option(help="Another base model: a local folder or a hub id.")] = None,
    first: Annotated[int, typer.Option(help="Number of the first sample in the training stream.")] = 0,
    count: Annotated[int, typer.Option(help="How many samples.")] = 2,
):
    """Print samples of the training stream, question by question."""
    codec = TrajectoryTokenizer.from_pretrained(tokenizer)
    config = VLMConfig(codebook_size=codec.config.codebook_size, grid=codec.config.grid)
    model = TrajectoryLM(config, codec.code_vectors, base_model)
    scenes = [draw_scene(SceneSettings(), TRAINING_SEED, first + k) for k in range(count)]
    rng = np.random.default_rng(0)
    samples = render_samples(
        model.vocabulary, codec.encode_codes(render(scenes)), [questions(model, scene, 1, rng) for scene in scenes]
    )
    names = {token: family for family, token in model.family_ids.items()}
    console = Console(highlight=False)
    for k in range(count):
        for line in lines(samples, k, lambda token: names.get(token) or model.vocabulary.text(token)):
            console.print(line)
        console.print()


def lines(samples: Samples, k: int, text: Callable[[int], str]) -> list[Text]:
    """One line for the prompt of sample `k` and one for each of its questions, supervised tokens in green.

    Args:
        text: a token id to how it reads.
    """
    out = []
    for part in range(PROMPT, int(samples.part[k].max()) + 1):
        line = Text()
        for place in (samples.part[k] == part).nonzero().flatten().tolist():
            style = "green" if samples.supervised[k, place] else ""
            line.append(text(int(samples.ids[k, place])) + " ", style)
        out.append(line)
    return out


if __name__ == "__main__":
    typer.run(main)
