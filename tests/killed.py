"""For scripts of the tests: a training that is killed once, while it writes its second checkpoint."""

import os
import signal
from pathlib import Path

from accelerate import Accelerator


def kill_once_at(step: int, folder: Path) -> None:
    """Let the main process be killed where the checkpoint of that step is all but whole, unless it was before."""
    save_state, before = Accelerator.save_state, folder / "killed"

    def dying(self: Accelerator, draft: str, **options) -> None:
        save_state(self, draft, **options)
        if self.is_main_process and Path(draft).name == f"{step}.part" and not before.exists():
            before.touch()
            os.kill(os.getpid(), signal.SIGKILL)

    Accelerator.save_state = dying
