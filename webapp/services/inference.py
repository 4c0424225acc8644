"""The worker's side of an analysis: the only door to the network. A job is answered once, by one worker."""

from __future__ import annotations

import hashlib
import logging
import threading

from flask import current_app
from sqlalchemy import exists, select

import ml
from webapp import config
from webapp.extensions import db
from webapp.models import Analysis, Image
from webapp.services import decoding, heatmaps, leases, likenesses, networks
from webapp.services.heartbeat import Heartbeat
from webapp.services.leases import Lease, LeaseLost
from webapp.services.storage import StoredFileMissing, storage

log = logging.getLogger(__name__)

_loading = threading.Lock()
_CHANGED = (
    "stored_file_changed",
    "The stored file is not as it was uploaded. Ask your administrator to restore it from the backup.",
)


def predictor() -> ml.Predictor:
    """The active network, loaded on first use and again after each switch: one process holds one.

    Raises:
        ml.MlError: the weights are missing, damaged or contradict their card.
    """
    wanted = networks.active()
    db.session.rollback()  # no transaction stays open while the network loads
    loaded = _loaded()
    with _loading:
        if wanted.checksum not in loaded:
            threads = config.current().ml_threads
            network = ml.Predictor(wanted.folder, threads=threads, decode=decoding.decode)
            loaded.clear()
            loaded[wanted.checksum] = network
            log.info("network %s %s loaded", wanted.card.name, wanted.card.version)
        return loaded[wanted.checksum]


def keep_up() -> tuple[str | None, str | None]:
    """Load the active network where another is loaded here; which one is loaded now, and what keeps the
    active one from it."""
    fault = None
    if _loaded():
        try:
            predictor()
        except ml.MlError as error:
            fault = str(error)
    return next(iter(_loaded()), None), fault


def _loaded() -> dict[str, ml.Predictor]:
    """Checksum -> the network that this process has loaded; empty before the first."""
    loaded: dict[str, ml.Predictor] = current_app.extensions.setdefault("predictors", {})
    return loaded


def run_next(worker: str) -> bool:
    """Do the oldest waiting job, to its end; False where there was none, or no network to do it with.

    The network is loaded before the claim, so that a worker killed while loading has used up no attempt.
    """
    try:
        network = predictor()
    except ml.MlError as error:
        log.error("the active network can't be loaded, so jobs wait: %s", error)  # noqa: TRY400 no bug of ours
        return False
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
        if _answered(network, lease):
            leases.finish(lease, None)
            return
        data = _bytes_of(lease)
        if data is None:
            leases.fail(lease, *_CHANGED)
        else:
            scan, prediction = network.decode_and_predict(data, lease.frame)
            if lease.frame == 0:  # before the answer is told: the page that waits for it shows both
                likenesses.look(lease.image_id, scan)
            leases.finish(lease, _row(lease, network, prediction))
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


def _answered(network: ml.Predictor, lease: Lease) -> bool:
    """Whether this network has answered this frame before: a job of before somebody switched back to it."""
    same = (Analysis.image_id == lease.image_id, Analysis.frame == lease.frame)
    by_it = exists().where(*same, Analysis.network_checksum == network.card.checksum)
    return bool(db.session.scalar(select(by_it)))


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
