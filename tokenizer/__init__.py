"""The MAGVIT-2 video tokenizer: clips to codes and back."""
