"""A video tokenizer: MAGVIT-2's layers between a clip's moving layer and a few discrete tokens."""
