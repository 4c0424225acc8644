"""`python -m ml COMMAND`, one sub-command a capability: train, study, evaluate, explain-test, predict, audit,
gan, bench."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module

from ml.errors import DataError, MlError

_COMMANDS = {
    "train": "ml.training.cli",
    "study": "ml.study.cli",
    "evaluate": "ml.evaluation.cli",
    "explain-test": "ml.evaluation.explanations.cli",
    "predict": "ml.predict_cli",
    "audit": "ml.data.doctor.cli",
    "gan": "ml.training.gan_cli",
    "bench": "ml.bench",
}

_LISTED = 48
"""Faults of data that are printed one by one."""


def main(arguments: list[str] | None = None) -> int:
    """Run one sub-command. 0: done; 1: it failed, and standard error says why; 2: wrong usage."""
    parser = argparse.ArgumentParser(prog="python -m ml", description=__doc__)
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND")
    typed = sys.argv[1:] if arguments is None else arguments
    # Only the one that is asked for: `predict` needn't wait for what `train` imports.
    wanted = typed[:1] if typed and typed[0] in _COMMANDS else _COMMANDS
    for name in wanted:
        import_module(_COMMANDS[name]).add_parser(subparsers)
    parsed = parser.parse_args(typed, argparse.Namespace(typed=typed))
    try:
        code: int = parsed.run(parsed)
    except MlError as error:
        print(f"{error.code}: {error}", file=sys.stderr)
        if isinstance(error, DataError):
            _list(error.problems)
        return 1
    return code


def _list(problems: tuple[str, ...]) -> None:
    for problem in problems[:_LISTED]:
        print(f"  {problem}", file=sys.stderr)
    if len(problems) > _LISTED:
        print(f"  ... and {len(problems) - _LISTED} more", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
