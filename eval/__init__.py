"""Evaluation of the shipped models beside their controls."""

import data  # noqa: F401  # sets how OpenMP's threads wait, before torch is loaded
