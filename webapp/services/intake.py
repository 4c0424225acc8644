"""Files come in: each is judged by its bytes, kept as received, filed in a case, and answered by itself.

The order is what makes a crash harmless. First the bytes are safe in the storage; then one commit
writes the image and its job; only then is the queue woken. A crash after the first step leaves a file
without a row, which `sweeping` removes; a crash after the second a queued job, which the reaper wakes.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import BinaryIO, Literal

import ml
from webapp import config
from webapp.models import Image, User
from webapp.permissions import require_writer
from webapp.services import audit, decoding, filing, waking
from webapp.services.archives import ArchiveError, ArchiveLimits, members
from webapp.services.decoding import DecoderUnavailable
from webapp.services.filing import Fields, Received
from webapp.services.names import clean_filename
from webapp.services.storage import StorageError, storage

log = logging.getLogger(__name__)

_ACCEPTED = "Received. The analysis is on its way."
_SEEN = "Seen before: the same file is already in a case."
_ERASED = "This file belonged to a case that was erased, so it is not taken in again. Ask your administrator."
_NESTED = "An archive inside an archive is not opened. Unpack it and upload what it holds."
_HEAD = 1024


@dataclass(frozen=True, slots=True)
class Upload:
    """One uploaded file: its name as given and a seekable stream of its bytes."""

    filename: str | None
    stream: BinaryIO


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one file. `exam_uid` and `image_uid` are None where it was refused."""

    name: str
    state: Literal["accepted", "seen", "refused"]
    code: str
    message: str
    exam_uid: str | None = None
    image_uid: str | None = None


def accept(user: User, uploads: Iterable[Upload], fields: Fields) -> list[Verdict]:
    """Take in files and zip archives; one verdict a file, in order. A bad one never stops the rest.

    Only one file at a time is in memory, at most `MAX_FILE_BYTES` of it.

    Raises:
        Forbidden: `user` may not upload.
    """
    require_writer(user)
    verdicts = []
    for upload in uploads:
        for verdict in _verdicts(user, upload, fields):
            if verdict.state == "refused":
                audit.note("refused", user, "file", code=verdict.code)
            verdicts.append(verdict)
    return verdicts


def _verdicts(user: User, upload: Upload, fields: Fields) -> Iterator[Verdict]:
    head = upload.stream.read(_HEAD)
    upload.stream.seek(0)
    if ml.sniff(head) == "zip":
        yield from _unpacked(user, upload, fields)
    else:
        # One byte more than allowed is enough to tell that there are too many.
        data = upload.stream.read(config.current().max_file_bytes + 1)
        yield _judge(user, clean_filename(upload.filename), data, fields)


def _unpacked(user: User, upload: Upload, fields: Fields) -> Iterator[Verdict]:
    settings = config.current()
    limits = ArchiveLimits(settings.max_upload_files, settings.max_zip_bytes, settings.max_file_bytes)
    try:
        for member in members(upload.stream, limits):
            name = clean_filename(member.name)
            if member.problem is not None:
                yield Verdict(name, "refused", member.problem.code, str(member.problem))
            elif ml.sniff(member.data[:_HEAD]) == "zip":
                yield Verdict(name, "refused", "nested_archive", _NESTED)
            else:
                yield _judge(user, name, member.data, fields)
    except ArchiveError as error:
        yield Verdict(clean_filename(upload.filename), "refused", error.code, str(error))


def _judge(user: User, name: str, data: bytes, fields: Fields) -> Verdict:
    sha256 = hashlib.sha256(data).hexdigest()
    earlier = filing.find_seen(user, sha256)
    if earlier is not None:
        return _seen(name, earlier)
    if filing.find_erased(user.group_id, sha256) is not None:
        return Verdict(name, "refused", "erased", _ERASED)
    try:
        info = decoding.inspect(data)
        received = Received(name, storage().save(data), sha256, len(data), info)
    except ml.ImageError as error:
        return Verdict(name, "refused", error.code, str(error))
    except (DecoderUnavailable, StorageError) as error:
        log.exception("an upload could not be looked at or kept")
        return Verdict(name, "refused", error.code, error.message)
    return _file(user, received, fields)


def _file(user: User, received: Received, fields: Fields) -> Verdict:
    image, is_new = filing.record(user, received, fields)
    if not is_new:
        with suppress(StorageError):  # swept later, then
            storage().delete(received.storage_key)
        return _seen(received.filename, image)
    waking.wake()
    return Verdict(received.filename, "accepted", "accepted", _ACCEPTED, image.exam.uid, image.uid)


def _seen(name: str, image: Image) -> Verdict:
    return Verdict(name, "seen", "seen", _SEEN, image.exam.uid, image.uid)
