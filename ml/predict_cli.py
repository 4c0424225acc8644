"""`python -m ml predict FILE... [--json] [--overlays DIR] [--weights DIR]`: a second read in the terminal."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tqdm import tqdm

from ml.errors import ImageError, MlError
from ml.imaging import ImagingLimits, decode
from ml.overlay import picture
from ml.predictor import Predictor
from ml.types import Prediction

LIMITS = ImagingLimits()


class UnreadableFileError(ImageError):
    """The operating system doesn't hand out the file."""

    code = "unreadable_file"
    default_remedy = "Check the name and the permissions."


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Plug `predict` into `python -m ml`."""
    parser = subparsers.add_parser("predict", help="read scans with the shipped or given network")
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="an image or DICOM file")
    parser.add_argument("--json", action="store_true", help="one array on standard output, an object a file")
    parser.add_argument("--overlays", type=Path, metavar="DIR", help="write a picture a class into DIR")
    parser.add_argument("--weights", type=Path, metavar="DIR", help="weights and card (default: shipped)")
    parser.add_argument("--frame", type=int, default=0, help="frame of a loop, from 0 (default: 0)")
    parser.add_argument("--engine", choices=("auto", "onnx", "torch"), default="auto")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """0: every file was read; 1: some were not, and their `error` says why. One bad file stops no other.

    Raises:
        MlError: the network can't be loaded, or the folder for the overlays can't be made.
    """
    predictor = Predictor(arguments.weights, engine=arguments.engine, limits=LIMITS)
    if arguments.overlays:
        _make(arguments.overlays)
    answers = []
    for position, path in enumerate(tqdm(arguments.files, unit="file", disable=None)):  # on standard error
        answer = _answer(predictor, path, arguments, position)
        answers.append(answer)
        if not arguments.json:
            tqdm.write(_text(answer), file=sys.stdout)
    if arguments.json:
        print(json.dumps(answers, indent=2))
    return 1 if any("error" in answer for answer in answers) else 0


def _answer(predictor: Predictor, path: Path, arguments: argparse.Namespace, position: int) -> dict[str, Any]:
    try:
        data = _read(path)
        prediction = predictor.predict(data, arguments.frame)
        if arguments.overlays and not prediction.out_of_scope:
            _draw(data, arguments.frame, prediction, arguments.overlays / f"{position + 1:03d}-{path.stem}")
    except MlError as error:
        return {"file": str(path), "error": str(error)}
    return {"file": str(path), **_record(prediction)}


def _read(path: Path) -> bytes:
    """At most one byte more than the limit: a huge file is refused without being read whole."""
    try:
        with path.open("rb") as file:
            return file.read(LIMITS.max_bytes + 1)
    except OSError as error:
        raise UnreadableFileError(f"The file can't be read: {error.strerror}.") from error


def _record(prediction: Prediction) -> dict[str, Any]:
    return {
        "probabilities": prediction.probabilities,
        "call": prediction.call,
        "out_of_scope": prediction.out_of_scope,
        "reason": prediction.reason,
        "warnings": list(prediction.warnings),
        "network": asdict(prediction.network),
        "timings_ms": {name: round(time, 3) for name, time in prediction.timings_ms.items()},
    }


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UnreadableFileError(f"The folder for the overlays can't be made: {error.strerror}.") from error


def _draw(data: bytes, frame: int, prediction: Prediction, stem: Path) -> None:
    scan = decode(data, frame, LIMITS)
    for finding in prediction.findings:
        target = stem.with_name(f"{stem.name}-{finding.label}.png")
        try:
            target.write_bytes(picture(scan, finding.heatmap))
        except OSError as error:
            raise UnreadableFileError(f"An overlay can't be written: {error.strerror}.") from error


def _text(answer: dict[str, Any]) -> str:
    """For people. Out of scope: the reason, and no class."""
    if "error" in answer:
        return f"{answer['file']}: {answer['error']}"
    if answer["out_of_scope"]:
        return f"{answer['file']}: out of scope. {answer['reason']}"
    chances = ", ".join(f"{label} {chance:.2f}" for label, chance in answer["probabilities"].items())
    lines = [f"{answer['file']}: {answer['call'].replace('_', ' ')} ({chances})"]
    return "\n".join([*lines, *(f"  {warning}" for warning in answer["warnings"])])
