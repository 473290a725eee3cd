"""Residual networks on raw pixels, from random weights: R3D-18, and ResNet18 on each frame with the mean over time.

Both are torchvision's. R3D-18 (Tran et al., 2018) stands for the large 3D convolutional networks; the mean over frames
is what did best in IRIS' own comparison.
"""

from pathlib import Path

import torch
from torch import Tensor, nn
from torchvision.models import resnet18
from torchvision.models.video import r3d_18

from trajvlm.data.motions.families import BASIC
from trajvlm.eval.classifiers import NetworkClassifier, NetworkTraining, TrainedSystem, trained_system

_TRAINING = NetworkTraining(learning_rate=5e-4)


class VideoResNet(nn.Module):
    """Clips (B, 3, 17, 64, 64) in [0, 1] to logits (B, families) by convolutions over space and time."""

    def __init__(self):
        super().__init__()
        self.network = r3d_18(weights=None, num_classes=len(BASIC))

    def forward(self, video: Tensor) -> Tensor:
        return self.network((video - 0.5) / 0.25)


class FrameResNet(nn.Module):
    """Clips (B, 3, 17, 64, 64) in [0, 1] to logits (B, families) by the mean of what each frame alone gives."""

    def __init__(self):
        super().__init__()
        self.network = resnet18(weights=None, num_classes=len(BASIC))
        self.network.fc = nn.Identity()
        self.out = nn.Linear(512, len(BASIC))

    def forward(self, video: Tensor) -> Tensor:
        frames = ((video - 0.5) / 0.25).transpose(1, 2)
        return self.out(self.network(frames.flatten(0, 1)).unflatten(0, frames.shape[:2]).mean(dim=1))


def build_r3d18(folder: Path) -> NetworkClassifier:
    """The untrained R3D-18."""
    network = VideoResNet().to(memory_format=torch.channels_last_3d)
    return NetworkClassifier("r3d18", "R3D-18 on pixels", network, _TRAINING)


def build_resnet18(folder: Path) -> NetworkClassifier:
    """The untrained ResNet18."""
    network = FrameResNet().to(memory_format=torch.channels_last)
    return NetworkClassifier("resnet18", "ResNet18 on each frame, mean over time", network, _TRAINING)


CLASSIFIERS = {"r3d18": build_r3d18, "resnet18": build_resnet18}


def load_r3d18() -> TrainedSystem:
    """The trained R3D-18; raises UserError where it is not trained."""
    return trained_system("r3d18", {"r3d18": build_r3d18})


def load_resnet18() -> TrainedSystem:
    """The trained ResNet18; raises UserError where it is not trained."""
    return trained_system("resnet18", {"resnet18": build_resnet18})
