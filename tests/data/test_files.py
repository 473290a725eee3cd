"""Files are written completely or not at all, and last through a power cut."""

import os

import pytest

from trajvlm.data.files import atomic_write, remove_drafts


def test_a_block_that_fails_leaves_the_old_file_and_no_draft(tmp_path):
    (tmp_path / "kept.txt").write_bytes(b"old")
    with pytest.raises(RuntimeError), atomic_write(tmp_path / "kept.txt") as draft:
        draft.write_bytes(b"half of the n")
        raise RuntimeError
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"kept.txt": b"old"}


def test_a_file_gets_its_name_after_it_is_on_the_disk_and_the_folder_after_that(tmp_path, monkeypatch):
    done = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda handle: (done.append(os.fstat(handle).st_ino), fsync(handle)))
    monkeypatch.setattr(os, "replace", lambda old, new: (done.append("replace"), replace(old, new)))
    with atomic_write(str(tmp_path / "new.json")) as draft:
        assert draft.name == "new.json" and draft not in tmp_path.iterdir()
        draft.write_bytes(b"new")
    assert done == [(tmp_path / "new.json").stat().st_ino, "replace", tmp_path.stat().st_ino]
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"new.json": b"new"}


def test_a_flush_that_fails_leaves_the_old_file_and_no_draft(tmp_path, monkeypatch):
    (tmp_path / "kept.txt").write_bytes(b"old")

    def full(handle):
        raise OSError("No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError), atomic_write(tmp_path / "kept.txt") as draft:
        draft.write_bytes(b"new")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"kept.txt": b"old"}


def test_two_files_can_be_written_at_once(tmp_path):
    with atomic_write(tmp_path / "a.txt") as first, atomic_write(tmp_path / "b.txt") as second:
        first.write_bytes(b"a")
        second.write_bytes(b"b")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a.txt": b"a", "b.txt": b"b"}


def test_only_drafts_are_removed(tmp_path):
    with atomic_write(tmp_path / "shard.tar") as draft:
        draft.write_bytes(b"whole")
    draft.parent.mkdir()
    draft.write_bytes(b"left by a killed process")
    (tmp_path / "my.part").write_bytes(b"of somebody else")
    remove_drafts(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["my.part", "shard.tar"]
