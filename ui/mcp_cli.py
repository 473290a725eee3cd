"""The command `trajvlm mcp`: the tools for other programs, by the Model Context Protocol on standard input and output.

trajvlm mcp --videos ~/Videos
"""

from pathlib import Path
from typing import Annotated

import typer

from trajvlm.data.errors import exit_with_a_sentence
from trajvlm.ui.network_loading import LazyDescriber, check_device, load_describer
from trajvlm.ui.options import Adapter, BaseModel, Device, Tokenizer

app = typer.Typer()


@app.command(epilog="Example: trajvlm mcp --videos ~/Videos --out results")
def mcp(
    videos: Annotated[
        Path, typer.Option(metavar="DIR", exists=True, file_okay=False, help="Videos are read from this folder only.")
    ] = Path("."),
    out: Annotated[
        Path, typer.Option(metavar="DIR", file_okay=False, help="Folder for plots, videos and tables.")
    ] = Path("out/mcp"),
    base_model: BaseModel = None,
    adapter: Adapter = None,
    tokenizer: Tokenizer = None,
    device: Device = "cpu",
) -> None:
    """Serve the tools to an MCP client, which starts this command by itself.

    It speaks the protocol on standard input and output until the input ends; the networks load when they are first
    needed.
    """
    from trajvlm.agents.mcp_server import build
    from trajvlm.agents.session import Session

    with exit_with_a_sentence():
        check_device(device)
    session = Session(LazyDescriber(lambda: load_describer(base_model, device, adapter, tokenizer)), out)
    build(session, videos).run(transport="stdio", show_banner=False, log_level="WARNING")
