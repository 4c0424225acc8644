"""`python -m ml bench`: how fast a prediction is, against what it could and what it might have cost.

Everything is measured side by side: one round runs each candidate of each network once, and a ratio is the
median of the rounds' own ratios, so that other work on the machine slows both sides alike.
"""

from __future__ import annotations

import argparse
import json
import platform
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import onnxruntime
import torch
from tqdm import tqdm

from ml.bench_candidates import SIZES, candidates

Key = tuple[str, str]
"""Network and candidate."""


@dataclass(frozen=True, slots=True)
class Goal:
    """A ratio of two medians and what it should reach."""

    name: str
    over: str
    under: str
    limit: float
    at_most: bool


GOALS = (
    Goal("prediction with three heatmaps / bare forward pass", "predict", "bare", 1.15, at_most=True),
    Goal("hook-based Grad-CAM / prediction with three heatmaps", "hooks", "predict", 10, at_most=False),
    Goal("torch eager / engine", "eager", "bare", 1.4, at_most=False),
)


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Plug `bench` into `python -m ml`."""
    parser = subparsers.add_parser("bench", help="time prediction, engine and heatmaps side by side")
    parser.add_argument("--network", action="append", choices=sorted(SIZES), help="default: all")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--threads", type=int, default=None, help="of every candidate (default: all cores)")
    parser.add_argument("--json", action="store_true", help="JSON alone on standard output")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """0, whatever the figures: whether a goal is reached is printed, and depends on the machine."""
    names = list(dict.fromkeys(arguments.network or sorted(SIZES)))
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    networks = measure(names, arguments.rounds, arguments.threads)
    report: dict[str, Any] = {
        "machine": {"processor": platform.machine(), "torch_threads": torch.get_num_threads()},
        "software": {"torch": torch.__version__, "onnxruntime": onnxruntime.__version__},
        "networks": networks,
    }
    if not arguments.json:
        print("\n\n".join(_table(entry) for entry in networks))
    print(json.dumps(report, indent=2))
    return 0


def measure(names: Sequence[str], rounds: int, threads: int | None = None) -> list[dict[str, Any]]:
    """Of each network: median milliseconds of every candidate over `rounds`, the ratios of the goals, and
    how long a prediction takes beside one of the first network."""
    with tempfile.TemporaryDirectory() as folder:
        measured = {
            (name, key): candidate
            for name in names
            for key, candidate in candidates(name, Path(folder), threads).items()
        }
        every = _interleaved(measured, rounds)
    found = []
    for name in names:
        times = {key: values for (network, key), values in every.items() if network == name}
        beside = _ratio(times["predict"], every[names[0], "predict"])
        found.append(
            {
                "network": name,
                "size": SIZES[name],
                "rounds": rounds,
                "median_ms": {key: round(median(values), 3) for key, values in times.items()},
                "goals": [_judge(goal, times) for goal in GOALS],
                "prediction_beside": {"network": names[0], "ratio": round(beside, 3)},
            }
        )
    return found


def _ratio(over: Sequence[float], under: Sequence[float]) -> float:
    """The median of the rounds' own ratios."""
    return median(a / b for a, b in zip(over, under, strict=True))


def _judge(goal: Goal, times: dict[str, list[float]]) -> dict[str, Any]:
    ratio = _ratio(times[goal.over], times[goal.under])
    reached = ratio <= goal.limit if goal.at_most else ratio >= goal.limit
    sign = "<=" if goal.at_most else ">="
    return {"name": goal.name, "ratio": round(ratio, 3), "goal": f"{sign} {goal.limit}", "reached": reached}


def _interleaved(measured: dict[Key, Callable[[], object]], rounds: int) -> dict[Key, list[float]]:
    for candidate in measured.values():
        candidate()  # first calls allocate
    times: dict[Key, list[float]] = {key: [] for key in measured}
    for _ in tqdm(range(rounds), desc="rounds", disable=None):
        for key, candidate in measured.items():
            start = perf_counter()
            candidate()
            times[key].append(1000 * (perf_counter() - start))
    return times


def _table(entry: dict[str, Any]) -> str:
    lines = [f"{entry['network']}, {entry['size']} px, median of {entry['rounds']} rounds"]
    lines += [f"  {name:<10} {time:>10.2f} ms" for name, time in entry["median_ms"].items()]
    for goal in entry["goals"]:
        verdict = "reached" if goal["reached"] else "NOT reached"
        lines.append(f"  {goal['name']:<52} {goal['ratio']:>7.2f}  goal {goal['goal']:<8} {verdict}")
    first, ratio = entry["prediction_beside"].values()
    if first != entry["network"]:
        lines.append(f"  {f'prediction / one of {first}':<52} {ratio:>7.2f}")
    return "\n".join(lines)
