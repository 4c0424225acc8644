"""Which images of a folder are audited, and what the folder itself says of each: label, patient, part."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ml import data
from ml.data import breast, busbra, busuclm, cbisddsm, files, manifest, tables
from ml.data.samples import CLASSES
from ml.errors import DataError

_PARTS = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
    "testing": "test",
}
_MARKERS = {
    "bus-bra": (busbra.MARKER, f"BUSBRA/{busbra.MARKER}"),
    "bus-uclm": (busuclm.MARKER, f"BUS-UCLM/{busuclm.MARKER}"),
    "breast": (breast.MARKER,),
    "cbis-ddsm": (cbisddsm.MARKER,),
    "manifest": (manifest.FILE,),
}


@dataclass(frozen=True, slots=True)
class Image:
    """`name` is the path relative to the folder, with slashes. `label`, `patient` and `part` (of a split that
    was made already) are "" where nothing is said."""

    path: Path
    name: str
    label: str = ""
    patient: str = ""
    part: str = ""


@dataclass(frozen=True, slots=True)
class Listing:
    """`layout`: "tree", or the name of the data set whose tables were read. `root`: what names are relative
    to. `problems`: faults of tables and names."""

    layout: str
    root: Path
    images: tuple[Image, ...]
    problems: tuple[str, ...] = ()


def read(directory: Path) -> Listing:
    """The images of `directory`, sorted by name.

    Where the tables of a known data set are in it, the images that they name; else every image of the tree,
    masks left out, with a class or a part of a split where a folder on the way is called so.

    Raises:
        DataError: no folder, or no images in it.
    """
    if not directory.is_dir():
        raise DataError(f"There is no folder {directory}.", "Check the path.")
    layout = _layout(directory)
    listing = _tree(directory) if layout == "tree" else _tables(layout, directory)
    if not listing.images:
        raise DataError(
            f"No images in {directory}.",
            f"Name a folder of {', '.join(sorted(files.SUFFIXES))}.",
            listing.problems,
        )
    return listing


def _layout(directory: Path) -> str:
    for name, patterns in _MARKERS.items():
        if any(any(directory.glob(pattern)) for pattern in patterns):
            return name
    return "tree"


def _tables(layout: str, directory: Path) -> Listing:
    if layout == "manifest":
        return _manifest(directory / manifest.FILE)
    reading = data.scan(layout, directory)
    images = (
        Image(
            sample.path,
            sample.path.relative_to(directory).as_posix(),
            sample.label,
            sample.patient.removeprefix(f"{layout}:"),
            f"fold {sample.fold}" if sample.fold else "",
        )
        for sample in reading.samples
    )
    return Listing(layout, directory, tuple(sorted(images, key=lambda image: image.name)), reading.problems)


def _manifest(file: Path) -> Listing:
    """A table may say in a column `part` to which part of a split an image belongs."""
    reading = manifest.listed(file, "manifest")
    parts = {Path(row["path"]).as_posix(): row.get("part", "") for _, row in tables.read(file, ("path",), [])}
    images = (
        Image(
            sample.path,
            sample.name,
            sample.label,
            sample.patient.removeprefix("manifest:"),
            parts[sample.name] or _part(Path(sample.name)),
        )
        for sample in reading.samples
    )
    ordered = tuple(sorted(images, key=lambda image: image.name))
    return Listing("manifest", manifest.root(file), ordered, reading.problems)


def _tree(directory: Path) -> Listing:
    images, problems = [], []
    for path in files.images(directory):
        within = path.relative_to(directory)
        if within.as_posix().isprintable():
            labels = [part.lower() for part in within.parts[:-1] if part.lower() in CLASSES]
            images.append(Image(path, within.as_posix(), labels[-1] if labels else "", part=_part(within)))
        else:
            problems.append(f"{within.as_posix()!a}: a name that no table can hold")
    return Listing("tree", directory, tuple(images), tuple(problems))


def _part(within: Path) -> str:
    parts = [_PARTS[part.lower()] for part in within.parts[:-1] if part.lower() in _PARTS]
    return parts[0] if parts else ""
