"""Large encoders that others trained, frozen, each under a linear classifier that is trained on our stream.

Their weights are not here: environment variables name the files.

    TRAJVLM_OPEN_MAGVIT2   video_128_262144.ckpt of Open-MAGVIT2, or the file that `trajvlm.eval.open_magvit2` makes of
    it TRAJVLM_VIDEOMAE       folder of a VideoMAE model of transformers, with model.safetensors TRAJVLM_CLIP
    folder of a CLIP model of transformers, with model.safetensors

Clips are enlarged to the size that an encoder was trained on. Open-MAGVIT2's takes some 2.2e12 multiplications a clip:
it wants an accelerator.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from trajvlm.data.clip import FRAMES
from trajvlm.data.errors import UserError
from trajvlm.data.files import file_sha256
from trajvlm.data.motions.families import BASIC
from trajvlm.eval.classifiers import NetworkClassifier, NetworkTraining, TrainedSystem, device, trained_system
from trajvlm.eval.open_magvit2 import OpenMagvit2Settings, load_encoder

if TYPE_CHECKING:
    from transformers import PreTrainedModel

OPEN_MAGVIT2, VIDEOMAE, CLIP = "TRAJVLM_OPEN_MAGVIT2", "TRAJVLM_VIDEOMAE", "TRAJVLM_CLIP"
_TRAINING = NetworkTraining(steps_per_batch=8, weight_decay=0.1)
_CELLS = 4
# Mean and deviation of red, green and blue that the published models were trained with.
_IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_CLIP = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)


class OpenMagvit2Features:
    """Clips to the mean code in 4 x 4 cells of each time step: (B, 18 * 5 * 16)."""

    def __init__(self, path: Path, settings: OpenMagvit2Settings | None = None):
        self.encoder = load_encoder(path, settings).to(device())
        self.size = self.encoder.settings.size
        self.identity = {"open_magvit2_sha256": file_sha256(path)}

    @property
    def width(self) -> int:
        """How many features there are."""
        halvings = sum(factor != 1 for factor in self.encoder.settings.factors[:-1])
        return self.encoder.settings.bits * (1 + (FRAMES - 1) // 2**halvings) * _CELLS**2

    @torch.no_grad()
    def __call__(self, video: Tensor) -> Tensor:
        frames = resized(video.to(device()), self.size) * 2 - 1
        codes = torch.cat([self.encoder(clip[None]) for clip in frames])
        return F.adaptive_avg_pool3d(codes, (codes.shape[2], _CELLS, _CELLS)).flatten(1).cpu()


class VideoMAEFeatures:
    """Clips to the mean of VideoMAE's tokens (Tong et al., 2022), (B, width); 16 frames, without the middle one."""

    def __init__(self, folder: Path):
        from transformers import VideoMAEModel

        self.encoder = _transformers_model(VideoMAEModel, folder)
        self.width = self.encoder.config.hidden_size
        self.identity = {"videomae_sha256": file_sha256(folder / "model.safetensors")}

    @torch.no_grad()
    def __call__(self, video: Tensor) -> Tensor:
        config = self.encoder.config
        kept = torch.linspace(0, FRAMES - 1, config.num_frames).round().long()
        frames = normalised(resized(video[:, :, kept].to(device()), config.image_size), *_IMAGENET)
        clips = frames.transpose(1, 2).split(1)
        return torch.cat([self.encoder(clip).last_hidden_state.mean(dim=1) for clip in clips]).cpu()


class CLIPFeatures:
    """Clips to mean and deviation over the frames of CLIP's picture embedding (Radford et al., 2021), (B, 2 width)."""

    def __init__(self, folder: Path):
        from transformers import CLIPModel

        self.encoder = _transformers_model(CLIPModel, folder)
        self.width = 2 * self.encoder.config.projection_dim
        self.identity = {"clip_sha256": file_sha256(folder / "model.safetensors")}

    @torch.no_grad()
    def __call__(self, video: Tensor) -> Tensor:
        frames = normalised(resized(video.to(device()), self.encoder.config.vision_config.image_size), *_CLIP)
        seen = [self.encoder.vision_model(clip).pooler_output for clip in frames.transpose(1, 2)]
        embedded = self.encoder.visual_projection(torch.stack(seen))
        return torch.cat([embedded.mean(dim=1), embedded.std(dim=1)], dim=1).cpu()


Features = OpenMagvit2Features | VideoMAEFeatures | CLIPFeatures


def resized(video: Tensor, size: int) -> Tensor:
    """Clips (B, 3, T, H, W) at another size of the picture, bilinearly: (B, 3, T, size, size)."""
    frames = F.interpolate(video.transpose(1, 2).flatten(0, 1), size=(size, size), mode="bilinear", antialias=True)
    return frames.unflatten(0, (video.shape[0], video.shape[2])).transpose(1, 2)


def normalised(video: Tensor, mean: tuple[float, ...], deviation: tuple[float, ...]) -> Tensor:
    """Clips (B, 3, T, H, W) with each colour's mean taken away and divided by its deviation."""
    mean, deviation = (torch.tensor(values, device=video.device).view(3, 1, 1, 1) for values in (mean, deviation))
    return (video - mean) / deviation


def linear_classifier(name: str, row: str, features: Features) -> NetworkClassifier:
    """An untrained linear classifier over frozen features, each brought to mean 0 and deviation 1 as in the linear
    probes of MAE (He et al., 2022)."""
    network = nn.Sequential(nn.BatchNorm1d(features.width, affine=False), nn.Linear(features.width, len(BASIC)))
    return NetworkClassifier(name, row, network, _TRAINING, features, features.identity)


def supplied(variable: str) -> Path:
    """The path that an environment variable names; raises UserError where it names none."""
    if not os.environ.get(variable):
        raise UserError(f"weights not supplied: {variable} names no file")
    return Path(os.environ[variable])


def build_open_magvit2(folder: Path) -> NetworkClassifier:
    """The untrained classifier over Open-MAGVIT2; raises UserError where its weights are not supplied, as others do."""
    features = OpenMagvit2Features(supplied(OPEN_MAGVIT2))
    return linear_classifier("open_magvit2", "Open-MAGVIT2's codes, frozen, linear classifier", features)


def build_videomae(folder: Path) -> NetworkClassifier:
    """The untrained classifier over VideoMAE."""
    features = VideoMAEFeatures(supplied(VIDEOMAE))
    return linear_classifier("videomae", "VideoMAE, frozen, linear classifier", features)


def build_clip(folder: Path) -> NetworkClassifier:
    """The untrained classifier over CLIP."""
    return linear_classifier("clip", "CLIP on each frame, frozen, linear classifier", CLIPFeatures(supplied(CLIP)))


CLASSIFIERS: dict[str, Callable[[Path], NetworkClassifier]] = {
    "open_magvit2": build_open_magvit2,
    "videomae": build_videomae,
    "clip": build_clip,
}
_VARIABLES = {"open_magvit2": OPEN_MAGVIT2, "videomae": VIDEOMAE, "clip": CLIP}


def load() -> TrainedSystem:
    """One row for each encoder whose weights are supplied; raises UserError where none are, or where the classifier
    over one of them is not trained."""
    given = {word: build for word, build in CLASSIFIERS.items() if os.environ.get(_VARIABLES[word])}
    if not given:
        raise UserError(f"weights not supplied; name them in {', '.join(_VARIABLES.values())}")
    return trained_system("frozen-encoders", given)


def _transformers_model(kind: "type[PreTrainedModel]", folder: Path) -> nn.Module:
    if not (folder / "model.safetensors").is_file():
        raise UserError(f"{folder} holds no model.safetensors of {kind.__name__}")
    try:
        model, report = kind.from_pretrained(
            folder, local_files_only=True, use_safetensors=True, output_loading_info=True
        )
    except (OSError, ValueError, RuntimeError) as error:
        raise UserError(f"{folder} does not hold a {kind.__name__} of transformers") from error
    # transformers fills what is missing with random numbers and goes on.
    if report["missing_keys"]:
        raise UserError(f"{folder} lacks {len(report['missing_keys'])} of the weights of a {kind.__name__}")
    return model.eval().requires_grad_(False).to(device())
