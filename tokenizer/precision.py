"""Half precision (bf16) on devices that compute in it; elsewhere it is emulated, and slower than single precision.

On a CPU with AVX2 but without AVX-512, the convolutions of a training step took twenty times as long in bf16 as in
single precision (29 s and 1.4 s), and encoding eight clips thirty times as long (7.5 s and 0.24 s).
"""

import torch

_NATIVE = "avx512_bf16", "amx_bf16", "avx10_2", "bf16", "sve_bf16"


def has_bf16(device: torch.device | str) -> bool:
    """Whether a device computes in bf16 in hardware."""
    kind = torch.device(device).type
    if kind == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if kind == "cpu":
        capabilities = torch.cpu.get_capabilities()
        return any(capabilities.get(name, False) for name in _NATIVE)
    return True


def half_precision(device: torch.device | str) -> torch.autocast:
    """Autocast to bf16 on a device that computes in it; elsewhere a context that does nothing."""
    return torch.autocast(torch.device(device).type, torch.bfloat16, enabled=has_bf16(device))
