"""Explanations that can fail: what heatmaps are worth, measured."""
