"""The rows of a table are kept when its processes are stopped, even in the middle of a row."""

import json

import pytest

from trajvlm.ui.resumable_table import Journal

SETTINGS = {"start": None}
VIDEOS = ["a", "b", "c", "d"]


@pytest.fixture()
def table(tmp_path):
    """The table that two processes were making, each stopped in the middle of a row."""
    table = tmp_path / "results.csv"
    for process, video in enumerate("ab"):
        Journal(table, SETTINGS, VIDEOS, process).keep({"video": video, "error": None})
        with part(table, process).open("a") as file:
            file.write('{"video": "c", "err')
    return table


def part(table, process):
    return table.with_name(f"{table.name}.{process}.part")


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize("process", [0, 1])
def test_each_process_goes_on_behind_its_own_whole_rows(table, process):
    journal = Journal(table, SETTINGS, VIDEOS, process)
    assert journal.row("a") and journal.row("b") and journal.row("c") is None
    journal.keep({"video": "d", "error": None})
    assert [line.get("video") for line in lines(part(table, process))] == [None, "ab"[process], "d"]
    assert Journal(table, SETTINGS, VIDEOS, process).row("d")


def test_fewer_processes_find_what_more_have_kept_and_leave_no_part(table):
    journal = Journal(table, SETTINGS, VIDEOS, 0)
    table.write_text("whole")
    journal.remove()
    assert list(table.parent.iterdir()) == [table]


def test_a_process_that_is_new_begins_with_the_settings(table):
    journal = Journal(table, SETTINGS, VIDEOS, 2)
    assert journal.row("a") and journal.row("b") and not part(table, 2).exists()
    journal.keep({"video": "c", "error": None})
    assert lines(part(table, 2)) == [SETTINGS, {"video": "c", "error": None}]
