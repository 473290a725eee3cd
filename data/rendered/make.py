"""Make a data set on the disk: rendered clips with their truth, in shards that any WebDataset reader understands.

    trajvlm data make --n 10000 --views 2 --out my-clips

A sample is `00000012.mp4` (17 frames of 64 x 64; at 16 frames a second, so that a second of the file is clip time 1),
with two cameras also `00000012.right.mp4` and their calibration `00000012.rig.json`, as `trajvlm describe --rig` reads
it, and `00000012.json` (see `trajvlm.data.rendered.truth`). `manifest.json` says what was asked
for and holds the hash of every shard. A run that was stopped goes on where it was when it is started again, and ends
with the same bytes as one that was not.
"""

import json
import platform
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import av
import numpy as np
import torch
from tqdm import tqdm

from trajvlm.data.cameras.rig import Rig
from trajvlm.data.cameras.stereo import StereoPair
from trajvlm.data.clip import SIZE
from trajvlm.data.errors import UserError
from trajvlm.data.files import atomic_write, file_sha256, remove_drafts
from trajvlm.data.motions.families import FAMILIES
from trajvlm.data.rendered.contact_sheet import contact_sheet, preview
from trajvlm.data.rendered.export import encode_video, to_frames
from trajvlm.data.rendered.render import render
from trajvlm.data.rendered.scene import Scene, SceneSettings
from trajvlm.data.rendered.shards import Sample, write_shard
from trajvlm.data.rendered.splits import joined_sha256, scene_sha256
from trajvlm.data.rendered.stream import TRAINING_SEED
from trajvlm.data.rendered.truth import write_truth
from trajvlm.data.rendered.views import draw_views

MANIFEST = "manifest.json"
SHEET = "contact-sheet.png"
RATE = 16
_CRF = 12
_ON_SHEET = 10
_PREVIEWS = 3

Drawn = tuple[Rig, list[Scene]]


@dataclass(frozen=True)
class MakeSettings:
    """What a data set holds."""

    number: int
    views: int = 1
    """Cameras: 1, or 2 for a left and a right one."""
    seed: int = TRAINING_SEED
    strength: tuple[float, float] = SceneSettings.strength
    families: tuple[str, ...] = tuple(FAMILIES)
    filmed: float = 0.5
    """Share of the samples that look as if they had been filmed."""
    shard: int = 500
    """Samples in a shard; the last one may hold fewer."""

    def __post_init__(self):
        if self.number < 1 or self.shard < 1 or self.seed < 0:
            raise UserError(
                f"a data set has at least one sample, at least one in a shard and a seed of at least 0, "
                f"not {self.number}, {self.shard} and {self.seed}; give larger numbers"
            )
        if self.views not in (1, 2):
            raise UserError(f"a sample has 1 or 2 views, not {self.views}; choose one of them")
        unknown = [name for name in self.families if name not in FAMILIES]
        if unknown or not self.families:
            raise UserError(
                f"there is no family {', '.join(unknown) or 'in the list'}; there are {', '.join(FAMILIES)}"
            )
        if not 0 <= self.strength[0] <= self.strength[1] <= 1:
            low, high = self.strength
            raise UserError(
                f"nuisances go from a lower to a higher strength within 0 to 1, not from {low:g} to {high:g}"
            )

        if not 0 <= self.filmed <= 1:
            raise UserError(f"the share of filmed samples lies between 0 and 1, not at {self.filmed:g}")

    @property
    def scenes(self) -> SceneSettings:
        return SceneSettings(families=self.families, strength=self.strength, filmed=self.filmed)

    @property
    def shards(self) -> list[range]:
        """The samples of each shard."""
        starts = range(0, self.number, self.shard)
        return [range(start, min(start + self.shard, self.number)) for start in starts]


def make(settings: MakeSettings, folder: Path, progress: bool = False) -> dict:
    """Write a data set to `folder`, or what is missing there, and return its manifest.

    Raises:
        UserError: the folder holds a data set with other settings, or can't be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        remove_drafts(folder)
        return _make(settings, folder, progress)
    except OSError as error:
        raise UserError(
            f"{folder} can't be written to ({error.strerror or error}); make room there or choose another folder, and "
            f"give the same command again to go on"
        ) from error


def read_manifest(folder: Path) -> dict | None:
    """The manifest of a data set, None where there is none; raises UserError where it can't be understood."""
    file = folder / MANIFEST
    if not file.exists():
        return None
    try:
        manifest = json.loads(file.read_text(encoding="utf-8"))
        return {**manifest, "shards": list(manifest["shards"]), "settings": dict(manifest["settings"])}
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{file} is damaged; remove it to make the data set anew") from error


def _make(settings: MakeSettings, folder: Path, progress: bool) -> dict:
    old = read_manifest(folder) or {"shards": []}
    manifest = _begin(settings, old, folder)
    known = {shard["name"]: shard for shard in old["shards"]}
    all_hashes: list[str] = []
    # The bar goes to standard error, and only where a person sees it.
    with tqdm(total=settings.number, unit="clip", disable=None if progress else True) as bar:
        for number, indices in enumerate(settings.shards):
            name = f"shard-{number:05d}.tar"
            drawn = [draw_views(settings.scenes, settings.seed, index, settings.views) for index in indices]
            hashes = [scene_sha256(scene) for _, scenes in drawn for scene in scenes]
            entry = known.get(name)
            if entry is not None and _intact(folder / name, entry):
                _check_same_world(entry, joined_sha256(hashes), folder)
                bar.update(len(indices))
            else:
                _check_same_versions(old, folder)
                write_shard(folder / name, _samples(settings, indices, drawn, bar))
                entry = {
                    "name": name,
                    "samples": len(indices),
                    "bytes": (folder / name).stat().st_size,
                    "sha256": file_sha256(folder / name),
                    "scenes_sha256": joined_sha256(hashes),
                }
            manifest["shards"].append(entry)
            all_hashes += hashes
            _save(manifest, folder, [s for s in known.values() if s["name"] > name])
    manifest["split_sha256"] = joined_sha256(all_hashes)
    _show(settings, folder)
    _save(manifest, folder)
    return manifest


def _begin(settings: MakeSettings, old: dict, folder: Path) -> dict:
    """A manifest without shards; raises UserError if there is one that was begun with other settings."""
    wanted = json.loads(json.dumps(asdict(settings)))
    there = old.get("settings", wanted)
    different = [
        f"{name} {there.get(name)} and not {wanted[name]}" for name in wanted if there.get(name) != wanted[name]
    ]
    if different:
        raise UserError(
            f"{folder} holds a data set made with {', '.join(different)}; give the same settings or choose "
            f"another folder"
        )
    # Versions that differ from these may keep shards, never add any.
    return {"settings": wanted, "versions": old.get("versions", _versions()), "split_sha256": None, "shards": []}


def _samples(settings: MakeSettings, indices: range, drawn: list[Drawn], bar: tqdm) -> Iterator[Sample]:
    for index, (rig, scenes) in zip(indices, drawn):
        # Each on its own: a batch's other clips can change the last bit of a pixel.
        with torch.no_grad():
            clips = [encode_video(to_frames(render([scene])[0]), RATE, _CRF) for scene in scenes]
        truth = write_truth(scenes, rig, settings.seed, index)
        files = dict(zip(("mp4", "right.mp4"), clips))
        if len(clips) > 1:
            files["rig.json"] = (json.dumps(StereoPair.from_rig(rig, SIZE).to_dict()) + "\n").encode()
        yield f"{index:08d}", {**files, "json": truth}
        bar.update()


def _intact(path: Path, entry: dict) -> bool:
    return path.is_file() and path.stat().st_size == entry.get("bytes") and file_sha256(path) == entry.get("sha256")


def _check_same_world(entry: dict, scenes_hash: str, folder: Path) -> None:
    if entry.get("scenes_sha256") != scenes_hash:
        raise UserError(
            f"{folder} was begun by another version of this program, which draws other scenes; choose another folder"
        )


def _check_same_versions(old: dict, folder: Path) -> None:
    there = old.get("versions", _versions())
    if there != _versions():
        names = ", ".join(f"{name} {version}" for name, version in there.items())
        raise UserError(f"{folder} was begun with {names}; go on with these or choose another folder")


def _versions() -> dict[str, str]:
    return {"python": platform.python_version(), "torch": torch.__version__, "av": av.__version__}


def _save(manifest: dict, folder: Path, later: Sequence[dict] = ()) -> None:
    """Write the manifest with those later shards that an earlier run has made."""
    content = {**manifest, "shards": manifest["shards"] + list(later)}
    with atomic_write(folder / MANIFEST) as draft:
        draft.write_bytes((json.dumps(content, indent=1) + "\n").encode())


def _show(settings: MakeSettings, folder: Path) -> None:
    """Write the contact sheet and some previews, those that are missing."""
    rng = np.random.default_rng([settings.seed, settings.number])
    shown = rng.choice(settings.number, min(_ON_SHEET, settings.number), replace=False).tolist()
    samples = [(k, draw_views(settings.scenes, settings.seed, k, settings.views)[1]) for k in sorted(shown)]
    wanted: dict[str, Callable[[], bytes]] = {SHEET: partial(contact_sheet, samples)}
    wanted |= {f"preview-{k:08d}.mp4": partial(preview, scenes[0]) for k, scenes in samples[:_PREVIEWS]}
    for name, draw in wanted.items():
        if not (folder / name).exists():
            with torch.no_grad(), atomic_write(folder / name) as draft:
                draft.write_bytes(draw())
