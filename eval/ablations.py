"""What each part of the language model's training is worth: parts left out or exchanged, each trained from nothing.

    trajvlm eval ablations

All variations see the same clips, encoded once by the shipped tokenizer, for the same time
(`trajvlm.eval.variations`), and are measured by decoded answers on held-out clips. Results are kept one by one in
`eval/results/ablations.json`, and the table goes into `docs/results.md`. Times this short rank the parts at the
beginning of a training, not at its end.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm import tqdm
from transformers import AutoTokenizer, DynamicCache

from trajvlm.data.rendered.render import Track, render, track
from trajvlm.data.rendered.scene import Scene, SceneSettings, draw_scene
from trajvlm.data.rendered.stream import TRAINING_SEED, VALIDATION_SEED
from trajvlm.eval.markdown import TABLES, markdown, write_between
from trajvlm.eval.variations import compare_variations
from trajvlm.tokenizer.checkpoint import write_weights
from trajvlm.tokenizer.fast_inference import fast_encoder
from trajvlm.tokenizer.model import TrajectoryTokenizer, weights_sha256
from trajvlm.tokenizer.precision import half_precision
from trajvlm.tokenizer.training_loop import Progress, steps
from trajvlm.vlm.base_model import unpacked
from trajvlm.vlm.config import VLMConfig
from trajvlm.vlm.decoding import Choice
from trajvlm.vlm.metrics import validation_metrics
from trajvlm.vlm.model import NewRows, TrajectoryLM
from trajvlm.vlm.sample import Samples, max_sample_length, render_samples
from trajvlm.vlm.train import ReadingObjective, VLMTraining, optimizer_of, questions
from trajvlm.vlm.vocabulary import Vocabulary

RESULTS = Path(__file__).parent / "results" / "ablations.json"
DOCUMENT = TABLES
SCENES = SceneSettings(strength=(0.0, 0.3))
"""Light nuisances: what is compared shows itself earlier where the codes are easier to read."""
_CHUNK = 50
_ANSWERED = 64
_TIMED = 1000
"""Length of the schedule whose first steps are timed."""


class FreeRows(NewRows):
    """A row of its own for each code, as when a vocabulary is extended without knowledge of the codes' geometry."""

    def __init__(self, rows: NewRows, start: Tensor):
        """
        Args:
            start: (codebook, width).
        """
        nn.Module.__init__(self)
        self.table = nn.Parameter(start)
        self.places, self.marks, self.numbers = rows.places, rows.marks, rows.numbers

    def codes(self, codes: Tensor) -> Tensor:
        return F.embedding(codes, self.table)


@dataclass(frozen=True)
class DigitVocabulary(Vocabulary):
    """Numbers as four of the base model's own tokens: the sign, and three digits of the hundredths."""

    signs: tuple[int, ...] = ()
    digits: tuple[int, ...] = ()

    def number_ids(self, values: np.ndarray) -> np.ndarray:
        """Ids (4 N,) of numbers (N,)."""
        hundredths = np.clip(np.rint(np.asarray(values) * 100), -200, 200).astype(int)
        places = [np.abs(hundredths) // 10**k % 10 for k in (2, 1, 0)]
        columns = [np.take(self.signs, (hundredths < 0).astype(int)), *(np.take(self.digits, p) for p in places)]
        return np.stack(columns, axis=-1).ravel()


class DigitLM(TrajectoryLM):
    """The language model that writes its numbers digit by digit, with the base model's own rows."""

    vocabulary: DigitVocabulary

    def __init__(self, config: VLMConfig, code_vectors: Tensor):
        super().__init__(config, code_vectors)
        words = AutoTokenizer.from_pretrained(unpacked(config.layers))
        symbols = tuple(words.encode(symbol, add_special_tokens=False)[0] for symbol in "+-0123456789")
        self.vocabulary = DigitVocabulary(self.vocabulary.base_size, config.codebook_size, symbols[:2], symbols[2:])

    def losses(self, hidden: Tensor, samples: Samples) -> dict[str, Tensor]:
        before, target = hidden[:, :-1], samples.ids[:, 1:]
        symbols = torch.tensor(self.vocabulary.signs + self.vocabulary.digits)
        number = samples.supervised[:, 1:] & torch.isin(target, symbols)
        family = samples.supervised[:, 1:] & ~number
        family_loss = F.cross_entropy(self._family_scores(before[family]), self._family_index(target[family]))
        which = (target[number][:, None] == symbols).long().argmax(dim=1)
        # Four tokens are one number.
        return {"family": family_loss, "number": 4 * F.cross_entropy(self._scores(before[number], symbols), which)}

    def _scores(self, hidden: Tensor, symbols: Tensor) -> Tensor:
        return (hidden @ self.lm.get_base_model().get_input_embeddings().weight[symbols].T.to(hidden.dtype)).float()

    def _decode_number(
        self, ids: Tensor, cache: DynamicCache, choose: Choice, mirrored: Tensor
    ) -> tuple[np.ndarray, Tensor, DynamicCache]:
        if len(mirrored) > 1:
            raise ValueError("numbers written as digits are answered from one look")
        # Of digits, which are no quantities, the likeliest is written.
        chosen = []
        for allowed in (self.vocabulary.signs, *[self.vocabulary.digits] * 3):
            hidden, cache = self._extend(ids, cache)
            chosen.append(self._scores(hidden, torch.tensor(allowed)).argmax(dim=-1))
            ids = torch.tensor(allowed)[chosen[-1]][:, None]
        sign, *digits = (part.numpy() for part in chosen)
        return (1 - 2 * sign) * (digits[0] + digits[1] / 10 + digits[2] / 100), ids, cache


def _rows_random(model: TrajectoryLM) -> None:
    table = model.lm.get_base_model().get_input_embeddings().weight
    model.rows = FreeRows(model.rows, torch.randn(len(model.rows.code_vectors), table.shape[1]) * table.std())


def _rows_mean(model: TrajectoryLM) -> None:
    table = model.lm.get_base_model().get_input_embeddings().weight
    model.rows = FreeRows(model.rows, table.mean(dim=0).repeat(len(model.rows.code_vectors), 1).clone())


def _adapter_fixed(model: TrajectoryLM) -> None:
    model.lm.requires_grad_(False)


@dataclass(frozen=True)
class Variation:
    """A training that differs from the shipped one's in one thing."""

    training: dict = field(default_factory=dict)
    config: dict = field(default_factory=dict)
    build: type[TrajectoryLM] = TrajectoryLM
    change: Callable[[TrajectoryLM], None] = lambda model: None
    shuffled: bool = False
    """Each clip's codes in an order of their own, in training and in what is answered."""
    seed: int = 0


VARIATIONS = {
    "as shipped": Variation(),
    "as shipped, another seed": Variation(seed=1),
    "numbers as digits": Variation(build=DigitLM),
    "a code's row its own, random at first": Variation(change=_rows_random),
    "a code's row its own, the mean row at first": Variation(change=_rows_mean),
    "no question of positions": Variation(training={"positions_asked": 0}),
    "no reader": Variation(training={"reader_weight": 0.0}),
    "each clip's codes shuffled": Variation(shuffled=True),
    "LoRA rank 8": Variation(config={"lora_rank": 8, "lora_alpha": 8}),
    "no LoRA, new rows alone": Variation(change=_adapter_fixed),
}


def compare(minutes: float, clips: int, held_out: int, names: list[str], cache: Path, out: Path | None = None) -> dict:
    """Train and measure the variations of those names that are not in the results yet; all results.

    Args:
        clips: training clips, each of them met again when all have been.
        cache: file for the codes of the clips.
        out: another file of results than the committed one.
    """
    settings = {"minutes": minutes, "clips": clips, "held_out": held_out, "tokenizer_sha256": weights_sha256()}
    tokenizer = TrajectoryTokenizer.from_pretrained()
    codes = _codes(tokenizer, clips, held_out, cache)
    scenes = [draw_scene(SCENES, TRAINING_SEED, k) for k in range(clips)]
    asked = [draw_scene(SCENES, VALIDATION_SEED, k) for k in range(held_out)]

    def training_of(name: str, step_count: int) -> _Training:
        return _Training(VARIATIONS[name], tokenizer, scenes, codes["training"], step_count, compiled=True)

    def measure(name: str, step_count: int) -> dict:
        training = training_of(name, step_count)
        for _ in tqdm(training.steps, total=step_count, desc=name, leave=False, mininterval=5):
            pass
        return {"steps": step_count, **training.measured(asked, codes["held_out"])}

    return compare_variations(
        out or RESULTS,
        settings,
        names,
        lambda: {name: training_of(name, _TIMED).steps for name in VARIATIONS},
        measure,
    )


def table(results: dict) -> str:
    """The variations as Markdown."""
    lines = [["", "steps of 16 clips", "family right", "constants: median error", "curve NMSE, median"]]
    lines += [
        [
            name,
            str(found["steps"]),
            f"{found['family_accuracy']:.0%}",
            f"{found['constant_error_median']:.3f}",
            f"{found['curve_nmse_median']:.2f}",
        ]
        for name in VARIATIONS
        if (found := results["variations"].get(name))
    ]
    settings = results["settings"]
    note = (
        f"{settings['minutes']:g} minutes each by the steps' times, from SmolLM2 itself, on {settings['clips']} clips "
        f"with light nuisances; decoded answers on {settings['held_out']} others. Constants where the family is right."
    )
    return markdown(lines, note)


def save(results: dict) -> None:
    """Write the table."""
    write_between(DOCUMENT, table(results), "ablations")


class _Training:
    """One variation's training on encoded clips."""

    def __init__(
        self,
        variation: Variation,
        tokenizer: TrajectoryTokenizer,
        scenes: list[Scene],
        codes: Tensor,
        step_count: int,
        compiled: bool = False,
    ):
        torch.manual_seed(variation.seed)
        self.variation, self.scenes, self.codes = variation, scenes, codes
        self.settings = replace(VLMTraining(steps=step_count, warmup=max(1, step_count // 10)), **variation.training)
        config = VLMConfig(codebook_size=tokenizer.config.codebook_size, grid=tokenizer.config.grid)
        self.model = variation.build(replace(config, **variation.config), tokenizer.code_vectors)
        variation.change(self.model)
        if compiled:
            # Layer by layer: they are alike, so that one is compiled and the others come from the cache.
            for layer in self.model.decoder.layers:
                layer.compile(dynamic=False)
        self.length = max_sample_length(
            self.model.vocabulary, 2 + tokenizer.config.tokens, self.settings.positions_asked
        )
        self.objective = ReadingObjective(self.model, self.settings)
        self.steps = steps(
            self.objective, optimizer_of(self.objective, "cpu"), self._batches, self._loss, self.settings
        )
        """The training's steps; each is done when it is asked for."""

    def _batches(self, progress: Progress) -> Iterator[tuple[Samples, Track]]:
        while True:
            rng = np.random.default_rng([self.variation.seed, progress.step])
            first = progress.step * self.settings.batch
            chosen = [k % len(self.scenes) for k in range(first, first + self.settings.batch)]
            scenes = [self.scenes[k] for k in chosen]
            asked = [questions(self.model, scene, self.settings.positions_asked, rng) for scene in scenes]
            codes = self._shown(self.codes[chosen], progress.step)
            yield render_samples(self.model.vocabulary, codes, asked, self.length), track(scenes)

    def _loss(self, objective: nn.Module, batch: tuple[Samples, Track]) -> tuple[Tensor, dict]:
        samples, seen = batch
        with half_precision("cpu"):
            return objective(samples, seen.centre, seen.radius)["loss"], {}

    def measured(self, scenes: list[Scene], codes: Tensor) -> dict[str, float]:
        """How good decoded answers about held-out clips are."""
        self.model.eval()
        shown = self._shown(codes, -1)
        with torch.compiler.set_stance("force_eager"), half_precision("cpu"):
            answers = [answer for part in shown.split(_ANSWERED) for answer in self.model.answer(part)]
        return {name: float(f"{value:.4g}") for name, value in validation_metrics(answers, scenes).items()}

    def _shown(self, codes: Tensor, number: int) -> Tensor:
        if not self.variation.shuffled:
            return codes
        rng = np.random.default_rng([self.variation.seed, number + 1])
        flat = codes.flatten(1)
        orders = np.stack([rng.permutation(flat.shape[1]) for _ in flat])
        return flat.gather(1, torch.from_numpy(orders)).view_as(codes)


def _codes(tokenizer: TrajectoryTokenizer, clips: int, held_out: int, cache: Path) -> dict[str, Tensor]:
    """Codes (N, times, rows, columns) of the training clips and of the held-out ones."""
    made_of = {"tokenizer": weights_sha256(), "clips": str(clips), "held_out": str(held_out), "scenes": repr(SCENES)}
    if cache.is_file():
        with safe_open(cache, "pt") as file:
            if file.metadata() == made_of:
                return load_file(cache)
    encoder, found = fast_encoder(tokenizer), {}
    for name, seed, count in (("training", TRAINING_SEED, clips), ("held_out", VALIDATION_SEED, held_out)):
        chunks = torch.arange(count).split(_CHUNK)
        parts = [
            encoder.encode_codes(render([draw_scene(SCENES, seed, k) for k in chunk.tolist()]))
            for chunk in tqdm(chunks, desc=f"encoding {name} clips", leave=False)
        ]
        found[name] = torch.cat(parts)
    cache.parent.mkdir(parents=True, exist_ok=True)
    write_weights(found, cache, made_of)
    return found
