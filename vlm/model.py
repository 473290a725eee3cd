"""SmolLM2 with a grown vocabulary and LoRA: codes in, family and constants out."""

import hashlib
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from peft import LoraConfig, get_peft_model, get_peft_model_state_dict, set_peft_model_state_dict
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import DynamicCache

from trajvlm.data.errors import UserError
from trajvlm.data.motions.families import FAMILIES, Family
from trajvlm.tokenizer.checkpoint import write_weights
from trajvlm.vlm.answer import Answer, writing_order
from trajvlm.vlm.base_model import DEFAULT_NAME, load_base
from trajvlm.vlm.calibration import Calibration
from trajvlm.vlm.config import VLMConfig
from trajvlm.vlm.decoding import MEDIAN, Choice, DecodingStrategy
from trajvlm.vlm.sample import Samples, prompt_ids
from trajvlm.vlm.tta import NO_FLIPS, Flip
from trajvlm.vlm.vocabulary import MARKS, NUMBERS, Vocabulary, number_geometry

SHIPPED = Path(__file__).parent / "weights"
_CONFIG, _ADAPTER, _ROWS = "config.json", "adapter.safetensors", "rows.safetensors"

# Standard deviation, in bins of 0.01, of the soft target of a number: a near miss costs less than a far one.
_SMOOTHING_BINS = 2.0
_MIN_PROBABILITY = 1e-12
_CODE_NET = "code_net."


class NewRows(nn.Module):
    """Embedding rows of the new ids.

    A code's row is computed from the code's own vector (its coordinates in the quantizer) by a small network shared by
    all codes, so that a code seldom met in training still gets a row like its neighbours'. To a visual token the row of
    its place in the latent grid is added. Marks and numbers have rows of their own; a number's row also scores it in
    the output, as the base model ties the two.
    """

    def __init__(self, code_vectors: Tensor, places: int, width: int, scale: float):
        super().__init__()
        self.register_buffer("code_vectors", code_vectors.float(), persistent=False)
        # The shortest wave spans eight levels of a coordinate.
        self.waves = max(1, round(math.log2(len(code_vectors)) / code_vectors.shape[1]) - 1)
        inputs = code_vectors.shape[1] * (1 + 2 * self.waves)
        self.code_net = nn.Sequential(nn.Linear(inputs, 256), nn.GELU(), nn.Linear(256, width))
        nn.init.normal_(self.code_net[2].weight, std=scale / 8)
        self.places = nn.Parameter(torch.randn(places, width) * scale)
        self.marks = nn.Parameter(torch.randn(len(MARKS), width) * scale)
        self.numbers = nn.Parameter(number_geometry(width) * scale * 2**0.5)

    def codes(self, codes: Tensor) -> Tensor:
        """Rows (..., width) of codes (...)."""
        vectors = self.code_vectors[codes]
        waves = [f(torch.pi * 2**k / 2 * vectors) for k in range(self.waves) for f in (torch.sin, torch.cos)]
        return self.code_net(torch.cat([vectors, *waves], dim=-1))


class TrajectoryLM(nn.Module):
    """The language model that reads a clip's visual tokens and writes the family of its motion and the constants."""

    def __init__(self, config: VLMConfig, code_vectors: Tensor, base_model: str | None = None):
        """
        Args:
            code_vectors: (codebook, dims), the tokenizer's `code_vectors`.
            base_model: see `trajvlm.vlm.base_model.load_base`.
        """
        super().__init__()
        base, self.family_ids = load_base(base_model, config.layers, config.families)
        lora = LoraConfig(r=config.lora_rank, lora_alpha=config.lora_alpha, target_modules="all-linear")
        self.config, self.base_name = config, base_model or DEFAULT_NAME
        self.calibration = Calibration()
        self.lm = get_peft_model(base, lora)
        table = base.get_input_embeddings().weight
        self.vocabulary = Vocabulary(len(table), config.codebook_size)
        self.rows = NewRows(code_vectors, int(np.prod(config.grid)), table.shape[1], table.std().item())

    @property
    def decoder(self) -> nn.Module:
        return self.lm.get_base_model().get_decoder()

    def embed(self, ids: Tensor) -> Tensor:
        """Embeddings (B, L, width) of base and new ids (B, L). Each row begins with a prompt, so that the n-th visual
        token of a row belongs to the n-th place of the latent grid."""
        vocabulary = self.vocabulary
        table = self.lm.get_base_model().get_input_embeddings().weight
        out = table[ids.clamp_max(vocabulary.base_size - 1)]
        visual = vocabulary.is_code(ids)
        codes = torch.where(visual, ids - vocabulary.base_size, 0)
        place = (visual.cumsum(dim=1) - 1).clamp(0, len(self.rows.places) - 1)
        out = torch.where(visual[..., None], self.rows.codes(codes) + self.rows.places[place], out)
        own = torch.cat([self.rows.marks, self.rows.numbers])
        own_index = ids - vocabulary.mark(MARKS[0])
        return torch.where((own_index >= 0)[..., None], own[own_index.clamp_min(0)], out)

    def forward(self, samples: Samples) -> tuple[Tensor, ...]:
        """Hidden states (B, L, width) of a batch: the embeddings, then after each layer; the last is normalised."""
        return self.decoder(
            inputs_embeds=self.embed(samples.ids),
            attention_mask=_additive_mask(samples.attention),
            position_ids=samples.positions,
            use_cache=False,
            output_hidden_states=True,
        ).hidden_states

    def losses(self, hidden: Tensor, samples: Samples) -> dict[str, Tensor]:
        """Mean losses () of the last hidden states (B, L, width): `family`, a cross entropy, and `number`, the
        Kullback-Leibler divergence from the soft target."""
        # The hidden state at one position predicts the token at the next.
        before, target = hidden[:, :-1], samples.ids[:, 1:]
        number = samples.supervised[:, 1:] & (target >= self.vocabulary.first_number)
        family = samples.supervised[:, 1:] & ~number
        family_loss = F.cross_entropy(self._family_scores(before[family]), self._family_index(target[family]))
        bins = target[number] - self.vocabulary.first_number
        scores = F.log_softmax(self._number_scores(before[number]), dim=-1)
        return {"family": family_loss, "number": F.kl_div(scores, _soft_targets(bins), reduction="batchmean")}

    def _family_scores(self, hidden: Tensor) -> Tensor:
        table = self.lm.get_base_model().get_input_embeddings().weight
        return (hidden @ table[list(self.family_ids.values())].T.to(hidden.dtype)).float()

    def _family_index(self, ids: Tensor) -> Tensor:
        order = torch.tensor(list(self.family_ids.values()), device=ids.device)
        return (ids[:, None] == order).long().argmax(dim=1)

    def _number_scores(self, hidden: Tensor) -> Tensor:
        return (hidden @ self.rows.numbers.T.to(hidden.dtype)).float()

    @torch.no_grad()
    def answer(
        self, codes: Tensor, strategy: DecodingStrategy = MEDIAN, flips: Sequence[Flip] = NO_FLIPS
    ) -> list[Answer]:
        """Answers for B clips.

        At each place only what the grammar allows is scored: first the families' words, then numbers, as many as the
        family has constants. With several flips the model's distributions are averaged over them before a family or a
        number is chosen.

        Args:
            codes: (flips * B, times, rows, columns), as from `trajvlm.vlm.tta.encode_flips`.
            strategy: how family and numbers are chosen.
            flips: those that `codes` are of, in order.
        """
        prompts = prompt_ids(self.vocabulary, codes)
        question = torch.full_like(prompts[:, :1], self.vocabulary.mark("<|equation|>"))
        hidden, cache = self._extend(torch.cat([prompts, question], dim=1), DynamicCache())
        chances = F.softmax(self._family_scores(hidden), dim=-1).unflatten(0, (len(flips), -1)).mean(dim=0)
        chances = F.softmax(chances.clamp_min(_MIN_PROBABILITY).log() / self.calibration.temperature, dim=-1)
        names = list(self.family_ids)
        chosen = strategy.family(chances).tolist()
        token = torch.tensor(list(self.family_ids.values()), device=codes.device)[chosen].repeat(len(flips))[:, None]
        signs = _signs([FAMILIES[names[k]] for k in chosen], flips).to(codes.device)
        columns = []
        for mirrored in (signs < 0).unbind(dim=-1):
            value, token, cache = self._decode_number(token, cache, strategy.number, mirrored)
            columns.append(value)
        values = np.stack(columns, axis=1)
        return [
            Answer(
                family=names[k],
                constants=row[np.argsort(writing_order(FAMILIES[names[k]]))],
                probabilities=dict(zip(names, chance.tolist())),
            )
            for k, row, chance in zip(chosen, values, chances)
        ]

    @torch.no_grad()
    def position(self, codes: Tensor, times: np.ndarray) -> np.ndarray:
        """The model's answer to the question where the object is, without flips.

        Args:
            codes: (B, times, rows, columns).
            times: (T,) clip times from 0 to 1; each is asked by itself.

        Returns:
            Positions (B, T, 3) in the canonical frame.
        """
        unflipped = torch.zeros(1, len(codes), dtype=torch.bool, device=codes.device)
        prompts = prompt_ids(self.vocabulary, codes)
        asked = []
        for t in self.vocabulary.number_ids(np.asarray(times)).tolist():
            question = torch.tensor([[self.vocabulary.mark("<|position|>"), t]]).expand(len(codes), -1)
            token, cache, values = torch.cat([prompts, question], dim=1), DynamicCache(), []
            for _ in "xyz":
                value, token, cache = self._decode_number(token, cache, MEDIAN.number, unflipped)
                values.append(value)
            asked.append(np.stack(values, axis=1))
        return np.stack(asked, axis=1)

    def _decode_number(
        self, ids: Tensor, cache: DynamicCache, choose: Choice, mirrored: Tensor
    ) -> tuple[np.ndarray, Tensor, DynamicCache]:
        """Decode one number of each clip after further ids (flips * B, n): the numbers (B,), their ids (flips * B, 1),
        which the model has not read yet, and the cache.

        Args:
            choose: index of a number by the probabilities (B, 401).
            mirrored: (flips, B) whether the number has the other sign in a flip.
        """
        hidden, cache = self._extend(ids, cache)
        chances = F.softmax(self._number_scores(hidden), dim=-1).unflatten(0, mirrored.shape)
        # The numbers lie evenly about zero, so that reversing their order changes each one's sign.
        bins = choose(torch.where(mirrored[..., None], chances.flip(-1), chances).mean(dim=0))
        flipped = torch.where(mirrored, len(NUMBERS) - 1 - bins, bins).flatten()
        return NUMBERS[bins.cpu().numpy()], (flipped + self.vocabulary.first_number)[:, None], cache

    def _extend(self, ids: Tensor, cache: DynamicCache) -> tuple[Tensor, DynamicCache]:
        """Hidden state (B, width) after further ids (B, n), and the grown cache."""
        out = self.decoder(inputs_embeds=self.embed(ids), cache=cache, use_cache=True)
        return out.last_hidden_state[:, -1].float(), out.cache

    def save_pretrained(self, folder: str | Path) -> None:
        """Write the adapter, the new rows (both in half precision), the settings and the calibration into a folder,
        which is made where it is missing; the base model is not copied."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        write_weights(_to_half(get_peft_model_state_dict(self.lm)), folder / _ADAPTER)
        write_weights(_to_half(self.rows.state_dict()), folder / _ROWS)
        self.config.save(folder / _CONFIG)
        self.calibration.save(folder)

    @classmethod
    def from_pretrained(
        cls, code_vectors: Tensor, folder: str | Path = SHIPPED, base_model: str | None = None
    ) -> "TrajectoryLM":
        """The trained model in a folder, in evaluation mode, with its calibration.

        Args:
            code_vectors: (codebook, dims), the tokenizer's `code_vectors`.
            folder: as `save_pretrained` writes it.
            base_model: see `trajvlm.vlm.base_model.load_base`.

        Raises:
            UserError: a file or the base model is missing, or they do not belong together.
        """
        folder = Path(folder)
        _check_files(folder)
        try:
            config = VLMConfig.load(folder / _CONFIG)
        except (ValueError, TypeError, AttributeError) as error:
            raise UserError(
                f"{folder / _CONFIG} holds no settings of a language model; name another folder."
            ) from error
        model = cls(config, code_vectors, base_model)
        model.load_trained(folder)
        model.calibration = Calibration.load(folder)
        return model.eval()

    def load_trained(self, folder: str | Path) -> None:
        """Load the adapter and the rows from a folder; raises UserError where they belong to another model."""
        folder = Path(folder)
        adapter, rows = (_weights(folder / name) for name in (_ADAPTER, _ROWS))
        self._load_state(folder, adapter, rows)

    def start_from(self, folder: str | Path) -> None:
        """Load the adapter and the rows from a folder to train on. Where its model read codes of other dimensions or
        levels, the network that computes the codes' rows is not loaded.

        Raises:
            UserError: a file is missing or damaged, or belongs to another model.
        """
        folder = Path(folder)
        _check_files(folder)
        adapter, found = (_weights(folder / name) for name in (_ADAPTER, _ROWS))
        own = self.rows.state_dict()
        if any(found[name].shape != own[name].shape for name in own if name.startswith(_CODE_NET) and name in found):
            found |= {name: value for name, value in own.items() if name.startswith(_CODE_NET)}
        self._load_state(folder, adapter, found)

    def _load_state(self, folder: Path, adapter: dict[str, Tensor], rows: dict[str, Tensor]) -> None:
        own = get_peft_model_state_dict(self.lm)
        if _shapes(adapter) != _shapes(own):
            raise UserError(
                f"The language model in {folder} was trained on another base model than "
                f"{self.base_name}; name the one that belongs to it with --base-model."
            )
        if _shapes(rows) != _shapes(self.rows.state_dict()):
            raise UserError(
                f"The language model in {folder} reads other codes than this tokenizer writes; "
                "name the tokenizer that it was trained on."
            )
        set_peft_model_state_dict(self.lm, adapter)
        self.rows.load_state_dict(rows)


def adapter_sha256(folder: str | Path = SHIPPED) -> str:
    """Hash of the trained adapter and rows together."""
    folder = Path(folder)
    return hashlib.sha256((folder / _ADAPTER).read_bytes() + (folder / _ROWS).read_bytes()).hexdigest()


def _check_files(folder: Path) -> None:
    for name in (_CONFIG, _ADAPTER, _ROWS):
        if not (folder / name).is_file():
            raise UserError(
                f"The language model's trained file {folder / name} is missing; "
                "restore it or train one with `python -m trajvlm.vlm.train`."
            )


def _weights(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except SafetensorError as error:
        raise UserError(f"{path} is damaged or holds no weights; restore it or name another folder.") from error


def _shapes(state: dict[str, Tensor]) -> dict[str, torch.Size]:
    return {name: value.shape for name, value in state.items()}


def _to_half(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.detach().to(torch.float16).contiguous() for name, value in state.items()}


def _signs(families: list[Family], flips: Sequence[Flip]) -> Tensor:
    """(flips, B, constants) signs of the constants of B clips in each flip, in writing order, filled up with 1."""
    signs = torch.ones(len(flips), len(families), max(family.size for family in families), dtype=torch.long)
    for number, flip in enumerate(flips):
        for clip, family in enumerate(families):
            signs[number, clip, : family.size] = flip.constant_signs(family)[writing_order(family)]
    return signs


def _additive_mask(allowed: Tensor) -> Tensor:
    """A boolean attention mask as a mask that is added to the scores: 0 where allowed, the lowest number elsewhere."""
    return torch.zeros(allowed.shape, device=allowed.device).masked_fill_(~allowed, torch.finfo(torch.float32).min)


def _soft_targets(bins: Tensor) -> Tensor:
    """Targets (N, 401) for bins (N,): a discrete normal distribution about each bin."""
    distance = (torch.arange(len(NUMBERS), device=bins.device) - bins[:, None]) / _SMOOTHING_BINS
    return F.softmax(-0.5 * distance.square(), dim=-1)
