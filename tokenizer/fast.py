"""The encoder as it is fastest on a processor with next to the same codes.

Convolutions want channels to lie last in memory. Half precision (bf16) pays where the grid is fine, in the first
modules, and hardly changes the codes there: a rounding error of one place is averaged over many. In the last modules,
one latent decides one code, and half precision everywhere gives other codes in a token of forty; measure it with
`python -m tokenizer.bench`. How many modules bear it hangs on the weights.
"""

import copy

import torch
from torch import Tensor

from tokenizer.model import TrajectoryTokenizer

_HALF_PRECISION = 1
"""So many of the encoder's modules, from the first one."""


def fast_encoder(model: TrajectoryTokenizer) -> TrajectoryTokenizer:
    """A copy for encoding alone, with the same weights."""
    fast = channels_last(model)
    first = [fast.conv_in, *fast.encoder_layers][:_HALF_PRECISION]
    for module in first:
        module.forward = _in_half_precision(module.forward, single_after=module is first[-1])
    return fast


def channels_last(model: TrajectoryTokenizer) -> TrajectoryTokenizer:
    """A copy whose kernels lie channels last in memory, which goes on to the latents."""
    copied = copy.deepcopy(model)
    for parameter in copied.parameters():
        if parameter.ndim == 5:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last_3d)
    return copied


def _in_half_precision(forward, single_after: bool):
    def compute(x: Tensor, *arguments, **options) -> Tensor:
        with torch.autocast(x.device.type, torch.bfloat16):
            y = forward(x, *arguments, **options)
        return y.float() if single_after else y

    return compute
