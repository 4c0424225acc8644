"""The healthy breast under the probe: skin, fat with its septa, gland, muscle, chest wall.

Levels are in dB against glandular tissue. They are set by eye on published scans: fat darker than gland,
muscle striped, the chest wall dark.
"""

from __future__ import annotations

import numpy as np

from ml.data.scatter import Map, Noise, Tissue

_SKIN, _FAT, _MUSCLE, _WALL = -1.0, -9.5, -14.0, -24.0
_LAYERS = ((0.18, 0.32), (0.52, 0.64), (0.02, 0.06), (0.18, 0.26))
"""Least and most depth of the lower side of fat and of gland, then thickness of the fat behind the gland and
of the muscle, as shares of the picture's depth."""


def breast(noise: Noise) -> Tissue:
    """Healthy tissue as `noise` draws it."""
    height, width = noise.shape
    z = np.arange(height, dtype=np.float32)[:, None] * np.float32(noise.spacing_mm)
    skin, fat, gland, gap, muscle = _borders(noise, height * noise.spacing_mm)
    level = np.full((height, width), _SKIN, dtype=np.float32) + 2 * noise.smooth(0.3, 20)
    level = _fill(level, z, skin, _lobules(noise))
    level = _fill(level, z, fat, _gland(noise))
    level = _fill(level, z, gland, _FAT - 2 + 2 * noise.smooth(1, 6))
    level = _fill(level, z, gap, _MUSCLE + 4.0 * noise.smooth(0.35, 4))
    level = _fill(level, z, muscle, _WALL + 3 * noise.smooth(1.5, 9))
    lines = 0.9 * _septa(noise, 3.4, 11.0, 0.08) * _between(z, skin, fat)
    lines += 0.3 * _septa(noise, 1.6, 6.0, 0.07) * _between(z, skin, fat)
    lines += 0.4 * _septa(noise, 1.0, 6.0, 0.08) * _between(z, fat, gland)
    lines += 0.3 * _septa(noise, 0.7, 9.0, 0.06) * _between(z, gap, muscle)
    for border, strength in ((skin, 0.28), (fat, 0.16), (gap, 0.40), (muscle, 0.35)):
        lines += strength * np.exp(-(((z - border) / 0.09) ** 2)) * np.clip(0.5 + noise.line(3.5), 0, 2)
    lines += 0.5 * np.exp(-((z / 0.2) ** 2))
    return Tissue(level, np.asarray(lines, dtype=np.float32), _attenuation(noise, z, fat))


def _borders(noise: Noise, deepest: float) -> list[Map]:
    """Depth in mm, float32 (1, W), of the lower side of skin, fat, gland, the fat behind it, and muscle."""
    across = np.linspace(-1, 1, noise.shape[1], dtype=np.float32)[None, :]
    fat, gland, gap, muscle = (noise.generator.uniform(*range_) for range_ in _LAYERS)
    tilt, bulge = noise.generator.normal(0, (0.03, 0.04))
    skin = noise.generator.uniform(1.3, 2.1) + 0.08 * noise.line(15)
    flat = gland + tilt * across
    front = fat + tilt * across + bulge * across**2 + 0.03 * noise.line(9)
    under = flat + gap + 0.012 * noise.line(16)
    behind = np.minimum(flat + 0.02 * noise.line(8), under - 0.01)
    layers = (front, behind, under, flat + gap + muscle + 0.012 * noise.line(20))
    return [skin, *(np.asarray(deepest * layer, dtype=np.float32) for layer in layers)]


def _lobules(noise: Noise) -> Map:
    """Fat: lobules of unequal brightness, darker in their middle."""
    lobes = np.abs(noise.smooth(3.0, 5.0))
    return np.asarray(_FAT + 2.0 - 3.0 * np.clip(lobes, 0, 1.6) + 1.0 * noise.smooth(1, 2), dtype=np.float32)


def _gland(noise: Noise) -> Map:
    """Fibroglandular tissue: streaks along the layers and islands of fat."""
    streaks = 3.6 * noise.smooth(0.4, 2.2) + 2.4 * noise.smooth(1.6, 6.0)
    islands = np.clip(2.2 * noise.smooth(1.8, 3.6) - 1.4, 0, 1.8)
    return np.asarray(streaks - 5.0 * islands, dtype=np.float32)


def _septa(noise: Noise, down_mm: float, across_mm: float, thick_mm: float) -> Map:
    """Thin curved interfaces: where a smooth field crosses zero. Those that face the beam reflect most."""
    field = noise.smooth(down_mm, across_mm)
    by_z, by_x = np.gradient(field, noise.spacing_mm)
    steep = np.hypot(by_z, by_x) + 1e-3
    facing = (by_z / steep) ** 4
    patchy = np.clip(0.4 + 0.7 * noise.smooth(3, 4), 0, 2)
    return np.asarray(np.exp(-((field / steep / thick_mm) ** 2)) * (0.15 + facing) * patchy, dtype=np.float32)


def _attenuation(noise: Noise, z: Map, fat: Map) -> Map:
    """More with depth than the gain makes up for, and streaks of shadow under the ligaments in the fat."""
    rest = noise.generator.uniform(0.15, 0.55)
    streaks = 0.5 * np.clip(noise.smooth(4, 2.2) - 0.6, 0, 2) * (z < fat)
    return np.asarray(rest * (z > fat) + streaks + 0.10 * noise.smooth(8, 3), dtype=np.float32)


def _fill(level: Map, z: Map, border: Map, below: Map) -> Map:
    """`below` where z is deeper than the border, which is soft over a third of a mm."""
    share = 1 / (1 + np.exp(np.clip((border - z) / 0.12, -30, 30)))
    return np.asarray(level + share * (below - level), dtype=np.float32)


def _between(z: Map, top: Map, bottom: Map) -> Map:
    return np.asarray((z > top) & (z < bottom), dtype=np.float32)
