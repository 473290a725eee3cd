"""The one place where a clip and its answers become token ids.

A sample is a prompt, `<|clip|>` codes `<|/clip|>`, and two questions behind it that do not see each other:

    <|equation|> family-word constant constant ...
    <|track|>    x y z at five times

Both go through the model at once: each attends to the prompt and to itself alone, and counts its positions from the
prompt's end, as if the other were not there. The track question is asked in training only; it teaches to read codes.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from data.families import FAMILIES
from vlm.answer import TRACK_TIMES
from vlm.vocabulary import Vocabulary

PROMPT, EQUATION, TRACK, PADDING = 0, 1, 2, 3


@dataclass(frozen=True)
class Samples:
    """A batch of rendered samples."""

    ids: Tensor
    """(B, L) token ids."""
    supervised: Tensor
    """(B, L) whether the token is one that the model has to write itself."""
    positions: Tensor
    """(B, L) position of each token within its question."""
    part: Tensor
    """(B, L) PROMPT, EQUATION, TRACK or PADDING."""

    @property
    def attention(self) -> Tensor:
        """(B, 1, L, L) whether a token (third axis) may look at another (last axis)."""
        length = self.ids.shape[1]
        earlier = torch.ones(length, length, dtype=torch.bool, device=self.ids.device).tril()
        same = self.part[:, :, None] == self.part[:, None, :]
        prompt = (self.part == PROMPT)[:, None, :]
        return (earlier & (same | prompt))[:, None]


def prompt_ids(vocabulary: Vocabulary, codes: Tensor) -> Tensor:
    """Prompts (B, tokens + 2) of clips with codes (B, times, rows, columns), time by time."""
    flat = vocabulary.code_ids(codes).flatten(1)
    begin, end = (torch.full_like(flat[:, :1], vocabulary.mark(mark)) for mark in ("<|clip|>", "<|/clip|>"))
    return torch.cat([begin, flat, end], dim=1)


def render_samples(
    vocabulary: Vocabulary,
    family_ids: dict[str, int],
    codes: Tensor,
    families: list[str],
    constants: list[np.ndarray],
) -> Samples:
    """Clips with codes (B, times, rows, columns) and their true answers as token ids.

    Args:
        family_ids: the token that names each family.
        constants: (family.size,) of each clip.
    """
    prompts = prompt_ids(vocabulary, codes)
    rows = []
    for prompt, name, values in zip(prompts, families, constants):
        track = FAMILIES[name].positions(values, TRACK_TIMES).ravel()
        equation = [vocabulary.mark("<|equation|>"), family_ids[name], *vocabulary.number_ids(values)]
        track = [vocabulary.mark("<|track|>"), *vocabulary.number_ids(track)]
        rows.append((prompt.tolist(), equation, track))
    length = max(sum(map(len, row)) for row in rows)
    ids, supervised, positions, part = (torch.zeros(len(rows), length, dtype=torch.long) for _ in range(4))
    part[:] = PADDING
    for k, row in enumerate(rows):
        at, start = 0, len(row[0])
        for kind, tokens in enumerate(row):
            here = slice(at, at + len(tokens))
            ids[k, here] = torch.tensor(tokens)
            part[k, here] = kind
            positions[k, here] = torch.arange(len(tokens)) + (start if kind else 0)
            if kind:
                supervised[k, at + 1 : at + len(tokens)] = 1
            at += len(tokens)
    return Samples(ids, supervised.bool(), positions, part)
