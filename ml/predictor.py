"""Bytes -> second read: decode, check, preprocess, forward, calibrate, explain; each stage timed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ml import checkpoint, imaging
from ml.calibrate import probabilities
from ml.card import SHIPPED
from ml.caution import warnings_of
from ml.engine import EngineName, Outputs, create
from ml.evidence import heatmap
from ml.imaging import ImagingLimits
from ml.preprocess import to_input
from ml.scope import ScopeTest
from ml.timing import Stopwatch
from ml.types import Finding, Heatmap, NetworkId, Prediction, Scan

Decode = Callable[[bytes, int], Scan]
"""Bytes of a file and a frame -> that frame, as `ml.imaging.decode`, whose errors it raises."""


class Predictor:
    """One network, ready to read scans. Safe to use from many threads at once.

    The same bytes give the same answer to the last bit; alone or in a batch to 1e-5. `decode` says where
    files are decoded: in this process within `limits` by default, elsewhere for files of strangers.

    Raises:
        CardError, WeightsUnavailableError, WeightsMismatchError: see `ml.checkpoint.load`.
        UnsupportedLayerError, EngineDisagreesError: see `ml.engine.create`.

    Example:
        >>> predictor = Predictor()                                  # the shipped network
        >>> predictor.predict(Path("scan.png").read_bytes()).call    # doctest: +SKIP
        'not_suspicious'
    """

    def __init__(
        self,
        directory: Path | None = None,
        *,
        engine: EngineName = "auto",
        threads: int | None = None,
        limits: ImagingLimits | None = None,
        decode: Decode | None = None,
    ) -> None:
        folder = directory or SHIPPED
        network, self.card = checkpoint.load(folder)
        self.network = NetworkId(self.card.name, self.card.version, self.card.checksum)
        self.engine = create(network, self.card.network, self.card.preprocessing.size, engine, threads)
        self._scope = ScopeTest.load(folder, self.card)
        self._decode = decode or partial(imaging.decode, limits=limits or ImagingLimits())

    def predict(self, data: bytes, frame: int = 0) -> Prediction:
        """The second read of one frame of a file.

        Raises:
            ImageError: the bytes can't be read, see `ml.imaging.decode`.
        """
        return self.decode_and_predict(data, frame)[1]

    def decode_and_predict(self, data: bytes, frame: int = 0) -> tuple[Scan, Prediction]:
        """`predict`, with the frame that it decoded: for who needs the pixels too. Errors as in `predict`."""
        watch = Stopwatch()
        scan = self._decode(data, frame)
        watch.lap("decode")
        return scan, self._read([scan], watch)[0]

    def predict_scan(self, scan: Scan) -> Prediction:
        """The second read of a decoded frame."""
        return self._read([scan], Stopwatch())[0]

    def predict_batch(self, scans: Sequence[Scan]) -> list[Prediction]:
        """The second reads of several frames in one forward pass; `timings_ms` are of the whole batch."""
        return self._read(scans, Stopwatch()) if scans else []

    def _read(self, scans: Sequence[Scan], watch: Stopwatch) -> list[Prediction]:
        batch = to_input([scan.pixels for scan in scans], self.card.preprocessing)
        watch.lap("preprocess")
        outputs = self.engine.run(batch)
        watch.lap("forward")
        reasons = [self._scope.reason(scan, row) for scan, row in zip(scans, outputs.features, strict=True)]
        watch.lap("check")
        findings = self._findings(outputs)
        watch.lap("explain")
        timings = watch.milliseconds()
        rows = zip(scans, findings, reasons, strict=True)
        return [self._prediction(scan, found, reason, timings) for scan, found, reason in rows]

    def _findings(self, outputs: Outputs) -> list[tuple[Finding, ...]]:
        """The findings of each row: calibrated probabilities, and a heatmap for every class."""
        chances = probabilities(outputs.logits, self.card.calibration)
        return [
            tuple(
                Finding(label, float(chance), self._heatmap(label, raw))
                for label, chance, raw in zip(self.card.classes, row, row_maps, strict=True)
            )
            for row, row_maps in zip(chances, outputs.maps, strict=True)
        ]

    def _heatmap(self, label: str, raw: NDArray[np.float32]) -> Heatmap:
        return heatmap(label, raw, self.card.cam_scale, self.card.heatmaps)

    def _prediction(
        self, scan: Scan, findings: tuple[Finding, ...], reason: str | None, timings: dict[str, float]
    ) -> Prediction:
        point = self.card.operating_point
        chance = next(finding.probability for finding in findings if finding.label == point.label)
        top = max(findings, key=lambda finding: finding.probability)
        return Prediction(
            findings=findings,
            call="suspicious" if chance >= point.threshold else "not_suspicious",
            out_of_scope=reason is not None,
            reason=reason,
            warnings=warnings_of(scan, chance, top, self.card),
            network=self.network,
            timings_ms=dict(timings),
        )
