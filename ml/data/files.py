"""Which files of a tree are images, which are masks, and whether all of them can be read."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tqdm import tqdm

from ml import imaging
from ml.data.samples import Sample
from ml.errors import ImageError

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp", ".dcm", ".dicom"})


def images(directory: Path) -> Iterator[Path]:
    """Every image below `directory`, sorted, masks and hidden files left out."""
    for path in sorted(directory.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(directory).parts)
        if path.suffix.lower() in SUFFIXES and not hidden and "_mask" not in path.stem and path.is_file():
            yield path


def masks(directory: Path) -> dict[Path, tuple[Path, ...]]:
    """The masks below `directory`, named as BUSI names them: `NAME_mask.png`, `NAME_mask_1.png`, ...

    The key is the path of the image without its suffix.
    """
    found: dict[Path, tuple[Path, ...]] = {}
    for path in sorted(directory.rglob("*_mask*")):
        if path.suffix.lower() in SUFFIXES:
            image = path.with_name(path.stem.partition("_mask")[0])
            found[image] = (*found.get(image, ()), path)
    return found


def unreadable(samples: Sequence[Sample]) -> list[str]:
    """One sentence for each sample whose image or mask can't be read, or whose mask has another size.

    A progress bar goes to standard error where that is a terminal.
    """
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = tqdm(pool.map(_faults, samples), "check", len(samples), unit="image", disable=None)
        return [fault for faults in found for fault in faults]


def _faults(sample: Sample) -> list[str]:
    sizes, faults = [], []
    for path in (sample.path, *sample.masks):
        try:
            sizes.append(imaging.decode(path.read_bytes()).pixels.shape)
        except (ImageError, OSError) as error:
            faults.append(f"{path}: {error.strerror if isinstance(error, OSError) else error}")
    if not faults and len(set(sizes)) > 1:
        faults.append(f"{sample.path}: a mask of it has another size")
    return faults
