"""Launching a script of the tests in two processes that train one model (gloo, on the processor)."""

import os
import socket
import subprocess
import sys
from pathlib import Path


def in_two_processes(script: Path, *arguments: object) -> subprocess.CompletedProcess:
    """What became of it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    # On processors alone `accelerate launch` starts one process; PyTorch's own launcher starts several.
    launch = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port", str(port)]
    root = Path(__file__).parents[1]
    environment = {
        "PYTHONPATH": f"{root / 'src'}{os.pathsep}{root}",
        "ACCELERATE_USE_CPU": "true",
        "OMP_NUM_THREADS": "1",
    }
    return subprocess.run(
        [*launch, str(script), *map(str, arguments)],
        cwd=root,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=600,
    )
