"""What the product says of a data set: the same path from bytes to probabilities as in the clinic."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from ml import imaging
from ml.data import Sample
from ml.errors import DataError, ImageError
from ml.evaluation.statistic import Array
from ml.predictor import Predictor
from ml.types import Scan

_BATCH = 16


@dataclass(frozen=True, slots=True)
class Answers:
    """`probabilities`: float64 (N, C), calibrated, in the card's class order. `flagged`: bool (N,), True
    where the image was held to be out of scope, so that in the clinic no class would have been shown."""

    probabilities: Array
    flagged: NDArray[np.bool_]


def read(predictor: Predictor, samples: Sequence[Sample]) -> Answers:
    """Predict every image. A progress bar goes to standard error where that is a terminal.

    Raises:
        DataError: images that can't be read, all of them listed.
    """
    probabilities, flagged = [], []
    with tqdm(total=len(samples), unit="image", disable=None) as bar:
        for scans in _batches(samples):
            for prediction in predictor.predict_batch(scans):
                probabilities.append(list(prediction.probabilities.values()))
                flagged.append(prediction.out_of_scope)
            bar.update(len(scans))
    return Answers(np.array(probabilities, dtype=np.float64), np.array(flagged, dtype=np.bool_))


def _batches(samples: Sequence[Sample]) -> Iterator[list[Scan]]:
    problems: list[str] = []
    for start in range(0, len(samples), _BATCH):
        scans = []
        for sample in samples[start : start + _BATCH]:
            try:
                scans.append(imaging.decode(sample.path.read_bytes()))
            except (ImageError, OSError) as error:
                problems.append(f"{sample.key}: {error}")
        if not problems:
            yield scans
    if problems:
        raise DataError(
            f"{len(problems)} images can't be read. {problems[0]}", "Fetch them again.", tuple(problems)
        )
