"""The worker's side of an analysis: the only door to the network. A job is answered once, by one worker."""

from __future__ import annotations

import hashlib
import logging
import threading
from typing import cast

from flask import current_app
from sqlalchemy import select

import ml
from webapp import config
from webapp.extensions import db
from webapp.models import Analysis, Image
from webapp.services import heatmaps, leases
from webapp.services.heartbeat import Heartbeat
from webapp.services.intake import imaging_limits
from webapp.services.leases import Lease, LeaseLost
from webapp.services.storage import StoredFileMissing, storage

log = logging.getLogger(__name__)

_loading = threading.Lock()
_CHANGED = (
    "stored_file_changed",
    "The stored file is not as it was uploaded. Ask your administrator to restore it from the backup.",
)


def predictor() -> ml.Predictor:
    """The network of this process, loaded on first use.

    Raises:
        ml.MlError: the weights are missing, damaged or contradict their card.
    """
    with _loading:
        if "predictor" not in current_app.extensions:
            settings = config.current()
            current_app.extensions["predictor"] = ml.Predictor(
                settings.ml_weights, threads=settings.ml_threads, limits=imaging_limits()
            )
        return cast(ml.Predictor, current_app.extensions["predictor"])


def run_next(worker: str) -> bool:
    """Do the oldest waiting job, to its end; False where there was none.

    The network is loaded before the claim, so that a worker killed while loading has used up no attempt.
    """
    network = predictor()
    seconds = config.current().lease_seconds
    lease = leases.claim(worker, seconds)
    if lease is None:
        return False
    try:
        with Heartbeat(db.engine, lease, seconds):
            _answer(network, lease)
    except LeaseLost:
        log.warning("job %d, attempt %d: lease lost, answer dropped", lease.job_id, lease.attempt)
    return True


def _answer(network: ml.Predictor, lease: Lease) -> None:
    """Analyse, and close the job with the answer or with what is wrong. Raises LeaseLost."""
    try:
        data = _bytes_of(lease)
        if data is None:
            leases.fail(lease, *_CHANGED)
        else:
            leases.finish(lease, _row(lease, network, network.predict(data, lease.frame)))
    except ml.ImageError as error:
        leases.fail(lease, error.code, str(error))
    except StoredFileMissing as error:
        leases.fail(lease, error.code, error.message)
    except LeaseLost:
        raise
    except Exception:
        # Whatever it is, the row must not claim that somebody is at work. The log has the trace.
        log.exception("job %d, attempt %d failed", lease.job_id, lease.attempt)
        db.session.rollback()
        leases.put_back(lease)


def _bytes_of(lease: Lease) -> bytes | None:
    """The image's bytes as received, or None where the storage gives back others."""
    key, sha256 = db.session.execute(
        select(Image.storage_key, Image.sha256).where(Image.id == lease.image_id)
    ).one()
    db.session.rollback()  # no transaction stays open while the network works
    data = storage().read(key)
    return data if hashlib.sha256(data).hexdigest() == sha256 else None


def _row(lease: Lease, network: ml.Predictor, prediction: ml.Prediction) -> Analysis:
    point = network.card.operating_point
    probabilities = prediction.probabilities
    return Analysis(
        image_id=lease.image_id,
        frame=lease.frame,
        job_id=lease.job_id,
        network_name=prediction.network.name,
        network_version=prediction.network.version,
        network_checksum=prediction.network.checksum,
        probabilities=probabilities,
        call=prediction.call,
        threshold=point.threshold,
        out_of_scope=prediction.out_of_scope,
        reason=prediction.reason,
        warnings=list(prediction.warnings),
        heatmaps={finding.label: heatmaps.to_json(finding.heatmap) for finding in prediction.findings},
        timings=prediction.timings_ms,
        malignant=probabilities[point.label],
        top_label=max(probabilities, key=probabilities.__getitem__),
    )
