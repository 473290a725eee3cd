"""A reservoir of drawn samples: processes go on filling it, a training takes from it as fast as it can.

A GPU takes clips faster than the machine's cores draw them, so each is used several times, far apart.
"""

import queue
import threading
from collections.abc import Callable, Iterable

import torch
from torch import Tensor

from trajvlm.data.rendered.stream import prefetch

Sample = dict[str, Tensor]


class Reservoir:
    """The last so many samples of a stream, on one device."""

    def __init__(
        self,
        draw: Callable[[int, int], Sample],
        wanted: Iterable[tuple[int, int]],
        device: torch.device | str,
        capacity: int,
        processes: int = 1,
        prepare: Callable[[Sample], Sample] = lambda sample: sample,
        together: int = 1,
    ):
        """
        Args:
            draw: called in processes of their own with the number of the first sample and how many; columns of tensors
                (N, ...). Picklable.
            wanted: what it is called with, one after the other.
            capacity: how many samples are kept; newer ones take the place of older ones.
            prepare: applied to what was drawn, on the device.
            together: to how much of what was drawn at a time.
        """
        self.device, self.capacity = torch.device(device), capacity
        self.prepare, self.together = prepare, together
        self.drawn = 0
        """How many samples have been drawn so far."""
        self._columns: Sample = {}
        self._arrived: queue.Queue[Sample | BaseException] = queue.Queue(maxsize=4 * processes + together)
        threading.Thread(target=self._receive, args=(draw, wanted, processes), daemon=True).start()

    def sample(self, size: int) -> Sample:
        """So many of the samples kept, at random; waits until there are as many. Raises what `draw` raised."""
        self._take(wait=self.drawn < size)
        while self.drawn < size:
            self._take(wait=True)
        which = torch.randint(min(self.drawn, self.capacity), (size,), device=self.device)
        return {name: column[which] for name, column in self._columns.items()}

    def _receive(self, draw: Callable[[int, int], Sample], wanted: Iterable[tuple[int, int]], processes: int) -> None:
        # All that this thread does, for where it held the interpreter's lock the training would wait for it.
        try:
            for drawn in prefetch(draw, wanted, processes):
                self._arrived.put(drawn)
        except BaseException as error:
            self._arrived.put(error)

    @torch.no_grad()
    def _take(self, wait: bool) -> None:
        """Add what has arrived."""
        chunks: list[Sample] = []
        while wait or (chunks and not self._arrived.empty()) or self._arrived.qsize() >= self.together:
            drawn = self._arrived.get()
            if isinstance(drawn, BaseException):
                raise drawn
            chunks.append(drawn)
            wait = False
        if chunks:
            columns = {name: torch.cat([chunk[name] for chunk in chunks]) for name in chunks[0]}
            self._add(self.prepare({name: column.to(self.device) for name, column in columns.items()}))

    def _add(self, sample: Sample) -> None:
        size = len(next(iter(sample.values())))
        for name, column in sample.items():
            if name not in self._columns:
                self._columns[name] = column.new_empty(self.capacity, *column.shape[1:])
            at = self.drawn % self.capacity
            fits = min(size, self.capacity - at)
            self._columns[name][at : at + fits] = column[:fits]
            self._columns[name][: size - fits] = column[fits:]
        self.drawn += size
