"""Cameras: one pinhole, several about one motion, and two that are calibrated."""
