"""What is computed in training is computed where the model lies, and nothing of it elsewhere."""

from dataclasses import fields

import torch

from tests.conftest import TINY_TOKENIZER
from tests.far_device import GPU, FarDevice
from tests.tokenizer.video.test_model import TINY as TINY_VIDEO_TOKENIZER
from tests.vlm.test_model import CONFIG, some
from trajvlm.data.rendered.render import track
from trajvlm.data.rendered.scene import SceneSettings, draw_scene
from trajvlm.tokenizer.fast_inference import channels_last, fast_encoder
from trajvlm.tokenizer.model import TrajectoryTokenizer
from trajvlm.tokenizer.train import TokenizerObjective, TokenizerTraining
from trajvlm.tokenizer.video.model import LayerTokenizer
from trajvlm.tokenizer.video.train import Objective
from trajvlm.vlm.model import TrajectoryLM
from trajvlm.vlm.sample import Samples
from trajvlm.vlm.train import ReadingObjective, VLMTraining


def test_the_tokenizers_losses_are_computed_on_the_device():
    far, tokenizer = FarDevice(), TrajectoryTokenizer(TINY_TOKENIZER)
    objective = far.module(TokenizerObjective(channels_last(tokenizer).train(), TokenizerTraining()))
    shapes = (2, 3, 17, 64, 64), (2, 3, 17, 64, 64), (2, 17, 2), (2, 17), ()
    batch = [far.tensor(torch.empty(shape)) for shape in shapes]
    with far.mode, torch.autocast("cuda", torch.bfloat16):
        assert all(found.device == GPU for found in objective(*batch))


def test_the_video_tokenizers_losses_are_computed_on_the_device():
    far, objective = FarDevice(), Objective(LayerTokenizer(TINY_VIDEO_TOKENIZER).train())
    shapes = (2, 5, 17, 64, 64), (2, 2, 17, 64, 64), (), ()
    batch = [far.tensor(torch.empty(shape)) for shape in shapes]
    objective = far.module(objective)
    with far.mode, torch.autocast("cuda", torch.bfloat16):
        loss, parts, _ = objective(*batch)
    assert all(found.device == GPU for found in (loss, *parts.values()))


def test_clips_are_encoded_on_the_device():
    far = FarDevice()
    encoder = far.module(fast_encoder(TrajectoryTokenizer(TINY_TOKENIZER)))
    video = far.tensor(torch.empty(2, 3, 17, 64, 64))
    with far.mode:
        assert encoder.encode_codes(video).device == GPU


def test_the_language_models_losses_are_computed_on_the_device(tiny_base):
    far, vectors = FarDevice(), TrajectoryTokenizer(TINY_TOKENIZER).code_vectors
    model = TrajectoryLM(CONFIG, vectors, tiny_base)
    samples, seen = some(model, 2), track([draw_scene(SceneSettings(), 21, k) for k in range(2)])
    samples = Samples(*(far.tensor(getattr(samples, field.name)) for field in fields(samples)))
    objective = far.module(ReadingObjective(model, VLMTraining(reader_layer=1)))
    centre, radius = far.tensor(seen.centre), far.tensor(seen.radius)
    with far.mode, torch.autocast("cuda", torch.bfloat16):
        assert all(loss.device == GPU for loss in objective(samples, centre, radius).values())
