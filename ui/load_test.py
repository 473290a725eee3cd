"""A load test of the page: whether a chat is lost or gets another's answer, how long answers take, and the memory used.

    python -m trajvlm.ui.load_test --chats 20

It starts `trajvlm ui` in another process and talks to it through `/chat`. Every chat has a video with its own name and
a ball with its own size, so an answer that belongs to another chat is noticed.
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Annotated

import psutil
import typer
from gradio_client import Client, handle_file

from trajvlm.data.motions.families import FAMILIES
from trajvlm.data.rendered.export import write_sample

_UP_WITHIN_S = 300.0


@dataclass
class Chat:
    """One person: a video, a ball's width in millimetres, and what came of each message."""

    number: int
    video: Path
    seconds: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    """What was lost or belonged to another chat; empty if all is well."""

    @property
    def millimetres(self) -> int:
        return 20 + self.number

    def talk(self, url: str, turns: int) -> "Chat":
        """Describe the video, set the scale, then ask for the speed `turns` times."""
        try:
            client = Client(url, verbose=False)
            self._check(self._say(client, "what motion is it?", self.video), "The motion is")
            self._check(self._say(client, f"the ball is {self.millimetres} mm wide"), "Scale set")
            for turn in range(turns):
                answer = self._say(client, f"how fast is it at 0.{turn + 1} s?")
                self._check(answer, f"the object is {self.millimetres / 1000:g} m wide")
        except Exception as error:  # a chat that fails is a finding; the others go on
            self.wrong.append(f"{type(error).__name__}: {error}")
        return self

    def _say(self, client: Client, text: str, *videos: Path) -> dict:
        began = time.perf_counter()
        message = {"text": text, "files": [handle_file(str(video)) for video in videos]}
        answer = client.predict(message=message, api_name="/chat")
        self.seconds.append(time.perf_counter() - began)
        return answer

    def _check(self, answer: dict, words: str) -> None:
        if answer["video"] != self.video.name or words not in answer["text"]:
            self.wrong.append(f"{self.video.name} was answered about {answer['video']}: {answer['text']}")


@dataclass(frozen=True)
class Figures:
    """What a run measured; memory in bytes, of the server's process."""

    chats: list[Chat]
    seconds: float
    before: int
    after: int
    most: int

    def __str__(self) -> str:
        waits = sorted(second for chat in self.chats for second in chat.seconds)
        bad = [chat for chat in self.chats if chat.wrong]
        mb = 2**20
        return (
            f"{len(self.chats)} chats at once, {len(waits)} answers in {self.seconds:.1f} s, {len(bad)} chats wrong\n"
            f"an answer takes {median(waits):.1f} s at the median and {waits[-1]:.1f} s at most\n"
            f"memory of the server: {self.before / mb:.0f} MB before, {self.after / mb:.0f} MB after, "
            f"{self.most / mb:.0f} MB at most"
        )


def load(url: str, process: psutil.Process, videos: list[Path], turns: int = 3) -> Figures:
    """Run one chat for each video at the same time, after a first one alone that makes the server load everything."""
    Chat(0, videos[0]).talk(url, turns)
    before, most, done = process.memory_info().rss, 0, threading.Event()

    def watch():
        nonlocal most
        while not done.wait(0.1):
            most = max(most, process.memory_info().rss)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    began = time.perf_counter()
    with ThreadPoolExecutor(len(videos)) as people:
        chats = list(people.map(lambda chat: chat.talk(url, turns), map(Chat, range(1, len(videos) + 1), videos)))
    seconds = time.perf_counter() - began
    done.set()
    watcher.join()
    after = process.memory_info().rss
    return Figures(chats, seconds, before, after, max(most, after))


def write_videos(folder: Path, count: int) -> list[Path]:
    """Rendered clips, one of each family, copied to one name for each chat."""
    kinds = [folder / f"{family}.mp4" for family in FAMILIES]
    for family, path in zip(FAMILIES, kinds):
        write_sample(path, family, seed=1)
    return [Path(shutil.copy(kinds[k % len(kinds)], folder / f"chat-{k + 1}.mp4")) for k in range(count)]


def put_up(command: list[str]) -> tuple[subprocess.Popen, str]:
    """Start a program that serves the page on GRADIO_SERVER_PORT; returns it and the address, when it answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        command, env=os.environ | {"GRADIO_SERVER_PORT": str(port)}, stdout=subprocess.DEVNULL, stderr=sys.stderr
    )
    until = time.monotonic() + _UP_WITHIN_S
    while time.monotonic() < until and server.poll() is None:
        with socket.socket() as door:
            if door.connect_ex(("127.0.0.1", port)) == 0:
                return server, f"http://127.0.0.1:{port}/"
        time.sleep(0.2)
    server.kill()
    raise RuntimeError(f"{' '.join(command)} did not put the page up")


def main(
    chats: Annotated[int, typer.Option(min=1, help="People at once.")] = 20,
    turns: Annotated[int, typer.Option(min=1, max=9, help="Questions of each after the video and the scale.")] = 3,
) -> None:
    """Measure a page of one's own under many chats; exit status 1 where a chat was lost or crossed."""
    with tempfile.TemporaryDirectory() as folder:
        videos = write_videos(Path(folder), chats)
        server, url = put_up([sys.executable, "-m", "trajvlm.ui.cli", "ui"])
        try:
            figures = load(url, psutil.Process(server.pid), videos, turns)
        finally:
            server.terminate()
            server.wait()
    typer.echo(str(figures))
    wrong = [line for chat in figures.chats for line in chat.wrong]
    for line in wrong:
        typer.echo(line, err=True)
    raise typer.Exit(1 if wrong else 0)


if __name__ == "__main__":
    typer.run(main)
