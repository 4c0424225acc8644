"""A whole study: every system under the protocols asked for, and the folder that tells of it."""

from __future__ import annotations

import csv
import hashlib
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ml.data import Sample
from ml.study import presets, report, trial, units
from ml.study.figures import CLAIMED, difference
from ml.study.protocols import Protocol
from ml.study.settings import Settings
from ml.study.trial import Trial

REPORT = "report.html"
_TRIALS = {"as-published": trial.as_published, "leak-free": trial.leak_free}


def run(settings: Settings, protocols: Sequence[Protocol], say: Callable[[str], None]) -> Path:
    """Run what is not done yet, write the folder, return the report.

    Killed at any moment and typed again it goes on: units that are done are read back, one that was training
    goes on from its last epoch. `say` is told each step.

    Raises:
        DataError: the folder holds another study.
        MlError: as training and evaluation.
    """
    if units.is_first():
        settings.claim()
        _write_images(settings.material.published, settings.out / "images.csv")
        _write_conflicts(settings.material.conflicts, settings.out / "conflicts.csv")
    systems = presets.systems(settings.paper, settings.preset, settings.only)
    steps = {"as-published": 1, "leak-free": settings.preset.folds + 1}
    total, done = len(systems) * sum(steps[protocol] for protocol in protocols), 0
    found: list[Trial] = []
    for system in systems:
        for protocol in protocols:

            def step(what: str, protocol: Protocol = protocol, name: str = system.name) -> None:
                nonlocal done
                done += 1
                say(f"[{done}/{total}] {name}, {protocol}: {what}")

            found.append(_TRIALS[protocol](settings, system, step))
    if units.is_first():
        _write(settings.out / "results.json", json.dumps(_results(settings, found), indent=1) + "\n")
        _write(settings.out / REPORT, report.render(settings, found))
        shutil.rmtree(settings.work, ignore_errors=True)
    units.wait()
    return settings.out / REPORT


def _results(settings: Settings, trials: Sequence[Trial]) -> dict[str, Any]:
    """The report's figures as data."""
    return {
        "recipe": settings.paper.name,
        "preset": settings.preset.name,
        "changed": presets.changes(settings.paper, settings.preset, settings.only),
        "command": settings.command,
        "data": settings.material.fingerprint,
        "claims": [asdict(claim) for claim in settings.paper.claims],
        "contradictions": [asdict(each) for each in settings.paper.contradictions],
        "trials": [_result(one) for one in trials],
        "differences": [
            {"system": a.system.name, "figure": name, **found.model_dump()}
            for a in trials
            for b in trials
            if a.system == b.system and (a.protocol, b.protocol) == ("as-published", "leak-free")
            for name in CLAIMED
            if (found := difference(a.figures, b.figures, name)) is not None
        ],
        **({"by_augmentation": report.by_augmentation(trials)} if any(t.drawings for t in trials) else {}),
    }


def _result(one: Trial) -> dict[str, Any]:
    return {
        "system": one.system.name,
        "network": one.system.network,
        "protocol": one.protocol,
        "started_from": one.start,
        "judged": one.judged,
        "leaked": one.leaked,
        "manifests": one.manifests,
        "figures": {name: value.model_dump() for name, value in one.figures.values.items()},
        "undefined": one.figures.undefined,
        "out_of_fold": {
            name: value.model_dump()
            for name, value in (one.out_of_fold.values if one.out_of_fold else {}).items()
        },
        "confusion": one.confusion.tolist(),
        **(_of_gans(one) if one.drawings else {}),
    }


def _of_gans(one: Trial) -> dict[str, Any]:
    return {
        "leaks": asdict(one.leaks),
        "drawings": {name: asdict(drawing) for name, drawing in one.drawings.items()},
        "figures_without_drawn": {
            name: value.model_dump() for name, value in (one.real.values if one.real else {}).items()
        },
    }


def _write_images(samples: Sequence[Sample], path: Path) -> None:
    """Every image with its SHA-256: what was studied, without a folder of this machine."""
    rows = sorted(
        (s.key, s.label, s.patient, s.group, hashlib.sha256(s.path.read_bytes()).hexdigest()) for s in samples
    )
    _table(path, ("key", "label", "patient", "group", "sha256"), rows)


def _write_conflicts(groups: Sequence[Sequence[Sample]], path: Path) -> None:
    """Near copies with several labels: in the papers' protocol they take part, in the other they don't."""
    _table(path, ("group", "key", "label"), [(s.group, s.key, s.label) for group in groups for s in group])


def _table(path: Path, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    beside = path.with_suffix(".partial")
    with beside.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerows([head, *rows])
    beside.replace(path)


def _write(path: Path, text: str) -> None:
    beside = path.with_suffix(".partial")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)
