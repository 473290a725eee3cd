"""The command line: `trajvlm describe` for videos of one's own, `trajvlm demo` for a first look.

    trajvlm describe throw.mp4 --out results
    trajvlm describe clips/ --out results.parquet

The networks are imported inside the commands, so that help and wrong usage answer at once. Standard output carries
the answer and nothing else; with `--json` that is one object a line.
"""

import typer

from trajvlm.ui.chat_cli import app as chat_app
from trajvlm.ui.data_cli import app as data_app
from trajvlm.ui.demo_cli import app as demo_app
from trajvlm.ui.describe_cli import app as describe_app
from trajvlm.ui.eval_cli import app as eval_app
from trajvlm.ui.mcp_cli import app as mcp_app
from trajvlm.ui.tokens_cli import app as tokens_app

app = typer.Typer(
    help="From a video of one moving object to the family of its motion and its equation x(t), y(t), z(t).",
    epilog="Example: trajvlm describe throw.mp4 --out results",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(describe_app)
app.add_typer(demo_app)
app.add_typer(data_app, name="data")
app.add_typer(eval_app, name="eval")
app.add_typer(chat_app)
app.add_typer(mcp_app)
app.add_typer(tokens_app)


if __name__ == "__main__":
    app()
