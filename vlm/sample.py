"""The one place where a clip and its questions become token ids.

A sample is a prompt, `<|clip|>` codes `<|/clip|>`, and questions behind it that do not see each other:

    <|equation|> family-word constant constant ...
    <|position|> time x y z

All go through the model at once: each question attends to the prompt and to itself alone, and counts its positions from
the prompt's end, as if the others were not there. So one reading of the codes serves several supervised answers.
"""

from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Tensor

from trajvlm.data.motions.families import FAMILIES
from trajvlm.vlm.answer import writing_order
from trajvlm.vlm.vocabulary import Vocabulary

PROMPT, PADDING = 0, -1


@dataclass(frozen=True)
class Question:
    """A question with its answer."""

    tokens: list[int]
    given: int
    """The first so many tokens are the question; the others are what the model has to write."""


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
    """(B, L) PROMPT, 1 for the first question, 2 for the second ..., or PADDING."""

    def to(self, device: torch.device) -> "Samples":
        """The same samples on a device."""
        return Samples(*(getattr(self, field.name).to(device) for field in fields(self)))

    @property
    def attention(self) -> Tensor:
        """(B, 1, L, L) whether a token (third axis) may attend to another (last axis)."""
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


def equation_question(
    vocabulary: Vocabulary, family_ids: dict[str, int], family: str, constants: np.ndarray
) -> Question:
    """The question which motion it is, answered by the family's word and its constants (family.size,) in writing
    order."""
    numbers = vocabulary.number_ids(constants[writing_order(FAMILIES[family])])
    return Question([vocabulary.mark("<|equation|>"), family_ids[family], *numbers.tolist()], given=1)


def position_question(vocabulary: Vocabulary, family: str, constants: np.ndarray, t: float) -> Question:
    """The question where the object is at clip time t, 0 to 1, answered by x, y and z."""
    position = FAMILIES[family].positions(constants, np.array([t]))[0]
    asked = [vocabulary.mark("<|position|>"), *vocabulary.number_ids(np.array([t])).tolist()]
    return Question([*asked, *vocabulary.number_ids(position).tolist()], given=len(asked))


def max_sample_length(vocabulary: Vocabulary, prompt: int, positions: int) -> int:
    """Tokens of the longest sample: a prompt of `prompt` tokens, the question of the equation, and `positions`
    questions of where the object is."""
    number = len(vocabulary.number_ids(np.zeros(1)))
    return prompt + 2 + number * max(family.size for family in FAMILIES.values()) + (1 + 4 * number) * positions


def render_samples(
    vocabulary: Vocabulary, codes: Tensor, questions: list[list[Question]], length: int | None = None
) -> Samples:
    """Token ids of clips and of the questions about each.

    Args:
        codes: (B, times, rows, columns).
        questions: for each of the B clips.
        length: pad to so many tokens; to the longest sample where left out.
    """
    prompts = prompt_ids(vocabulary, codes)
    start = prompts.shape[1]
    length = length or max(start + sum(len(q.tokens) for q in asked) for asked in questions)
    ids, supervised, positions = (torch.zeros(len(codes), length, dtype=torch.long) for _ in range(3))
    part = torch.full((len(codes), length), PADDING)
    ids[:, :start], part[:, :start], positions[:, :start] = prompts, PROMPT, torch.arange(start)
    for k, asked in enumerate(questions):
        at = start
        for number, question in enumerate(asked, 1):
            here = slice(at, at + len(question.tokens))
            ids[k, here] = torch.tensor(question.tokens)
            part[k, here] = number
            positions[k, here] = start + torch.arange(len(question.tokens))
            supervised[k, at + question.given : here.stop] = 1
            at = here.stop
    return Samples(ids, supervised.bool(), positions, part)
