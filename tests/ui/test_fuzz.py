"""What an upload may be: anything. Every file ends in a description or in one sentence, soon, and leaves nothing.

The files go the way that an upload goes, through a conversation with the router, and are decoded for real; only the
networks' answer is a stand-in. It happens in a process of its own, so that a crash or a hang is a failure with a name.
"""

import multiprocessing
import re
import resource
import tempfile
import time
import traceback

import pytest

from tests.ui.hostile import write_all

LONGEST_CPU_S = 8.0
LONGEST_WALL_S = 240.0
"""Of one file; the tests may have to share the processor."""
MOST_MEMORY_KB = 1_500_000
"""More than this above what the process needs anyway, a file has no right to."""


class Decoder:
    """A describer that finds and crops the motion as the real one does, and then says that it is helical."""

    def describe(self, video, start=None, end=None, fps=None, refine=True, field_of_view=60.0):
        from tests.ui.fake import FakeDescription
        from trajvlm.data.filmed.canonical import canonical_clip

        return FakeDescription(canonical_clip(video, start, end, fps))


def upload_each(files, folder, results) -> None:
    """Send, for each file, what became of it: (answer, described, seconds of processor, kilobytes at most)."""
    tempfile.tempdir = str(folder)
    # What is loaded at the first use is no file's fault.
    upload(files[0], draw=True)
    for number, file in enumerate(files):
        began = time.process_time()
        answer, described = upload(file, draw=number % 5 == 0)
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        results.send((answer, described, time.process_time() - began, memory))


def upload(file, draw: bool) -> tuple[str, bool]:
    """What is answered to a file and whether it was described; with `draw` such a file is read again to be drawn on."""
    from trajvlm.ui.conversation import Conversation

    try:
        conversation = Conversation(Decoder())
        for _ in conversation.ask("", [file], whole=False):
            pass
        answer, described = conversation.answer, conversation.session.described
        if described and draw:
            for _ in conversation.ask("draw the curve over the video", whole=False):
                pass
            answer += conversation.answer
        conversation.close()
    except BaseException:
        return traceback.format_exc(), False
    return answer, described


@pytest.fixture(scope="module")
def uploads(tmp_path_factory):
    """For each file what became of it; stops with the file's name where the process dies or does not answer."""
    folder, left = tmp_path_factory.mktemp("hostile") / "files", tmp_path_factory.mktemp("left")
    files = write_all(folder)
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=upload_each, args=(files, left, there), daemon=True)
    process.start()
    there.close()
    became = {}
    try:
        for file in files:
            if not here.poll(LONGEST_WALL_S):
                pytest.fail(f"{file.name!r} takes longer than {LONGEST_WALL_S:g} s")
            try:
                became[file.name] = here.recv()
            except EOFError:
                process.join(10)
                pytest.fail(f"{file.name!r} ended the process with status {process.exitcode}")
    finally:
        process.kill()
    return became, left


def test_there_are_many_and_whole_ones_are_described(uploads):
    became, _ = uploads
    assert len(became) >= 300
    for name in ("whole-plain.mp4", "whole-old.avi", "whole-exact.mkv", "link.mp4", "-rf.mp4", "\udcff\udcfe.mp4"):
        assert became[name][1], became[name][0]
    assert 0.1 < sum(described for _, described, _, _ in became.values()) / len(became) < 0.9


def test_every_file_ends_in_a_description_or_a_sentence(uploads):
    became, _ = uploads
    wrong = {
        name: answer
        for name, (answer, described, _, _) in became.items()
        if "Traceback" in answer or "broke inside" in answer or not (described or _is_sentence(answer))
    }
    assert not wrong


def _is_sentence(answer: str) -> bool:
    """One paragraph that ends as a sentence does and does not say where the file lies."""
    return bool(answer.strip()) and answer.endswith(".") and not re.search(r"/(?:tmp|hostile|pytest)", answer)


def test_no_file_takes_long_or_much(uploads):
    became, _ = uploads
    first = min(memory for *_, memory in became.values())
    assert not {name: cpu for name, (_, _, cpu, _) in became.items() if cpu > LONGEST_CPU_S}
    assert max(memory for *_, memory in became.values()) - first < MOST_MEMORY_KB


def test_nothing_is_left_behind(uploads):
    _, left = uploads
    assert list(left.iterdir()) == []
