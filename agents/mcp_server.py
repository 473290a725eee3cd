"""The tools as an MCP server (Model Context Protocol), so that any program with an MCP client can use them.

    server = build(Session(Describer(), "out/mcp"), videos="clips")
    server.run(transport="stdio")

A server has one session. An MCP client can't upload files, so there is one more tool, `open_video`, which reads from
one folder and nowhere else.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated
from uuid import uuid4

from anyio import to_thread
from fastmcp import FastMCP
from fastmcp.tools import Tool, ToolResult
from fastmcp.utilities.types import Image
from langchain_core.tools import BaseTool
from pydantic import Field, PrivateAttr

from trajvlm.agents.langchain_tools import bound_tools
from trajvlm.agents.session import Result, Session
from trajvlm.agents.tools import TOOLS
from trajvlm.data.errors import UserError
from trajvlm.data.filmed.decode import open_video as check_video

_INSTRUCTIONS = """Measures the motion of one object in a video. Call open_video first, then describe_video.
Lengths are in u, half the width of the crop, unless set_scale was called: then in metres. One camera that nobody
calibrated can't tell size, distance or depth."""


def build(session: Session, videos: str | Path = ".") -> FastMCP:
    """A server over one session, which reads videos below the folder `videos` only.

    Changes the session's sentence about a missing video to one that names `open_video`.
    """
    session.without_video = "no video is open; call open_video with the path of a video file first"
    server = FastMCP("trajvlm", instructions=_INSTRUCTIONS)
    for tool in bound_tools(session, (_opener(Path(videos)), *TOOLS)):
        server.add_tool(_Offered.of(tool))
    return server


def _opener(folder: Path) -> Callable[..., Result]:
    def open_video(
        session: Session, path: Annotated[str, Field(description="a video file, absolute or below the server's folder")]
    ) -> Result:
        """Take a video file as the one that the other tools talk about."""
        root = folder.resolve()
        try:
            file = (root / path).resolve()
        except (OSError, ValueError, RuntimeError) as error:  # a name too long, with a zero byte, links in a circle
            raise UserError(f"{path!r} is no name of a file; give another one") from error
        if not file.is_relative_to(root):
            raise UserError(
                f"videos are read from {root} only; move the file there, or start the server with another --videos"
            )
        info = check_video(file)
        session.add_video(file)
        lasts = f", {info.duration_s:.2f} s" if info.duration_s else ""
        text = f"{file.name} is now the video that is talked about: {info.width} x {info.height} pixels{lasts}."
        return Result(text, {"video": file.name, "duration_s": info.duration_s})

    return open_video


class _Offered(Tool):
    """A bound tool as a FastMCP tool, with the same arguments, answers and errors."""

    _tool: BaseTool = PrivateAttr()

    @classmethod
    def of(cls, tool: BaseTool) -> "_Offered":
        offered = cls(name=tool.name, description=tool.description, parameters=tool.args_schema.model_json_schema())
        offered._tool = tool
        return offered

    async def run(self, arguments: dict) -> ToolResult:
        call = {"type": "tool_call", "id": uuid4().hex, "name": self.name, "args": arguments}
        message = await to_thread.run_sync(self._tool.invoke, call)
        if message.status == "error":
            return ToolResult(message.content.removeprefix("Error: "), is_error=True)
        result: Result = message.artifact
        text = "\n".join([result.whole, *(f"Written: {path.resolve()}" for path in result.files)])
        pictures = [Image(path=path) for path in result.files if path.suffix == ".png"]
        # FastMCP would turn a list of text alone into JSON.
        return ToolResult([text, *pictures] if pictures else text, result.values)
