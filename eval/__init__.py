"""Evaluation of the shipped models beside their controls."""
