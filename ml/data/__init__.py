"""Readers of published data sets, groups of near copies, splits, and synthetic scans."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ml.data import busbra, busi
from ml.data.samples import CLASSES, Sample, fingerprint
from ml.errors import DataError

_READERS = {"bus-bra": busbra.read, "busi": busi.read}

_CONFLICTS = {"busi": busi.conflicts}

__all__ = ["CLASSES", "Sample", "fingerprint", "left_out", "parse", "read", "read_all"]


def parse(arguments: list[str]) -> dict[str, Path]:
    """`["bus-bra=DIR", ...]` as given on the command line -> {"bus-bra": Path, ...}.

    Raises:
        DataError: not NAME=DIR, an unknown name, a name given twice, or no such folder.
    """
    sources: dict[str, Path] = {}
    for argument in arguments:
        name, equals, folder = argument.partition("=")
        if not equals or name not in _READERS or name in sources:
            raise DataError(
                f"--data {argument!r} can't be used.",
                f"Write --data NAME=DIR, once a name, with NAME one of: {', '.join(sorted(_READERS))}.",
            )
        if not Path(folder).is_dir():
            raise DataError(f"--data {name}: there is no folder {folder}.", "Check the path.")
        sources[name] = Path(folder)
    return sources


def read(name: str, directory: Path) -> list[Sample]:
    """All samples of one data set, in the order of its table or file names."""
    return _READERS[name](directory)


def read_all(sources: Mapping[str, Path]) -> list[Sample]:
    """All samples of several data sets, one after the other."""
    return [sample for name, directory in sources.items() for sample in read(name, directory)]


def left_out(name: str, directory: Path) -> int:
    """How many images of one data set `read` leaves out, because near copies of them carry another label."""
    found = _CONFLICTS[name](directory) if name in _CONFLICTS else []
    return sum(len(group) for group in found)
