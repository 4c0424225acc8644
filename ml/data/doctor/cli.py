"""`python -m ml audit DIR --out OUT`: the dataset doctor in the terminal."""

from __future__ import annotations

import argparse
from pathlib import Path

from ml.data.doctor import diagnosis, writing
from ml.data.manifest import FILE


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Plug `audit` into `python -m ml`."""
    parser = subparsers.add_parser(
        "audit", help="find copies, contradicting labels, leaks, writing and odd images in a folder of scans"
    )
    parser.add_argument(
        "directory", type=Path, metavar="DIR", help="a published data set, or any tree of images"
    )
    parser.add_argument(
        "--out", type=Path, required=True, metavar="OUT", help="where manifest, findings and review page go"
    )
    parser.set_defaults(run=audit)


def audit(arguments: argparse.Namespace) -> int:
    """Audit, write, and print how many images have each finding. Findings are no failure.

    Raises:
        DataError: there is nothing to audit, or the results can't be written.
    """
    writing.refuse(arguments.directory, arguments.out)
    found = diagnosis.audit(arguments.directory)
    writing.write(found, arguments.out)
    print(f"{len(found.rows)} images, read as {found.layout}; results in {arguments.out}")
    for word, title in diagnosis.WORDS.items():
        count = sum(word in row.findings for row in found.rows)
        if count:
            print(f"{count:7}  {word:<13} {title}")
    for problem in found.problems[:20]:
        print(f"  {problem}")
    if len(found.problems) > 20:
        print(f"  ... and {len(found.problems) - 20} more in findings.json")
    print(f"Train on what is in order with --data manifest={arguments.out / FILE}")
    return 0
