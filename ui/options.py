"""Options that several commands share, each with its words in one place."""

from typing import Annotated

import typer

BaseModel = Annotated[
    str | None,
    typer.Option(
        metavar="NAME_OR_FOLDER", help="The language model under the adapter; left out, the one that was installed."
    ),
]
Device = Annotated[str, typer.Option(metavar="NAME", help="Where the networks run: cpu, cuda, or cuda:1 and so on.")]
