"""The commands of the chat: `trajvlm ui` serves the page, `trajvlm ask` answers one question, `trajvlm chat` many, and
`trajvlm password` makes a line of the page's login file.

trajvlm ask throw.mp4 "the ball is 6.7 cm wide, what was g?"
"""

import json
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.text import Text

from trajvlm.data.errors import UserError
from trajvlm.data.motions.readable import lines
from trajvlm.ui.console import complain
from trajvlm.ui.network_loading import BackgroundDescriber, check_device, load_describer
from trajvlm.ui.options import Adapter, BaseModel, Device, End, Fps, KnownLength, Start, Tokenizer, check_times

if TYPE_CHECKING:
    from trajvlm.agents.agent import Agent
    from trajvlm.vlm.describe import Describer

app = typer.Typer()

Video = Annotated[Path, typer.Argument(metavar="VIDEO", help="A video file of one moving object.")]
Model = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="A chat model by LangChain's name, such as openai:gpt-5-mini; left out, an intent router without any.",
    ),
]
Out = Annotated[Path, typer.Option(metavar="DIR", file_okay=False, help="Folder for plots, videos and tables.")]


@app.command(epilog="Example: trajvlm ui --port 7860")
def ui(
    model: Model = None,
    base_model: BaseModel = None,
    adapter: Adapter = None,
    tokenizer: Tokenizer = None,
    host: Annotated[
        str | None, typer.Option(help="Address to listen on; left out, this machine alone (127.0.0.1).")
    ] = None,
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Left out, GRADIO_SERVER_PORT or the first free from 7860.")
    ] = None,
    open_browser: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
    device: Device = "cpu",
    login: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Let in only who is named in FILE; `trajvlm password` makes its lines."),
    ] = None,
) -> None:
    """Serve a page on which to chat about videos."""
    try:
        from trajvlm.ui.chat import serve

        check_device(device)
        own = None
        if adapter or tokenizer:
            own = BackgroundDescriber(lambda: load_describer(base_model, device, adapter, tokenizer))
        serve(model, base_model, host, port, own, open_browser=open_browser, device=device, login=login)
    except UserError as error:
        raise _failed(error) from error


@app.command(epilog="Example: trajvlm password ada >> people.txt")
def password(name: Annotated[str, typer.Argument(help="Who is to be let in.")]) -> None:
    """Ask for a password and print the line for the file of `trajvlm ui --login`."""
    from trajvlm.ui.login import line_of

    try:
        # The questions go to standard error, so that standard output is the line alone.
        typer.echo(line_of(name, typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)))
    except UserError as error:
        raise _failed(error) from error


@app.command(epilog='Example: trajvlm ask throw.mp4 "where will it be half a second after the end?"')
def ask(
    video: Video,
    question: Annotated[str, typer.Argument(help="A question in your own words.")],
    start: Start = None,
    end: End = None,
    scale: KnownLength = None,
    fps: Fps = None,
    model: Model = None,
    base_model: BaseModel = None,
    adapter: Adapter = None,
    tokenizer: Tokenizer = None,
    out: Out = Path("out/chat"),
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    device: Device = "cpu",
) -> None:
    """Answer one QUESTION about a VIDEO.

    Exit status: 0 if it was answered, 1 if the video or the model can't be used, 2 for wrong usage.
    """
    check_times(start, end, fps)
    try:
        agent = _agent(
            video,
            model,
            lambda: load_describer(base_model, device, adapter, tokenizer),
            out,
            scale,
            start=start,
            end=end,
            fps=fps,
        )
        if not as_json:
            _turn(agent, question, Console(highlight=False))
            return
        with redirect_stdout(sys.stderr):
            answer = agent.ask(question)
    except UserError as error:
        raise _failed(error) from error
    calls = [
        {"tool": call.name, "failed": call.failed, "values": call.result.values if call.result else {}}
        for call in answer.calls
    ]
    print(json.dumps({"video": str(video), "text": answer.text, "model": answer.model, "calls": calls}))


@app.command(epilog="Example: trajvlm chat throw.mp4")
def chat(
    video: Video,
    start: Start = None,
    end: End = None,
    scale: KnownLength = None,
    fps: Fps = None,
    model: Model = None,
    base_model: BaseModel = None,
    adapter: Adapter = None,
    tokenizer: Tokenizer = None,
    out: Out = Path("out/chat"),
    device: Device = "cpu",
) -> None:
    """Ask one question after the other about a VIDEO; an empty line ends it."""
    check_times(start, end, fps)
    answers = Console(highlight=False)
    try:
        agent = _agent(
            video,
            model,
            lambda: load_describer(base_model, device, adapter, tokenizer),
            out,
            scale,
            start=start,
            end=end,
            fps=fps,
        )
    except UserError as error:
        raise _failed(error) from error
    answers.print(
        Text(f"Answers by: {agent.model_name}. Ask about {video.name}; an empty line ends it."), soft_wrap=True
    )
    while True:
        try:
            question = input("> ").strip()
        except EOFError:
            return
        if not question:
            return
        try:
            _turn(agent, question, answers)
        except UserError as error:
            complain(Console(stderr=True, highlight=False), error)


def _agent(
    video: Path,
    model: str | None,
    load: "Callable[[], Describer]",
    out: Path,
    length: str | None,
    **settings: float | None,
) -> "Agent":
    """An agent over a video with a known length and `start`, `end` and `fps`."""
    from trajvlm.agents.scale_parsing import scale
    from trajvlm.data.filmed.decode import open_video

    # A file that is no video, and a scale that is none, are reported before the networks load.
    open_video(video)
    known = None if length is None else scale(length)
    from trajvlm.agents.agent import Agent
    from trajvlm.agents.session import Session

    session = Session(load(), out, [video])
    session.begin_with(scale=known, **settings)
    return Agent(session, model)


def _turn(agent: "Agent", question: str, answers: Console) -> None:
    """Print each step as it comes, then the answer, the equation of a new description, and the files."""
    from trajvlm.agents.agent import Said, ToolEnded, ToolStarted
    from trajvlm.agents.wording import in_lengths

    said, described = "", False
    files: list[Path] = []
    arguments: dict[str, str] = {}
    for step in agent.stream(question):
        if isinstance(step, ToolStarted):
            arguments[step.id] = ", ".join(f"{name} = {value}" for name, value in step.arguments.items())
        elif isinstance(step, ToolEnded):
            given = arguments.get(step.id, "")
            answers.print(Text(f"  {step.name}({given})  {step.seconds:.2f} s", style="dim"), soft_wrap=True)
            files += step.result.files if step.result else ()
            described = described or (step.name in ("describe_video", "choose_window") and not step.failed)
        elif isinstance(step, Said):
            said += step.text
    answers.print(Text(said), soft_wrap=True)
    if described:
        for line in lines(in_lengths(agent.session.description().best, agent.session)):
            answers.print(Text(f"  {line}"), soft_wrap=True)
    for path in files:
        answers.print(Text(f"  {path}"), soft_wrap=True)
    answers.print(Text(f"  answered by {agent.model_name}", style="dim"), soft_wrap=True)


def _failed(error: UserError) -> typer.Exit:
    complain(Console(stderr=True, highlight=False), error)
    return typer.Exit(1)
