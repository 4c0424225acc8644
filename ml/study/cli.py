"""`python -m ml study`."""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

from ml import data
from ml.errors import DataError
from ml.study import material, presets, study, summary, units
from ml.study.protocols import PROTOCOLS
from ml.study.settings import Settings
from ml.training import recipes
from ml.training.cli import as_typed


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "study", help="train a paper's systems as published and without leaks, both beside its claims"
    )
    parser.add_argument("recipe", nargs="?", help=f"one of {', '.join(recipes.names())}")
    parser.add_argument("--list", action="store_true", help="the recipes, their systems and claims; no run")
    parser.add_argument(
        "--table", nargs="+", type=Path, metavar="JSON", help="results of studies as one table; no run"
    )
    parser.add_argument("--data", action="append", default=[], metavar="NAME=DIR", help=data.HELP)
    parser.add_argument("--out", type=Path, metavar="DIR", help="typed again, an unfinished study goes on")
    parser.add_argument(
        "--system",
        action="append",
        default=[],
        metavar="NAME",
        help="only this system, as --list names it; may be given several times, and others later",
    )
    parser.add_argument("--protocol", choices=("both", *PROTOCOLS), default="both")
    parser.add_argument("--preset", choices=tuple(presets.PRESETS), default="full")
    parser.add_argument(
        "--init", default="imagenet", metavar="FILE", help="imagenet, random, or a safetensors file"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """List the recipes, put results side by side, or run one recipe and say where its report is."""
    if arguments.list:
        print("\n".join(listed()))
        return 0
    if arguments.table:
        print("\n".join(summary.table(arguments.table)))
        return 0
    settings = _settings(arguments)
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    chosen = PROTOCOLS if arguments.protocol == "both" else (arguments.protocol,)
    report = study.run(settings, chosen, _say)
    if units.is_first():
        print(f"The report is in {report}")
    return 0


def listed() -> list[str]:
    """A block of lines for each recipe."""
    lines = []
    for name in recipes.names():
        paper = recipes.get(name)
        lines.append(f"{name}: {paper.citation}")
        for system in paper.systems:
            claimed = [
                f"{claim.metric} {100 * claim.value:.2f}"
                for claim in paper.claims
                if claim.system == system.name
            ]
            lines.append(f"  {system.name} ({system.network}): {', '.join(claimed) or 'no claim'}")
    return lines


def _settings(arguments: argparse.Namespace) -> Settings:
    missing = [
        word
        for word, given in (
            ("a recipe", arguments.recipe),
            ("--data", arguments.data),
            ("--out", arguments.out),
        )
        if not given
    ]
    if missing:
        raise DataError(
            f"A study needs {', '.join(missing)}.",
            "Type `python -m ml study --list` for the recipes, and --data NAME=DIR --out DIR.",
        )
    paper, preset = recipes.get(arguments.recipe), presets.get(arguments.preset)
    presets.systems(paper, preset, arguments.system)  # a wrong name is told before the data are read
    sources = data.parse(arguments.data)
    return Settings(
        paper=paper,
        preset=preset,
        init=arguments.init,
        sources=sources,
        material=material.read(paper, sources),
        out=arguments.out,
        command=as_typed(arguments.typed),
        only=tuple(arguments.system),
    )


def _say(step: str) -> None:
    if units.is_first():
        print(step, file=sys.stderr, flush=True)
