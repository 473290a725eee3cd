"""Whole video files of known truth: what the program says of them, and how far that is from what is true."""
