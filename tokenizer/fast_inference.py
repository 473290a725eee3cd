"""The encoder as it is fastest on a processor with next to the same codes.

Convolutions want channels to lie last in memory. Half precision (bf16), on a processor that has it, pays where the grid
is fine, in the first module, and hardly changes the codes there: a rounding error of one place is averaged over many.
In the last modules, one latent decides one code, and half precision everywhere gives other codes in a token of forty;
measure it with `python -m trajvlm.tokenizer.bench`. How many modules bear it hangs on the weights: three did with
former ones. The activations took a fifth of the time, for PyTorch's ELU is exact where a difference of 1e-7 changes no
code.
"""

import copy

import torch
from torch import Tensor, nn

from trajvlm.tokenizer.model import TrajectoryTokenizer
from trajvlm.tokenizer.precision import half_precision


def fast_encoder(model: TrajectoryTokenizer) -> TrajectoryTokenizer:
    """A copy for encoding alone, with the same weights."""
    fast = channels_last(model)
    for module in list(fast.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.ELU):
                setattr(module, name, _PlainELU())
    fast.conv_in.forward = _in_half_precision(fast.conv_in.forward)
    return fast


def channels_last(model: TrajectoryTokenizer) -> TrajectoryTokenizer:
    """A copy whose kernels lie channels last in memory, which goes on to the latents."""
    copied = copy.deepcopy(model)
    for parameter in copied.parameters():
        if parameter.ndim == 5:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last_3d)
    return copied


class _PlainELU(nn.Module):
    """ELU by exp(x) - 1; the library's function keeps all digits of small differences, and takes twice as long."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.maximum(x, torch.exp(x.clamp_max(0)).sub_(1))


def _in_half_precision(forward):
    def compute(x: Tensor, *arguments, **options) -> Tensor:
        with half_precision(x.device):
            return forward(x, *arguments, **options).float()

    return compute
