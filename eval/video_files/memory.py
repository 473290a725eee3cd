"""How much memory one description takes: each in a process of its own, which has no other peak behind it."""

import multiprocessing
import resource
import sys
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

from trajvlm.data.errors import UserError

Describe = Callable[[Path], dict]
_processes = multiprocessing.get_context("spawn")


def peak(video: Path, load: Callable[..., Describe], *arguments: object) -> dict:
    """Memory in MB when the networks are loaded and at most while a file is described, and seconds for the latter.

    Args:
        load: a function of a module, which a new process can be told; called with `arguments`, it returns what
            describes a file.

    Raises:
        UserError: the process ended without an answer.
    """
    here, there = _processes.Pipe()
    process = _processes.Process(target=_serve, args=(there, video, load, arguments), daemon=True)
    process.start()
    there.close()
    try:
        return here.recv()
    except EOFError as error:
        process.join()
        raise UserError(f"describing {video} ended without an answer (status {process.exitcode})") from error
    finally:
        process.join()


def _serve(parent: Connection, video: Path, load: Callable[..., Describe], arguments: tuple) -> None:
    describe = load(*arguments)
    loaded, began = peak_mb(), time.perf_counter()
    try:
        describe(video)
    except UserError:
        # A refusal takes memory as well.
        pass
    parent.send({"loaded_mb": loaded, "peak_mb": peak_mb(), "seconds": time.perf_counter() - began})


def peak_mb() -> float:
    """The most memory that this process has had so far, in MB (10**6 bytes)."""
    status = Path("/proc/self/status")
    if status.exists():
        # Not `getrusage`: on Linux that begins with the peak of the process that started this one.
        [line] = [line for line in status.read_text().splitlines() if line.startswith("VmHWM:")]
        return int(line.split()[1]) * 1024 / 1e6
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / 1e6 if sys.platform == "darwin" else most * 1024 / 1e6
