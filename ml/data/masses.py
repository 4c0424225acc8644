"""Masses in the breast: cyst, smooth oval, irregular. Each changes what the beam meets there.

After the descriptors of ACR BI-RADS ultrasound, 5th edition: shape, margin, echo pattern, posterior features.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.data.scatter import Map, Noise, Tissue


@dataclass(frozen=True, slots=True)
class Recipe:
    """How one kind of mass looks.

    `half_mm`: least and most half width. `tall`: least and most height by width. `wobble`: amplitude of
    the lobes of the margin, as a share of the radius; `spicules`: how many and how long, likewise.
    `level`, `uneven`: dB inside and their spread. `soft_mm`: how gradual the margin is. `wall`: amplitude
    of its reflection. `halo`: dB of the echogenic rim around. `attenuation`, `edge`: dB a mm inside, and
    where the margin runs along the beam.
    """

    half_mm: tuple[float, float]
    tall: tuple[float, float]
    wobble: float
    spicules: tuple[int, float]
    level: float
    uneven: float
    soft_mm: float
    wall: float
    halo: float
    attenuation: float
    edge: float


RECIPES = {
    "cyst": Recipe((3.0, 7.5), (0.55, 0.95), 0.025, (0, 0.0), -38.0, 5.0, 0.10, 0.40, 0.0, -0.8, 1.8),
    "smooth": Recipe((5.0, 9.5), (0.45, 0.7), 0.025, (0, 0.0), -15.0, 1.6, 0.12, 0.26, 0.0, -0.28, 1.2),
    "irregular": Recipe((3.4, 6.2), (0.85, 1.4), 0.16, (11, 0.55), -19.0, 3.0, 0.30, 0.0, 4.0, 1.0, 0.0),
}
_LOBES = np.arange(2, 8)


def add(tissue: Tissue, recipe: Recipe, noise: Noise) -> tuple[Tissue, NDArray[np.bool_]]:
    """The tissue with the mass in it, and its mask, bool (H, W)."""
    outside, facing = _outside(recipe, noise)
    share = 1 / (1 + np.exp(np.clip(outside / recipe.soft_mm, -30, 30)))
    inner = recipe.level + recipe.uneven * noise.smooth(1.2, 1.8)
    rim = recipe.halo * np.exp(-((outside / 1.8) ** 2))
    level = tissue.level + rim + share * (inner - tissue.level)
    margin = np.exp(-((outside / 0.09) ** 2))
    specular = tissue.specular * (1 - share) + recipe.wall * margin * (0.1 + facing**3)
    edge = recipe.edge * np.exp(-((outside / 0.35) ** 2)) * (1 - facing) ** 2
    attenuation = tissue.attenuation * (1 - share) + recipe.attenuation * share + edge
    maps = (np.asarray(each, dtype=np.float32) for each in (level, specular, attenuation))
    return Tissue(*maps), outside < 0


def _outside(recipe: Recipe, noise: Noise) -> tuple[Map, Map]:
    """mm outside the margin, along the ray from the centre (negative inside), and how far the margin faces
    the beam, 0..1; float32 (H, W) each."""
    draw, (height, width) = noise.generator, noise.shape
    across, down = width * noise.spacing_mm, height * noise.spacing_mm
    half = draw.uniform(*recipe.half_mm) * min(1.0, down / 38)
    tall, turn = draw.uniform(*recipe.tall), draw.normal(0, 0.12)
    x = np.arange(width) * noise.spacing_mm - across * draw.uniform(0.38, 0.62)
    z = np.arange(height)[:, None] * noise.spacing_mm - down * draw.uniform(0.36, 0.46)
    u, v = x * np.cos(turn) + z * np.sin(turn), (z * np.cos(turn) - x * np.sin(turn)) / tall
    angle, radius = np.arctan2(v, u), np.hypot(u, v)
    slice_ = np.sqrt(max(0.05, 1 - (noise.elevation_mm / half) ** 2))
    outside = (radius - half * slice_ * _outline(recipe, angle, noise)) * np.where(tall < 1, tall, 1)
    by_z, by_x = np.gradient(outside, noise.spacing_mm)
    facing = np.abs(by_z) / (np.hypot(by_z, by_x) + 1e-6)
    return np.asarray(outside, dtype=np.float32), np.asarray(facing, dtype=np.float32)


def _outline(recipe: Recipe, angle: NDArray[np.float64], noise: Noise) -> NDArray[np.float64]:
    """Radius of the margin against that of the ellipse, by angle."""
    draw = noise.generator
    phases, weights = draw.uniform(0, 2 * np.pi, len(_LOBES)), draw.normal(0, 1, len(_LOBES)) / _LOBES
    outline = np.ones_like(angle)
    for lobe, phase, weight in zip(_LOBES, phases, weights, strict=True):
        outline += 2 * recipe.wobble * weight * np.cos(lobe * angle + phase)
    count, length = recipe.spicules
    for place, share in zip(draw.uniform(-np.pi, np.pi, count), draw.uniform(0.4, 1, count), strict=True):
        apart = np.abs((angle - place + np.pi) % (2 * np.pi) - np.pi)
        outline += length * share * np.exp(-apart / 0.11)
    return np.maximum(outline, 0.35)
