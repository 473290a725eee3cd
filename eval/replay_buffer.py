"""A replay buffer: the latest training examples, kept to be learned from again."""

import torch
from torch import Tensor


class ReplayBuffer:
    """Prepared inputs (N, ...) and labels (N,) of the latest examples."""

    def __init__(self, capacity: int | None = None):
        """`capacity` is how many examples are kept at most; None for all."""
        self.capacity = capacity
        self.inputs: Tensor | None = None
        self.labels: Tensor | None = None

    def __len__(self) -> int:
        return 0 if self.labels is None else len(self.labels)

    def add(self, inputs: Tensor, labels: Tensor) -> None:
        """Add examples; the oldest go where there are too many."""
        if self.inputs is not None:
            inputs, labels = torch.cat([self.inputs, inputs]), torch.cat([self.labels, labels])
        first = max(0, len(labels) - self.capacity) if self.capacity else 0
        self.inputs, self.labels = inputs[first:], labels[first:]

    def sample(self, size: int, seed: int) -> tuple[Tensor, Tensor]:
        """So many examples, drawn with replacement."""
        assert self.inputs is not None and self.labels is not None, "there are no examples yet"
        chosen = torch.randint(len(self), (size,), generator=torch.Generator().manual_seed(seed))
        return self.inputs[chosen], self.labels[chosen]

    def state_dict(self) -> dict[str, Tensor]:
        return {} if self.inputs is None else {"inputs": self.inputs, "labels": self.labels}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        self.inputs, self.labels = state.get("inputs"), state.get("labels")
