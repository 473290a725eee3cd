"""A GPU that is not there: tensors without values, on whose devices PyTorch keeps an eye as on those of true ones."""

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
from torch.fx.experimental.symbolic_shapes import ShapeEnv

GPU = torch.device("cuda:0")


class FarDevice:
    """Within `with far.mode`, what is computed may not mix what is there with what is here."""

    def __init__(self):
        self.mode = FakeTensorMode(shape_env=ShapeEnv())

    def tensor(self, here: Tensor) -> Tensor:
        """A tensor like that, there."""
        return FakeTensor(self.mode, here.detach().to("meta"), GPU)

    def module(self, module: nn.Module) -> nn.Module:
        """The same module with its weights there."""
        for part in module.modules():
            for name, value in part._parameters.items():
                if value is not None:
                    part._parameters[name] = nn.Parameter(self.tensor(value), requires_grad=value.requires_grad)
            for name, value in part._buffers.items():
                if value is not None:
                    part._buffers[name] = self.tensor(value)
        return module
