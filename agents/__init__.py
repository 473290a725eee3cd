"""Questions about a video in a person's words: the tools that answer them, and the agent that picks the tools."""

import data  # noqa: F401  # sets how OpenMP's threads wait, before torch is loaded
