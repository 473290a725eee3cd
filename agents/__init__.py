"""Questions about a video in a person's words: the tools that answer them, and the agent that picks the tools."""
