"""The benchmark beside busy programs: settings have turns, and the programs that keep the machine busy end with it."""

import os
from multiprocessing import active_children

import psutil

from trajvlm.eval import thread_contention as module
from trajvlm.eval.thread_contention import SETTINGS, busy, seconds_in_turns


class Worker:
    """Says that a description took as many seconds as it was asked for before, ten the first time."""

    def __init__(self, turns, name):
        self.turns, self.name, self.asked = turns, name, 0

    def send(self, message):
        self.turns.append(self.name)

    def recv(self):
        self.asked += 1
        return 10 if self.asked == 1 else self.asked


def test_settings_have_turns_and_the_first_round_does_not_count():
    turns = []
    workers = {name: Worker(turns, name) for name in SETTINGS}
    assert seconds_in_turns(workers, 3, "") == dict.fromkeys(SETTINGS, 3)
    assert turns == list(SETTINGS) * 4


def test_busy_programs_end_with_the_measurement():
    before = set(active_children())
    with busy(1):
        (one,) = set(active_children()) - before
        assert psutil.pid_exists(one.pid)
    assert not one.is_alive()


def test_a_setting_is_all_that_a_worker_finds_of_openmp(monkeypatch):
    monkeypatch.setenv("OMP_WAIT_POLICY", "active")
    with module._environment({"OMP_NUM_THREADS": "1"}):
        assert "OMP_WAIT_POLICY" not in os.environ and os.environ["OMP_NUM_THREADS"] == "1"
    assert os.environ["OMP_WAIT_POLICY"] == "active" and "OMP_NUM_THREADS" not in os.environ
