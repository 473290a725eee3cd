"""The language model whose vocabulary holds visual tokens: codes to families and equations."""
