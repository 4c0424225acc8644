"""`python -m ml explain-test`."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from ml import data
from ml.attribution import METHODS, Method
from ml.card import SHIPPED
from ml.errors import DataError, EvaluationError
from ml.evaluation.explanations import rendering
from ml.evaluation.explanations.run import Part, run
from ml.evaluation.explanations.subject import Subject, load

_IMAGES = 100
_SEED = 20261121


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "explain-test", help="what explanations are worth: pointing, stability, random weights, class swap"
    )
    parser.add_argument("--data", action="append", required=True, metavar="NAME=DIR", help=data.HELP)
    parser.add_argument(
        "--weights",
        action="append",
        metavar="[NAME=]DIR",
        help="folder of weights and card; may be given several times (default: the shipped network)",
    )
    parser.add_argument(
        "--method",
        action="append",
        choices=METHODS,
        help="may be given several times (default: all that fit)",
    )
    shares = ", ".join(f"{name} {each.share:.0%}" for name, each in METHODS.items() if each.share < 1)
    parser.add_argument(
        "--images",
        type=int,
        default=_IMAGES,
        metavar="N",
        help=f"images drawn from each data set (default {_IMAGES}). Slow methods explain a share of them: "
        + shares.replace("%", "%%"),
    )
    parser.add_argument("--seed", type=int, default=_SEED, metavar="N", help=f"default {_SEED}")
    parser.add_argument(
        "--json", action="store_true", help="one JSON object on standard output, nothing else"
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="write results.json and table.md there")
    parser.set_defaults(run=explain_test)


def explain_test(arguments: argparse.Namespace) -> int:
    """Judge every method on every network and data set, then print the tables and write them."""
    _check(arguments)
    sources = data.parse(arguments.data)
    subjects = _subjects(arguments.weights)
    samples = {name: data.read(name, folder) for name, folder in sources.items()}
    methods = _methods(arguments.method, subjects)
    parts = run(subjects, samples, methods, arguments.images, arguments.seed)
    found = {"seed": arguments.seed, "published": rendering.PUBLISHED} | {
        "parts": [rendering.as_json(part) for part in parts]
    }
    if arguments.out is not None:
        _write(arguments.out, found, parts)
    if arguments.json:
        print(json.dumps(found, indent=2))
    else:
        print("\n\n".join([*(rendering.as_text(part) for part in parts), "\n".join(rendering.footer())]))
    return 0


def _check(arguments: argparse.Namespace) -> None:
    if arguments.images < 1:
        raise DataError(f"--images {arguments.images}: there is nothing to look at.", "Ask for 1 or more.")
    if arguments.seed < 0:
        raise DataError(f"--seed {arguments.seed} is below 0.", "Take 0 or more.")
    if arguments.out is not None and arguments.out.exists() and not arguments.out.is_dir():
        raise EvaluationError(f"--out {arguments.out.name} is a file.", "Name a folder.")


def _methods(names: list[str] | None, subjects: list[Subject]) -> list[Method]:
    """Those asked for, each of which has to fit every network; by default every one that fits any."""
    chosen = [METHODS[name] for name in dict.fromkeys(names or METHODS)]
    for method in chosen if names else ():
        for subject in subjects:
            if not method.fits(subject.network):
                raise EvaluationError(
                    f"{method.name} can't explain {subject.name}: it has nothing of the kind.",
                    "Leave out that --method, or name --weights that it fits.",
                )
    return chosen


def _subjects(weights: list[str] | None) -> list[Subject]:
    """The networks asked for, each under a name of its own."""
    subjects = [load(*_named(argument)) for argument in weights or [str(SHIPPED)]]
    names = [subject.name for subject in subjects]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise EvaluationError(
            f"Two networks are called {twice[0]}.", "Name them apart: --weights NAME=DIR, once a name."
        )
    return subjects


def _named(argument: str) -> tuple[str | None, Path]:
    """ "NAME=DIR" or "DIR", whose path may have a = of its own where it is a folder."""
    name, equals, place = argument.partition("=")
    if not equals or not name or Path(argument).is_dir():
        return None, Path(argument)
    return name, Path(place)


def _write(folder: Path, found: dict[str, Any], parts: list[Part]) -> None:
    """Both files beside their names, then renamed."""
    pages = {"results.json": json.dumps(found, indent=2) + "\n", "table.md": rendering.as_markdown(parts)}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in pages.items():
            (folder / f"{name}.partial").write_text(text, encoding="utf-8")
        for name in pages:
            (folder / f"{name}.partial").replace(folder / name)
    except OSError as error:
        raise EvaluationError(
            f"--out can't be written: {error.strerror}.", "Name a folder that can be written to."
        ) from error
