"""A linear-array scanner in few lines: scatterers in, speckle out.

Tissue is a dense cloud of scatterers far smaller than the wavelength. What comes back is their random
phases summed under the pulse, so that the echo is circular complex Gaussian and its envelope Rayleigh
(Wagner, Smith, Sandrik and Lopez 1983, Statistics of speckle in ultrasound B-scans). Interfaces reflect
in phase. Attenuation adds up along the beam, which makes shadow and enhancement by itself. The envelope
is averaged over a few looks (spatial compounding) and compressed by the logarithm.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ml.types import Gray

Map = NDArray[np.float32]

DYNAMIC_RANGE_DB = 54.0
_GAIN_DB = -20.5
"""Level of glandular tissue below white."""

_NOISE_DB = (-64.0, -34.0)
"""Electronic noise against glandular tissue at the skin and at the bottom: the gain by depth lifts it."""

_PULSE_MM = 0.11
_BEAM_MM = (0.17, 0.26, 0.45)
"""Standard deviations of the pulse along the beam, and of the beam across in focus, off it, far off it."""

_FOCUS, _LOOKS, _APERTURE_MM = 0.42, 3, 0.4


@dataclass(frozen=True, slots=True)
class Tissue:
    """What the beam meets, float32 (H, W) each.

    `level`: dB of the scatterers, 0 for glandular tissue. `specular`: amplitude of interfaces.
    `attenuation`: dB a mm, there and back, above (or below) what the gain by depth makes up for.
    """

    level: Map
    specular: Map
    attenuation: Map


class Noise:
    """Smooth random fields that change slowly with the plane of the scan.

    Each field mixes two draws by the angle of the plane, so that neighbouring planes of one seed resemble
    each other, as in a loop, while mean 0 and variance 1 stay.
    """

    def __init__(
        self, seed: int, shape: tuple[int, int], spacing_mm: float, elevation_mm: float = 0.0
    ) -> None:
        self.generator = np.random.default_rng((seed, 0))
        self.shape = shape
        self.spacing_mm = spacing_mm
        self.elevation_mm = elevation_mm
        self._planes = np.random.default_rng((seed, 1)), np.random.default_rng((seed, 2))

    def white(self, *shape: int, scale_mm: float) -> Map:
        """float32 of `shape`, independent values, all new again after 1.6 `scale_mm` across planes."""
        here = self._planes[0].standard_normal(shape, dtype=np.float32)
        if not self.elevation_mm:
            return here
        there = self._planes[1].standard_normal(shape, dtype=np.float32)
        angle = self.elevation_mm / scale_mm
        return np.asarray(np.cos(angle) * here + np.sin(angle) * there, dtype=np.float32)

    def smooth(self, down_mm: float, across_mm: float, scale_mm: float = 12.0) -> Map:
        """float32 (H, W), smooth over `down_mm` along the beam and `across_mm` across it."""
        rows = round(self.shape[0] * self.spacing_mm / down_mm) + 3
        return self._grown(rows, self.shape[0], across_mm, scale_mm)

    def line(self, across_mm: float, scale_mm: float = 12.0) -> Map:
        """float32 (1, W), smooth over `across_mm`."""
        return self._grown(1, 1, across_mm, scale_mm)

    def _grown(self, rows: int, height: int, across_mm: float, scale_mm: float) -> Map:
        columns = round(self.shape[1] * self.spacing_mm / across_mm) + 3
        coarse = self.white(rows, columns, scale_mm=scale_mm)
        grown = cv2.resize(coarse, (self.shape[1], height), interpolation=cv2.INTER_CUBIC)
        return np.asarray(grown.reshape(height, self.shape[1]), dtype=np.float32)


def scan(tissue: Tissue, noise: Noise) -> Gray:
    """The picture, uint8 (H, W), of the tissue as the scanner shows it."""
    height, spacing = noise.shape[0], noise.spacing_mm
    depth = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    diffuse = amplitude(tissue.level)
    passed = amplitude(-_lost(tissue.attenuation, spacing))[..., None]
    floor = amplitude(_NOISE_DB[0] + (_NOISE_DB[1] - _NOISE_DB[0]) * depth)[..., None]
    envelope = np.zeros(noise.shape, dtype=np.float32)
    for _ in range(_LOOKS):
        echo = noise.white(*noise.shape, 2, scale_mm=1.2) * diffuse[..., None]
        echo[..., 0] += tissue.specular
        heard = _beam(_blur(echo, _PULSE_MM / spacing, 0.01), depth, spacing) * passed
        heard += noise.white(*noise.shape, 2, scale_mm=0.05) * floor
        envelope += np.hypot(heard[..., 0], heard[..., 1]) / _LOOKS
    return _compressed(envelope)


def amplitude(decibels: Map) -> Map:
    """float32: 0 dB is 1, 20 dB is 10."""
    return np.asarray(10 ** (decibels / 20), dtype=np.float32)


def _lost(attenuation: Map, spacing: float) -> Map:
    """dB lost down to each pixel: the sum along the beam, softened across as the aperture sees around."""
    lost = np.cumsum(attenuation, axis=0, dtype=np.float32) * spacing
    soft = cv2.GaussianBlur(lost, (0, 0), sigmaX=_APERTURE_MM / spacing, sigmaY=0.8)
    return np.asarray(soft, dtype=np.float32)


def _beam(echo: Map, depth: Map, spacing: float) -> Map:
    """The echo under the beam, which is narrow at the focus and widens away from it."""
    away = 2 * np.abs(depth - _FOCUS) / max(_FOCUS, 1 - _FOCUS)
    heard = np.zeros_like(echo)
    for stage, width in enumerate(_BEAM_MM):
        heard += np.clip(1 - np.abs(away - stage), 0, 1)[..., None] * _blur(echo, 0.01, width / spacing)
    return heard


def _blur(field: Map, down: float, across: float) -> Map:
    """Gaussian of these standard deviations in pixels that keeps the variance of white noise."""
    row, column = (cv2.getGaussianKernel(2 * int(np.ceil(3 * sigma)) + 1, sigma) for sigma in (across, down))
    row, column = row / np.linalg.norm(row), column / np.linalg.norm(column)
    blurred = cv2.sepFilter2D(field, -1, row, column, borderType=cv2.BORDER_REFLECT)
    return np.asarray(blurred, dtype=np.float32)


def _compressed(envelope: Map) -> Gray:
    decibels = 20 * np.log10(np.maximum(envelope, 1e-6)) + _GAIN_DB
    return np.asarray(np.clip(255 * (1 + decibels / DYNAMIC_RANGE_DB), 0, 255).round(), dtype=np.uint8)
