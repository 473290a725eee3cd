"""Clips to codes and back: MAGVIT-2's encoder, and what writes the place and size of one ball behind it."""

import warnings

# Said by magvit2-pytorch and by what it imports, whenever that is first done.
for _message in (r"`torch\.jit\.script` is deprecated", r"`torch\.cuda\.amp\.autocast\(args\.\.\.\)` is deprecated"):
    warnings.filterwarnings("ignore", _message, FutureWarning)
