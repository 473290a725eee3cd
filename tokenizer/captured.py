"""A training step as one CUDA graph: recorded once, then launched whole.

A step of a small network is a thousand kernels of some microseconds each, and a GPU waits for the next to be launched
most of the time. Of the video tokenizer's steps an H200 did 8 a second kernel by kernel beside 15 processes that draw,
and 43 a second so.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

Columns = dict[str, Tensor]
_WARM_UPS = 4
"""Steps before the recording, in which libraries choose kernels and the optimizer makes its state."""


class CapturedStep:
    """What `step` does with a batch, on a GPU; called with the first batch it does `_WARM_UPS` steps with it."""

    def __init__(self, step: Callable[[Any], dict[str, Any]], optimizer: torch.optim.Optimizer):
        """
        Args:
            step: a whole step on columns of tensors, forward, backward and the optimizer's, that never waits for a
                number on the CPU; returns figures ().
            optimizer: made with `capturable=True`, its rates tensors on the device.
        """
        self.step, self.optimizer = step, optimizer
        self._graph: torch.cuda.CUDAGraph | None = None
        self._given: Columns = {}
        self._figures: dict[str, Any] = {}

    def __call__(self, batch: Columns) -> dict[str, Any]:
        """The figures of a step with a batch, whose shapes are those of the first; overwritten by the next."""
        if self._graph is None:
            self._record(batch)
        for name, column in batch.items():
            self._given[name].copy_(column)
        assert self._graph is not None
        self._graph.replay()
        return self._figures

    def _record(self, batch: Columns) -> None:
        self._given = {name: column.clone() for name, column in batch.items()}
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(_WARM_UPS):
                self.optimizer.zero_grad(set_to_none=True)
                self.step(self._given)
        torch.cuda.current_stream().wait_stream(side)
        # Without gradients at its start the graph writes them anew each time instead of adding to them.
        self.optimizer.zero_grad(set_to_none=True)
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph):
            self._figures = self.step(self._given)
