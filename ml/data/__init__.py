"""Readers of published data sets, groups of near copies, splits, and synthetic scans."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from ml.data import breast, busbra, busi, busuclm, cbisddsm, files, folder, manifest
from ml.data.samples import CLASSES, Reading, Sample, fingerprint
from ml.errors import DataError

NAMES = ("bus-bra", "bus-uclm", "breast", "busi", "cbis-ddsm", "folder", "manifest")
HELP = f"NAME one of {', '.join(NAMES)}; folder:X=DIR and manifest:X=DIR name theirs X"
"""For the help of a command that takes --data NAME=DIR."""

_PUBLISHED: dict[str, Callable[[Path], Reading]] = {
    "bus-bra": busbra.read,
    "bus-uclm": busuclm.read,
    "breast": breast.read,
    "busi": busi.read,
    "cbis-ddsm": cbisddsm.read,
}
_OWN: dict[str, Callable[[Path, str], Reading]] = {"folder": folder.read, "manifest": manifest.read}

__all__ = [
    "CLASSES",
    "HELP",
    "NAMES",
    "Sample",
    "conflicts",
    "fingerprint",
    "left_out",
    "parse",
    "read",
    "read_all",
    "scan",
]


def parse(arguments: list[str]) -> dict[str, Path]:
    """`["bus-bra=DIR", ...]` as given on the command line -> {"bus-bra": Path, ...}.

    `folder:clinic=DIR` and `manifest:clinic=DIR` give a data set of one's own a name of its own. A manifest
    may be named by its file too.

    Raises:
        DataError: not NAME=DIR, an unknown name, a name given twice, or no such folder.
    """
    sources: dict[str, Path] = {}
    for argument in arguments:
        name, equals, place = argument.partition("=")
        if not equals or not _is_known(name) or name in sources:
            raise DataError(
                f"--data {argument!r} can't be used.", f"Write --data NAME=DIR, once a name, with {HELP}."
            )
        path = Path(place)
        if not (path.is_dir() or (_kind(name) == "manifest" and path.is_file())):
            raise DataError(f"--data {name}: there is no folder {place}.", "Check the path.")
        sources[name] = path
    return sources


def scan(name: str, directory: Path) -> Reading:
    """The images of one data set that are in order, in the order of its table or file names, and the faults.

    Raises:
        DataError: it isn't laid out as such a data set at all.
    """
    return _reader(name)(directory)


def read(name: str, directory: Path) -> list[Sample]:
    """All samples of one data set.

    Raises:
        DataError: it isn't laid out as such a data set, or has faults, which are listed together.
    """
    reading = scan(name, directory)
    _refuse(reading.problems)
    return list(reading.samples)


def read_all(sources: Mapping[str, Path]) -> list[Sample]:
    """All samples of several data sets, one after the other, each image and mask proven to be readable.

    Raises:
        DataError: the faults of all data sets, listed together.
    """
    samples: list[Sample] = []
    problems: list[str] = []
    for name, directory in sources.items():
        try:
            reading = scan(name, directory)
        except DataError as error:
            problems += [f"{name}: {problem}" for problem in error.problems or (str(error),)]
        else:
            problems += [f"{name}: {problem}" for problem in reading.problems]
            samples += reading.samples
    _refuse((*problems, *files.unreadable(samples)))
    return samples


def left_out(name: str, directory: Path) -> int:
    """How many images of one data set `read` leaves out: near copies of them carry another label, or the
    findings of a manifest say so."""
    kind = _kind(name)
    if kind == "busi":
        return sum(len(group) for group in busi.conflicts(directory))
    if kind == "folder":
        return folder.left_out(directory)
    return manifest.left_out(directory) if kind == "manifest" else 0


def conflicts(name: str, directory: Path) -> list[Sample]:
    """The images that `read` leaves out because near copies of them carry another label."""
    if name == "busi":
        return [sample for group in busi.conflicts(directory) for sample in group]
    return folder.conflicts(directory, name) if _kind(name) == "folder" else []


def _kind(name: str) -> str:
    return name.partition(":")[0]


def _is_known(name: str) -> bool:
    kind, colon, own = name.partition(":")
    return kind in NAMES and (not colon or (kind in _OWN and own.replace("-", "").isalnum()))


def _reader(name: str) -> Callable[[Path], Reading]:
    if name in _PUBLISHED:
        return _PUBLISHED[name]
    return lambda directory: _OWN[_kind(name)](directory, name)


def _refuse(problems: tuple[str, ...]) -> None:
    if problems:
        raise DataError(
            f"The data can't be read: {len(problems)} faults. {problems[0].rstrip('.')}.",
            "Mend the tables or files, or fetch the archive again.",
            problems,
        )
