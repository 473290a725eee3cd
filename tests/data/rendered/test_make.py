"""Data sets on the disk: whole or not there, the same bytes however often the making was stopped, and readable."""

import errno
import io
import json
import os
import subprocess
import sys
import tarfile

import av
import numpy as np
import pytest

from trajvlm.data.cameras.rig import Rig
from trajvlm.data.cameras.stereo import StereoPair
from trajvlm.data.errors import UserError
from trajvlm.data.files import file_sha256
from trajvlm.data.motions.equation import Equation
from trajvlm.data.motions.families import FAMILIES, MOTIONS
from trajvlm.data.rendered import make as module
from trajvlm.data.rendered.contact_sheet import contact_sheet, main, preview
from trajvlm.data.rendered.export import encode_video, to_frames, write_sample
from trajvlm.data.rendered.make import MANIFEST, MakeSettings, make, read_manifest
from trajvlm.data.rendered.render import render, track
from trajvlm.data.rendered.scene import SceneSettings, draw_scene
from trajvlm.data.rendered.shards import write_shard
from trajvlm.data.rendered.splits import joined_sha256, scene_sha256
from trajvlm.data.rendered.views import draw_views

SETTINGS = MakeSettings(number=5, views=2, seed=3, strength=(0.0, 0.6), shard=2)
SHARDS = ["shard-00000.tar", "shard-00001.tar", "shard-00002.tar"]


@pytest.fixture(autouse=True)
def no_previews(monkeypatch):
    """The larger pictures take longer than all else; one test looks at them."""
    monkeypatch.setattr(module, "preview", lambda scene: b"preview")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A data set made in one go."""
    folder = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "preview", lambda scene: b"preview")
        make(SETTINGS, folder)
    return folder


def contents(folder) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def read_shard(path) -> dict[str, dict[str, bytes]]:
    """The samples of a shard: the bytes of each of their files, by extension."""
    samples = {}
    with tarfile.open(path) as tar:
        for member in tar:
            key, extension = member.name.split(".", 1)
            samples.setdefault(key, {})[extension] = tar.extractfile(member).read()
    return samples


def sentence(call) -> str:
    with pytest.raises(UserError) as caught:
        call()
    text = str(caught.value)
    assert text and "\n" not in text and ". " not in text, text
    return text


def stopped_after_the_first_shard(folder, monkeypatch):
    def stop_at_second(path, samples):
        if path.name == SHARDS[1]:
            raise KeyboardInterrupt
        write_shard(path, samples)

    monkeypatch.setattr(module, "write_shard", stop_at_second)
    with pytest.raises(KeyboardInterrupt):
        make(SETTINGS, folder)
    assert [shard["name"] for shard in read_manifest(folder)["shards"]] == SHARDS[:1]


def stopped_by_a_full_disk_within_the_second_shard(folder, monkeypatch):
    truth = module.write_truth

    def full(scenes, rig, seed, index):
        if index == 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        return truth(scenes, rig, seed, index)

    monkeypatch.setattr(module, "write_truth", full)
    message = sentence(lambda: make(SETTINGS, folder))
    assert "No space left" in message and str(folder) in message
    assert not list(folder.glob(".part-*"))


def killed_within_the_second_shard(folder, monkeypatch):
    code = (
        "import os, sys; from pathlib import Path; from trajvlm.data.rendered import make as m\n"
        "truth = m.write_truth\n"
        "m.write_truth = lambda s, r, seed, index: os._exit(9) if index == 3 else truth(s, r, seed, index)\n"
        f"m.make(m.{SETTINGS!r}, Path(sys.argv[1]))"
    )
    assert subprocess.run([sys.executable, "-c", code, str(folder)]).returncode == 9
    assert [path.name for path in folder.glob(".part-*/*")] == [SHARDS[1]]


def killed_before_the_manifest_knew(folder, monkeypatch):
    stopped_after_the_first_shard(folder, monkeypatch)
    (folder / MANIFEST).unlink()


@pytest.mark.parametrize(
    "stop",
    [
        stopped_after_the_first_shard,
        stopped_by_a_full_disk_within_the_second_shard,
        killed_within_the_second_shard,
        killed_before_the_manifest_knew,
    ],
)
def test_a_stopped_run_leaves_whole_shards_only_and_ends_like_another(tmp_path, whole, stop):
    with pytest.MonkeyPatch.context() as patch:
        stop(tmp_path, patch)
    there = [path.name for path in sorted(tmp_path.glob("*.tar"))]
    assert there == SHARDS[:1]
    assert (tmp_path / there[0]).read_bytes() == (whole / there[0]).read_bytes()
    make(SETTINGS, tmp_path)
    assert contents(tmp_path) == contents(whole)


def test_a_complete_data_set_is_left_alone_and_a_damaged_shard_is_made_again(tmp_path, whole, monkeypatch):
    for name, content in contents(whole).items():
        (tmp_path / name).write_bytes(content)
    torn = tmp_path / SHARDS[1]
    torn.write_bytes(torn.read_bytes()[:-10] + b"0123456789")
    (tmp_path / SHARDS[2]).unlink()
    made = []
    monkeypatch.setattr(
        module, "write_shard", lambda path, samples: (made.append(path.name), write_shard(path, samples))
    )
    make(SETTINGS, tmp_path)
    assert made == SHARDS[1:]
    assert contents(tmp_path) == contents(whole)
    make(SETTINGS, tmp_path)
    assert made == SHARDS[1:]


def test_a_sample_has_the_same_bytes_whatever_it_is_made_with(tmp_path, whole):
    make(MakeSettings(number=3, views=2, seed=3, strength=(0.0, 0.6), shard=500), tmp_path)
    alone = read_shard(tmp_path / SHARDS[0])
    together = {key: files for name in SHARDS for key, files in read_shard(whole / name).items()}
    assert alone == {key: together[key] for key in alone} and len(alone) == 3 and len(together) == 5


def test_a_sample_has_the_same_bytes_in_another_process_with_other_memory():
    # An encoder that reads memory it has not written would be caught by filling it with something else.
    code = (
        "import hashlib; from trajvlm.data.rendered.export import *; from trajvlm.data.rendered.scene import *;"
        "from trajvlm.data.rendered.render import render\n"
        "clips = [encode_video(to_frames(render([draw_scene(SceneSettings(), 5, k)])[0]), 16, 12) for k in range(8)]\n"
        "print(hashlib.sha256(b''.join(clips)).hexdigest())"
    )
    runs = {
        subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, "MALLOC_PERTURB_": fill}, capture_output=True, check=True
        ).stdout
        for fill in ("0", "85", "170")
    }
    assert len(runs) == 1


def test_the_manifest_is_right(whole):
    manifest = json.loads((whole / MANIFEST).read_text())
    assert manifest["settings"] == json.loads(json.dumps(vars(SETTINGS)))
    assert set(manifest["versions"]) == {"python", "torch", "av"}
    assert [shard["name"] for shard in manifest["shards"]] == SHARDS
    assert [shard["samples"] for shard in manifest["shards"]] == [2, 2, 1]
    for shard in manifest["shards"]:
        assert shard["sha256"] == file_sha256(whole / shard["name"])
        assert shard["bytes"] == (whole / shard["name"]).stat().st_size
    scenes = [scene for k in range(5) for scene in draw_views(SETTINGS.scenes, 3, k, 2)[1]]
    assert manifest["split_sha256"] == joined_sha256(scene_sha256(scene) for scene in scenes)


@pytest.mark.parametrize(
    "other",
    [
        {"seed": 4},
        {"views": 1},
        {"number": 6},
        {"strength": (0.0, 0.5)},
        {"families": ("linear",)},
        {"shard": 3},
    ],
)
def test_other_settings_are_refused(whole, other):
    before = contents(whole)
    (name,) = other
    message = sentence(lambda: make(MakeSettings(**{**vars(SETTINGS), **other}), whole))
    assert name in message and "another folder" in message
    assert contents(whole) == before


def test_other_versions_and_another_world_are_refused(tmp_path, whole):
    for name, content in contents(whole).items():
        (tmp_path / name).write_bytes(content)
    manifest = read_manifest(tmp_path)
    manifest["versions"]["av"] = "1.0"
    (tmp_path / MANIFEST).write_text(json.dumps(manifest))
    assert make(SETTINGS, tmp_path)["versions"]["av"] == "1.0", "nothing is missing, so nothing is mixed"
    (tmp_path / SHARDS[2]).unlink()
    assert "av 1.0" in sentence(lambda: make(SETTINGS, tmp_path))
    manifest["shards"][0]["scenes_sha256"] = "0" * 64
    (tmp_path / MANIFEST).write_text(json.dumps(manifest))
    assert "another version" in sentence(lambda: make(SETTINGS, tmp_path))
    (tmp_path / MANIFEST).write_text("{")
    assert "damaged" in sentence(lambda: make(SETTINGS, tmp_path))


def test_wrong_settings_and_folders_are_refused_in_one_sentence(tmp_path):
    assert "zigzag" in sentence(lambda: MakeSettings(5, families=("zigzag",)))
    assert "views" in sentence(lambda: MakeSettings(5, views=3))
    assert "0.8 to 0.2" in sentence(lambda: MakeSettings(5, strength=(0.8, 0.2)))
    assert "at least one" in sentence(lambda: MakeSettings(0))
    (tmp_path / "file").touch()
    assert "can't be written" in sentence(lambda: make(SETTINGS, tmp_path / "file"))


def test_a_plain_reader_finds_the_clips_and_their_truth(whole):
    for number, name in enumerate(SHARDS):
        with tarfile.open(whole / name) as tar:
            members = tar.getmembers()
            files = {member.name: tar.extractfile(member).read() for member in members}
        assert {(m.mtime, m.uid, m.gid, m.uname, m.gname, m.mode) for m in members} == {(0, 0, 0, "", "", 0o644)}
        for index in SETTINGS.shards[number]:
            rig, scenes = draw_views(SETTINGS.scenes, SETTINGS.seed, index, 2)
            truth = json.loads(files[f"{index:08d}.json"])
            check_truth(truth, scenes, rig, index)
            for extension, scene in zip(("mp4", "right.mp4"), scenes):
                check_clip(files[f"{index:08d}.{extension}"], scene)


def test_each_pair_holds_the_cameras_file_that_describe_reads(whole, tmp_path):
    files = next(iter(read_shard(whole / SHARDS[0]).values()))
    (tmp_path / "rig.json").write_bytes(files["rig.json"])
    pair, truth = StereoPair.load(tmp_path / "rig.json"), json.loads(files["json"])
    rays = []
    for camera, seen in ((pair.left, truth), (pair.right, truth["right"])):
        u, v = (np.array(seen["track"][name]) for name in "uv")
        rays.append(camera.rays(np.stack([32 + 32 * u, 32 - 32 * v], -1)))
    found = pair.triangulate(*rays) + [0.0, 0.0, truth["focal"]]
    path = MOTIONS[truth["family"]].positions(np.array(truth["path"]), np.linspace(0, 1, 17))
    assert np.allclose(found, path, atol=1e-3)


def check_truth(truth, scenes, rig, index):
    left, right = scenes
    family, times = FAMILIES[left.family], np.linspace(0, 1, 17)
    assert (truth["seed"], truth["index"], truth["family"]) == (3, index, left.family)
    assert truth["nuisances"] == vars(left.nuisances)
    assert (truth["focal"], truth["radius"]) == (left.focal, left.radius)
    assert Rig.from_dict(truth["rig"]).to_dict() == rig.to_dict()
    for seen, scene in ((truth, left), (truth["right"], right)):
        assert tuple(seen["constant_names"]) == family.constant_names
        assert np.array_equal(seen["constants"], scene.constants)
        written = Equation.from_text(seen["equation"]).positions(times)
        assert np.allclose(written, family.positions(scene.constants, times), atol=1e-4)
        ball = track([scene])
        assert np.allclose(np.stack([seen["track"]["u"], seen["track"]["v"]], -1), ball.centre[0], atol=1e-6)
        assert np.allclose(seen["track"]["radius"], ball.radius[0], atol=1e-6)


def check_clip(content, scene):
    with av.open(io.BytesIO(content)) as container:
        frames = [(frame.time, frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0)]
    assert [time for time, _ in frames] == pytest.approx(np.linspace(0, 1, 17))
    shown = np.stack([frame for _, frame in frames]).astype(int)
    drawn = to_frames(render([scene])[0])
    assert shown.shape == drawn.shape == (17, 64, 64, 3)
    # Colour is kept at half the resolution, so brightness is what has to agree.
    assert np.abs(shown.mean(axis=-1) - drawn.mean(axis=-1)).mean() < 3


def test_one_view_has_no_second_camera(tmp_path):
    make(MakeSettings(number=1, seed=3), tmp_path)
    ((key, files),) = read_shard(tmp_path / SHARDS[0]).items()
    assert key == "00000000" and set(files) == {"mp4", "json"}
    assert not {"right", "rig"} & set(json.loads(files["json"]))


def test_every_family_is_written_with_the_same_types(tmp_path):
    make(MakeSettings(number=8, seed=3, strength=(0.0, 0.0)), tmp_path)
    truths = [json.loads(files["json"]) for files in read_shard(tmp_path / SHARDS[0]).values()]
    assert len({truth["family"] for truth in truths}) > 2
    assert len({schema(truth) for truth in truths}) == 1


def schema(value) -> str:
    if isinstance(value, dict):
        return str({key: schema(item) for key, item in value.items()})
    return f"list of {sorted({schema(item) for item in value})}" if isinstance(value, list) else type(value).__name__


def test_hugging_face_datasets_reads_it(whole, tmp_path):
    datasets = pytest.importorskip("datasets")
    files = [str(whole / name) for name in SHARDS]
    rows = datasets.load_dataset("webdataset", data_files=files, split="train", cache_dir=str(tmp_path))
    rows = rows.cast_column("mp4", datasets.Video(decode=False)).cast_column("right.mp4", datasets.Video(decode=False))
    assert len(rows) == 5 and rows["__key__"] == [f"{k:08d}" for k in range(5)]
    together = {key: files for name in SHARDS for key, files in read_shard(whole / name).items()}
    for row in rows:
        expected = together[row["__key__"]]
        assert row["mp4"]["bytes"] == expected["mp4"] and row["right.mp4"]["bytes"] == expected["right.mp4"]
        assert row["json"] == json.loads(expected["json"])


def test_the_sheet_and_the_preview_are_pictures():
    scene = draw_scene(SceneSettings(families=("linear",)), 3, 0)
    with av.open(io.BytesIO(preview(scene))) as container:
        sizes = {(frame.width, frame.height) for frame in container.decode(video=0)}
    assert sizes == {(256, 256)}
    sheet = contact_sheet([(0, [scene]), (1, [scene, scene])])
    with av.open(io.BytesIO(sheet)) as container:
        (picture,) = container.decode(video=0)
    assert picture.width == 8 * 130 and picture.height == 2 * 20 + 3 * 130


def test_videos_are_shown_among_rendered_clips_and_which_are_which_is_said(tmp_path, capsys):
    write_sample(tmp_path / "throw.mp4", "parabolic", 1)
    main([tmp_path / "throw.mp4"], tmp_path / "sheet.png", count=3, seed=0)
    said = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in said] == ["1", "2", "3", "4"]
    assert sum("throw.mp4" in line for line in said) == 1 and sum("rendered" in line for line in said) == 3
    with av.open(str(tmp_path / "sheet.png")) as container:
        (picture,) = container.decode(video=0)
    assert picture.width == 8 * 130 and picture.height == 4 * 130


def test_frames_are_the_same_on_every_encoding():
    frames = np.random.default_rng(0).integers(0, 255, (5, 64, 64, 3), dtype=np.uint8)
    assert len({encode_video(frames, 16, 12) for _ in range(5)}) == 1
