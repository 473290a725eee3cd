"""A reservoir of drawn samples: processes go on filling it, a training takes from it as fast as it can.

A GPU takes clips faster than the machine's cores draw them, so each is used several times, far apart. Where they are
drawn faster than they are taken, drawing waits.
"""

import queue
import threading
from collections.abc import Callable, Iterable, Iterator

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
    ):
        """
        Args:
            draw: called in processes of their own with the number of the first sample and how many; columns of tensors
                (N, ...). Picklable.
            wanted: what it is called with, one after the other.
            capacity: how many samples are kept; newer ones take the place of older ones.
            prepare: applied to what was drawn, on the device.
        """
        self.device, self.capacity, self.prepare = torch.device(device), capacity, prepare
        self.drawn = self.taken = 0
        """How many samples have been kept so far, and how many given."""
        self._columns: Sample = {}
        self._arrived: queue.Queue[Sample | BaseException] = queue.Queue(maxsize=processes)
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._receive, args=(draw, wanted, processes), daemon=True)
        self._thread.start()

    def sample(self, size: int) -> Sample:
        """So many of the samples kept, at random; waits until there are as many. Raises what `draw` raised."""
        while self.drawn < size:
            self._keep([self._arrived.get()])
        self.taken += size
        self._keep(self._new())
        which = torch.randint(min(self.drawn, self.capacity), (size,), device=self.device)
        return {name: column[which] for name, column in self._columns.items()}

    def close(self) -> None:
        """End the processes that draw."""
        self._closed.set()
        while self._thread.is_alive():
            # It may wait for room.
            list(self._new(everything=True))
            self._thread.join(0.01)

    def _receive(self, draw: Callable[[int, int], Sample], wanted: Iterable[tuple[int, int]], processes: int) -> None:
        # All that this thread does, for where it held the interpreter's lock the training would wait for it.
        try:
            for drawn in prefetch(draw, wanted, processes):
                if self._closed.is_set():
                    return
                self._arrived.put(drawn)
        except BaseException as error:
            self._arrived.put(error)

    def _new(self, everything: bool = False) -> Iterator[Sample | BaseException]:
        """What has arrived, as long as no more is kept than was taken."""
        while everything or self.drawn < self.taken:
            try:
                yield self._arrived.get_nowait()
            except queue.Empty:
                return

    @torch.no_grad()
    def _keep(self, arrived: Iterable[Sample | BaseException]) -> None:
        for drawn in arrived:
            if isinstance(drawn, BaseException):
                raise drawn
            self._add(self.prepare({name: column.to(self.device) for name, column in drawn.items()}))

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
