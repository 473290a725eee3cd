"""Numbers to other numbers over the time steps of a clip, so that what has to arrive exactly does.

Places known to a tenth of a pixel are to be written into a few quantised numbers and read from them again. Through wide
layers they come out blurred: every step of the optimizer moves each weight by about the learning rate, and a sum over
hundreds of them by half a pixel (on stored glimpses, 0.6 pixels through latents of 768 numbers, 0.3 by a straight way).
So there is a straight linear way, and a network adds what the steps before and after say.
"""

import torch
from torch import Tensor, nn

_WIDTH, _UNITS = 256, 4


class Numbers(nn.Module):
    """Numbers (B, times, inputs) to numbers (B, times, outputs), in single precision."""

    def __init__(self, inputs: int, outputs: int, reach: int):
        """
        Args:
            reach: how many time steps on both sides the network sees at first; its units see one more each.
        """
        super().__init__()
        self.norm = _Standardised(inputs)
        self.straight = nn.Conv1d(inputs, outputs, 1)
        self.first = nn.Conv1d(inputs, _WIDTH, 2 * reach + 1, padding=reach)
        self.units = nn.ModuleList(_Unit(_WIDTH) for _ in range(_UNITS))
        self.out = nn.Conv1d(_WIDTH, outputs, 1)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, numbers: Tensor) -> Tensor:
        # Half precision would round a place to a quarter of a pixel.
        with torch.autocast(numbers.device.type, enabled=False):
            numbers = self.norm(numbers.float().mT)
            x = self.first(numbers)
            for unit in self.units:
                x = x + unit(x)
            return (self.straight(numbers) + self.out(x)).mT


class _Standardised(nn.BatchNorm1d):
    """Batch normalisation by the running statistics in training too: those of a few clips would shift every number by
    a third of its spread from step to step."""

    def __init__(self, numbers: int):
        super().__init__(numbers, affine=False, momentum=0.01)

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            super().forward(x.detach())
        mean, variance = self.running_mean.clone(), self.running_var.clone()
        return (x - mean[:, None]) / (variance[:, None] + self.eps).sqrt()


class _Unit(nn.Sequential):
    """What a residual unit adds to (B, width, times): nothing, at first."""

    def __init__(self, width: int):
        norm = nn.GroupNorm(1, width)
        super().__init__(norm, nn.GELU(), nn.Conv1d(width, width, 3, padding=1), nn.GELU(), nn.Conv1d(width, width, 1))
        nn.init.zeros_(self[-1].weight)
        nn.init.zeros_(self[-1].bias)
