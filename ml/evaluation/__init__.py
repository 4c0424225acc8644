"""Figures with intervals, calibration, curves, and the report that `python -m ml evaluate` prints."""
