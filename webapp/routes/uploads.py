"""Uploads: the answer to files sent from the drop page, with or without JavaScript."""

from __future__ import annotations

from typing import Any, cast

from flask import Blueprint, jsonify, render_template, request, url_for
from flask.typing import ResponseReturnValue

from webapp import config, logs
from webapp.errors import InvalidInput, TooLarge
from webapp.forms.uploads import UploadForm
from webapp.services import intake, near_copies
from webapp.services.intake import Upload, Verdict
from webapp.signin import person

bp = Blueprint("uploads", __name__)

_FORM_BYTES = 2**20
"""Room for the form's fields and the boundaries between the parts."""


@bp.url_value_preprocessor
def _allow_files(endpoint: str | None, values: dict[str, Any] | None) -> None:
    """Uploads may be larger than other requests. Set before anything, the CSRF check first, reads the form;
    the gate stands before that check, so that nobody sends so much without being signed in."""
    settings = config.current()
    request.max_content_length = settings.max_zip_bytes + _FORM_BYTES
    request.max_form_parts = settings.max_upload_files + 32


@bp.post("/uploads")
def create() -> ResponseReturnValue:
    """Take in the files under `files`; answer each by itself, as JSON where that is asked for."""
    form = UploadForm()
    if not form.validate():
        raise _not_uploaded({name: words[0] for name, words in form.errors.items() if name})
    verdicts = intake.accept(person(), _uploads(), form.fields())
    logs.about(verdict.exam_uid for verdict in verdicts)
    if request.accept_mimetypes.best_match(["text/html", "application/json"]) == "application/json":
        return jsonify(files=[_as_json(verdict) for verdict in verdicts])
    copies = near_copies.of_images(person(), [verdict.image_uid for verdict in verdicts if verdict.image_uid])
    return render_template("uploads/result.html", verdicts=verdicts, copies_of=copies)


def _uploads() -> list[Upload]:
    files = [file for file in request.files.getlist("files") if file.filename]
    if not files:
        raise _not_uploaded({"files": "Choose at least one file."})
    if len(files) > config.current().max_upload_files:
        raise TooLarge(f"At most {config.current().max_upload_files} files at once. Send them in parts.")
    return [Upload(file.filename, cast(Any, file.stream)) for file in files]


def _not_uploaded(problems: dict[str, str]) -> InvalidInput:
    words = " ".join(f"{name.replace('_', ' ').capitalize()}: {what}" for name, what in problems.items())
    return InvalidInput(f"Nothing was uploaded. {words}", problems)


def _as_json(verdict: Verdict) -> dict[str, str | None]:
    case_url = verdict.exam_uid and url_for("cases.show", uid=verdict.exam_uid)
    return {
        "name": verdict.name,
        "state": verdict.state,
        "code": verdict.code,
        "message": verdict.message,
        "case_url": case_url,
        "image_uid": verdict.image_uid,
    }
