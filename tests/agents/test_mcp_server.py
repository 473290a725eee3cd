"""What the MCP server promises, asked by a client in the same process; once over standard input and output."""

import asyncio
import json
import subprocess
import sys

import pytest
from fastmcp import Client

from tests.ui import fake
from trajvlm.agents.mcp_server import build
from trajvlm.agents.session import Session
from trajvlm.agents.tools import TOOLS


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("videos")
    fake.write_video(folder / "throw.mp4")
    (folder / "bad.mp4").write_text("no video")
    return folder


@pytest.fixture()
def ask(videos, tmp_path):
    """Calls of tools, one after the other, by one client of one server."""

    def run(*calls):
        async def conversation():
            session = Session(fake.FakeDescriber(family="parabolic"), tmp_path / "out")
            async with Client(build(session, videos)) as client:
                return [await client.call_tool(name, arguments, raise_on_error=False) for name, arguments in calls]

        return asyncio.run(conversation())

    return run


def test_every_tool_is_offered_with_its_words_and_its_arguments(videos, tmp_path):
    async def listed():
        async with Client(build(Session(fake.FakeDescriber(), tmp_path), videos)) as client:
            return {tool.name: tool for tool in await client.list_tools()}

    tools = asyncio.run(listed())
    assert set(tools) == {function.__name__ for function in TOOLS} | {"open_video"}
    assert all(tool.description for tool in tools.values())
    assert "enum" in json.dumps(tools["quantity"].input_schema) and "session" not in json.dumps(
        tools["quantity"].input_schema
    )


def test_a_video_is_opened_described_and_measured(ask):
    opened, family, scale, g = ask(
        ("open_video", {"path": "throw.mp4"}),
        ("describe_video", {}),
        ("set_scale", {"object_diameter_m": 0.24}),
        ("quantity", {"name": "g"}),
    )
    assert "480 x 270 pixels" in opened.content[0].text and not opened.is_error
    assert family.structured_content["family"] == "parabolic"
    assert scale.structured_content["metres_per_unit"] == pytest.approx(1.0, rel=0.05)
    assert g.structured_content["g [m/s²]"] == pytest.approx(3.0, rel=0.05) and "m/s²" in g.content[0].text


def test_what_refinement_changed_is_told_to_programs_too(ask):
    _, change = ask(("open_video", {"path": "throw.mp4"}), ("refine", {}))
    assert not change.is_error and change.structured_content["mean_distance_u"] == pytest.approx(0, abs=1e-9)


def test_pictures_come_as_pictures_and_files_by_name(ask, tmp_path):
    _, plot, table = ask(("open_video", {"path": "throw.mp4"}), ("plot", {"what": "velocity"}), ("save_table", {}))
    assert [part.type for part in plot.content] == ["text", "image"] and plot.content[1].mime_type == "image/png"
    written = table.content[0].text.splitlines()[-1].removeprefix("Written: ")
    assert written == str(tmp_path / "out" / "motion-1.csv")


def test_errors_are_sentences_that_a_model_can_act_on(ask):
    nothing, bad, missing, _, unscaled, misfit = ask(
        ("describe_video", {}),
        ("open_video", {"path": "bad.mp4"}),
        ("open_video", {"path": "no\0where.mp4"}),
        ("open_video", {"path": "throw.mp4"}),
        ("quantity", {"name": "g"}),
        ("quantity", {"name": "charm"}),
    )
    assert all(answer.is_error for answer in (nothing, bad, missing, unscaled, misfit))
    assert "is not a video" in bad.content[0].text
    assert "needs a scale" in unscaled.content[0].text and "do not fit" in misfit.content[0].text


def test_before_a_video_is_open_every_tool_names_the_one_that_opens_it(ask):
    arguments = {
        "position_at": {"t_s": 0.5},
        "forecast": {"seconds_after_end": 0.5},
        "quantity": {"name": "speed"},
        "set_scale": {"object_diameter_m": 0.067},
        "explain": {"topic": "family"},
        "point_at": {"x_px": 320, "y_px": 180},
        "measure_length": {"x1_px": 10, "y1_px": 20, "x2_px": 210, "y2_px": 20},
    }
    names = [function.__name__ for function in TOOLS if function.__name__ != "evaluate"]
    answers = ask(*((name, arguments.get(name, {})) for name in names), ("describe_video", {"video": "throw.mp4"}))
    for name, answer in zip([*names, "describe_video"], answers):
        text = answer.content[0].text
        assert answer.is_error and "call open_video" in text and "chat" not in text, name


@pytest.mark.parametrize("path", ["../secret.mp4", "/etc/passwd", "link.mp4"])
def test_only_videos_below_the_folder_are_read(ask, videos, tmp_path, path):
    outside = fake.write_video(tmp_path / "secret.mp4")
    (videos / "link.mp4").unlink(missing_ok=True)
    (videos / "link.mp4").symlink_to(outside)
    (answer,) = ask(("open_video", {"path": path}))
    assert answer.is_error and "are read from" in answer.content[0].text


@pytest.mark.slow
def test_standard_output_carries_the_protocol_and_nothing_else(videos, tmp_path):
    program = (
        "import sys; from tests.ui import fake; sys.modules['trajvlm.vlm.describe'] = fake.module();"
        "from trajvlm.ui.cli import app;"
        f"app(['mcp', '--videos', {str(videos)!r}, '--out', {str(tmp_path)!r}])"
    )
    hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "0"}}
    messages = [
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {
            "jsonrpc": "2.0",
            "id": 2,
            "method": "tools/call",
            "params": {"name": "open_video", "arguments": {"path": "throw.mp4"}},
        },
        {"jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": {"name": "describe_video", "arguments": {}}},
    ]
    server = subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    answers = []
    for message in messages:
        server.stdin.write(json.dumps(message) + "\n")
        server.stdin.flush()
        if "id" in message:
            answers.append(json.loads(server.stdout.readline()))
    rest, _ = server.communicate(timeout=120)
    assert [answer["id"] for answer in answers] == [1, 2, 3] and rest == "" and server.returncode == 0
    assert answers[2]["result"]["structuredContent"]["family"] == "helical"
