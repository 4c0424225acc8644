"""A backup holds everything, is whole or refused, and comes back the same wherever it is restored."""

from __future__ import annotations

import hashlib
import io
import shutil
import tarfile
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import flask_migrate
import pytest
import sqlalchemy as sa
from flask import Flask

from tests.conftest import settings
from tests.scans import dicom, png
from tests.services_support import moto_server
from tests.webapp.rows import add_one_of_each
from webapp import create_app
from webapp.config import ROOT
from webapp.extensions import db
from webapp.models import AuditEntry, Base, Exam, Image, Job, User, now
from webapp.services import accounts, audit_verify, backup, backup_file, dump, intake, restore
from webapp.services.backup_file import BackupError
from webapp.services.filing import Fields
from webapp.services.intake import Upload
from webapp.services.storage import storage

MIGRATIONS = str(ROOT / "migrations")
NEW = accounts.NewUser("reader@west.example", "Reader", "correct horse battery", "West", ("tutor",))


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    with moto_server() as url:
        yield url


def application(folder: Path, **more: object) -> Flask:
    return create_app(settings(folder, **more))


def place(kind: str, request: pytest.FixtureRequest, folder: Path) -> Flask:
    """An application on an empty place: "sqlite" with a folder, "postgres" with a bucket."""
    if kind == "sqlite":
        return application(folder)
    bucket = f"{request.getfixturevalue('bucket')}/{folder.parent.name}"
    return application(folder, database_url=request.getfixturevalue("postgres_url"), storage_url=bucket)


def fill() -> User:
    """A row in each table, and two uploads with their files. Returns who uploaded."""
    flask_migrate.upgrade(MIGRATIONS)
    add_one_of_each()
    user = accounts.create(NEW)
    upload(user, "scan.png", png(1))
    upload(user, "scän.dcm", dicom(2))
    return user


def upload(user: User, name: str, data: bytes) -> None:
    (verdict,) = intake.accept(user, [Upload(name, io.BytesIO(data))], Fields(patient_reference="P-1"))
    assert verdict.state == "accepted"


def everything() -> dict[str, list[tuple]]:
    """All rows, read through the models: {table: rows in the order of the key}."""
    with db.engine.connect() as connection:
        return {
            table.name: [
                tuple(row) for row in connection.execute(sa.select(table).order_by(*table.primary_key))
            ]
            for table in Base.metadata.sorted_tables
        }


def files() -> dict[str, str]:
    keys = list(storage().keys("originals"))
    return {key: hashlib.sha256(storage().read(key)).hexdigest() for key in keys}


def without_later_entries(rows: dict[str, list[tuple]], before: dict[str, list[tuple]]) -> dict:
    """`rows` without the entries that backup and restore themselves added to the audit log."""
    entries = rows["audit_entries"][: len(before["audit_entries"])]
    return rows | {"audit_entries": entries, "audit_heads": before["audit_heads"]}


@pytest.fixture(scope="module")
def _filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a filled application in `source` and its backup `saved.tar`, made once, for copying."""
    folder = tmp_path_factory.mktemp("filled")
    app = application(folder / "source")
    with app.app_context():
        drop_images_without_files(fill())
        backup.make(folder / "saved.tar")
        db.session.remove()
        db.engine.dispose()
    return folder


@pytest.fixture
def saved(tmp_path: Path, _filled: Path) -> Path:
    """A backup of a filled SQLite and folder, which lie beside it in `source`."""
    shutil.copytree(_filled, tmp_path, dirs_exist_ok=True)
    return tmp_path / "saved.tar"


def drop_images_without_files(user: User) -> None:
    """The rows of `add_one_of_each` name a file that was never stored: give it one."""
    for image in db.session.scalars(sa.select(Image).where(Image.uploader_id != user.id)):
        data = b"any"
        image.storage_key, image.sha256 = storage().save(data), hashlib.sha256(data).hexdigest()
    db.session.commit()


@pytest.mark.parametrize(
    ("source", "target", "name"),
    [
        ("sqlite", "sqlite", "saved.tar"),
        pytest.param("sqlite", "postgres", "saved.tar.gz", marks=pytest.mark.slow),
        pytest.param("postgres", "sqlite", "saved.tar.gz", marks=pytest.mark.slow),
    ],
)
def test_everything_comes_back_the_same(
    request: pytest.FixtureRequest, tmp_path: Path, source: str, target: str, name: str
) -> None:
    app = place(source, request, tmp_path / "source")
    with app.app_context():
        drop_images_without_files(fill())
        rows, stored = everything(), files()
        made = backup.make(tmp_path / name)
        db.session.remove()
        db.engine.dispose()
    assert (made.rows, made.files, made.missing) == (sum(map(len, rows.values())), 4, ())
    assert all(rows.values()), "a table without a row is not tested"

    app = place(target, request, tmp_path / "target")
    with app.app_context():
        restored = restore.restore(tmp_path / name)
        assert (restored.rows, restored.files, restored.missing) == (made.rows, made.files, ())
        assert without_later_entries(everything(), rows) == rows
        assert files() == stored
        assert (
            db.session.scalars(sa.select(AuditEntry.action).order_by(AuditEntry.id)).all()[-1] == "restored"
        )
        faults = audit_verify.verify().faults
        assert [fault.code for fault in faults] == ["signed"], (
            "the chain came back unbroken, the forged review too"
        )
        # ... and life goes on: new rows get new numbers
        user = accounts.find(NEW.email)
        assert user is not None
        upload(user, "later.png", png(3))
        assert db.session.scalar(sa.select(sa.func.count(Image.id))) == len(rows["images"]) + 1
        db.session.remove()
        db.engine.dispose()


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgres", marks=pytest.mark.slow)])
def test_a_backup_beside_uploads_holds_every_image_with_its_file_and_job(
    request: pytest.FixtureRequest, tmp_path: Path, kind: str
) -> None:
    app = place(kind, request, tmp_path / "source")
    begun, stop = threading.Event(), threading.Event()
    sent: list[int] = []

    def keep_uploading() -> None:
        with app.app_context():
            user = accounts.find(NEW.email)
            assert user is not None
            for seed in range(100, 400):
                upload(user, f"{seed}.png", png(seed))
                sent.append(seed)
                if len(sent) == 4:
                    begun.set()
                if stop.is_set():
                    return

    def wait_for_more(done: int, total: int) -> None:
        """Hold the backup up, once its snapshot is taken, until there are more uploads beside it."""
        target = max(10, len(sent)) if done == total else 10
        while len(sent) < target and thread.is_alive():
            stop.wait(0.01)

    with app.app_context():
        drop_images_without_files(fill())
        thread = threading.Thread(target=keep_uploading)
        thread.start()
        try:
            assert begun.wait(60)
            before = set(db.session.scalars(sa.select(Image.sha256)))
            made = backup.make(tmp_path / "saved.tar", wait_for_more)
        finally:
            stop.set()
            thread.join()
        after = set(db.session.scalars(sa.select(Image.sha256)))
        db.session.remove()
        db.engine.dispose()
    assert made.missing == ()
    assert len(after) >= len(before) + 5, "nothing was uploaded meanwhile"

    with application(tmp_path / "target").app_context():
        restore.restore(tmp_path / "saved.tar")
        images = db.session.scalars(sa.select(Image)).all()
        assert before <= {image.sha256 for image in images} < after
        assert files() == {image.storage_key: image.sha256 for image in images}
        jobless = sa.select(Image.id).where(~sa.exists().where(Job.image_id == Image.id))
        assert db.session.scalars(jobless).all() == []


def test_a_place_in_use_is_left_alone_unless_forced(tmp_path: Path, saved: Path) -> None:
    with application(tmp_path / "target").app_context():
        flask_migrate.upgrade(MIGRATIONS)
        accounts.create(accounts.NewUser("old@west.example", "A", "correct horse battery", "G", ("admin",)))
        old = storage().save(b"old")
        with pytest.raises(restore.NotEmpty):
            restore.restore(saved)
        assert accounts.find("old@west.example")
        db.session.remove()
        restore.restore(saved, force=True)
        assert accounts.find("old@west.example") is None
        assert accounts.find(NEW.email)
        assert not storage().exists(old)


def test_a_lone_stored_file_counts_as_a_place_in_use(tmp_path: Path, saved: Path) -> None:
    with application(tmp_path / "target").app_context():
        storage().save(b"old")
        with pytest.raises(restore.NotEmpty):
            restore.restore(saved)


def repacked(path: Path, change) -> Path:
    """A copy of a tar with `change(name, data)` in place of each member's bytes; None leaves it out."""
    copy = path.with_name("changed.tar")
    with tarfile.open(path) as old, tarfile.open(copy, "w") as new:
        for member in old:
            data = change(member.name, old.extractfile(member).read())
            if data is not None:
                member.size = len(data)
                new.addfile(member, io.BytesIO(data))
    return copy


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda name, data: data[:-1] + b"!" if name.startswith("originals") else data, "damaged"),
        (lambda name, data: data.replace(b"P-1", b"P-2") if "patients" in name else data, "damaged"),
        (lambda name, data: None if name.startswith("originals") else data, "damaged"),
        (lambda name, data: None if name == "SHA256SUMS" else data, "broken off"),
        (lambda name, data: data.replace(b'"format": 1', b'"format": 9'), "damaged"),
    ],
)
def test_a_changed_backup_is_refused_before_anything_is_touched(
    tmp_path: Path, saved: Path, change, words: str
) -> None:
    with application(tmp_path / "target").app_context():
        with pytest.raises(BackupError, match=words):
            restore.restore(repacked(saved, change))
        assert sa.inspect(db.engine).get_table_names() == []
        assert files() == {}


@pytest.mark.parametrize("share", [0.0, 0.3, 0.6])
@pytest.mark.parametrize("ending", [".tar", ".tar.gz"])
def test_a_backup_that_was_cut_is_refused(tmp_path: Path, saved: Path, share: float, ending: str) -> None:
    whole = saved
    if ending == ".tar.gz":
        with application(tmp_path / "source").app_context():
            whole = tmp_path / f"again{ending}"
            backup.make(whole)
            db.engine.dispose()
    cut = tmp_path / f"cut{ending}"
    cut.write_bytes(whole.read_bytes()[: int(whole.stat().st_size * share)])
    with application(tmp_path / "target").app_context(), pytest.raises(BackupError):
        restore.check(cut)


def test_a_backup_of_a_newer_version_is_refused_and_says_what_to_do(tmp_path: Path) -> None:
    header = b'{"format": 1, "revision": "9999", "made_at": "2030-01-01", "total": 0, "tables": []}'
    path = tmp_path / "newer.tar"
    with backup_file.Writer(path) as file:
        file.add("backup.json", header)
    with application(tmp_path / "target").app_context(), pytest.raises(BackupError, match="upgrade first"):
        restore.check(path)


def test_a_backup_is_for_its_owner_only_and_never_overwrites(tmp_path: Path, saved: Path) -> None:
    assert saved.stat().st_mode & 0o077 == 0
    with (
        application(tmp_path / "source").app_context(),
        pytest.raises(BackupError, match="never overwritten"),
    ):
        backup.make(saved)
    assert [path.name for path in tmp_path.glob("*.partial")] == []


def test_a_backup_that_fails_leaves_nothing_under_its_name(tmp_path: Path, saved: Path) -> None:
    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with application(tmp_path / "source").app_context(), pytest.raises(KeyboardInterrupt):
        backup.make(tmp_path / "second.tar", stop)
    assert {path.name for path in tmp_path.iterdir()} == {"source", "saved.tar"}


def test_a_missing_and_a_damaged_file_are_named_and_the_rest_is_saved(tmp_path: Path, saved: Path) -> None:
    with application(tmp_path / "source").app_context():
        first, second, *_ = files()
        storage().delete(first)
        storage().put_back(second, b"rotten")
        made = backup.make(tmp_path / "second.tar")
        db.engine.dispose()
    assert sorted(made.missing) == sorted([first, second])
    with application(tmp_path / "target").app_context():
        assert restore.restore(tmp_path / "second.tar").missing == made.missing
        assert len(files()) == 2


def test_a_restore_that_breaks_off_can_begin_again(
    tmp_path: Path, saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(done: int, total: int) -> None:
        if done == total:
            raise KeyboardInterrupt

    with application(tmp_path / "target").app_context():
        with pytest.raises(KeyboardInterrupt):
            restore.restore(saved, progress=stop)
        assert db.session.scalar(sa.select(sa.func.count(Exam.id))) == 0
        db.session.remove()
        restore.restore(saved, force=True)
        assert len(files()) == 4


def test_a_restore_compares_what_it_brought_back(
    tmp_path: Path, saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with application(tmp_path / "target").app_context():
        monkeypatch.setattr(dump, "count_on", lambda connection, sheet: _forget_a_note(connection, sheet))
        with pytest.raises(BackupError, match="differs from the backup in: exams"):
            restore.restore(saved)


def _forget_a_note(connection: sa.Connection, sheet: dump.Sheet) -> None:
    if sheet.name == "exams":
        connection.execute(sa.update(sheet.table).values(note="another"))


def test_the_commands_say_what_they_did_and_ask_before_they_remove(tmp_path: Path, saved: Path) -> None:
    run = application(tmp_path / "source").test_cli_runner().invoke
    result = run(args=["backup", str(tmp_path / "by-hand.tar.gz")])
    assert result.exit_code == 0, result.output
    assert "4 files saved to" in result.output
    assert "is whole: made at" in run(args=["restore", "--check", str(saved)]).output
    assert run(args=["restore", str(saved)]).exit_code == 1
    refused = run(args=["restore", "--force", str(saved)], input="n\n")
    assert refused.exit_code == 1
    assert "Everything in the database and the storage will be removed" in refused.output
    done = run(args=["restore", "--force", "--yes", str(saved)])
    assert done.exit_code == 0, done.output
    assert "each was compared" in done.output


def test_a_backup_with_a_missing_file_ends_with_a_status_of_its_own(tmp_path: Path, saved: Path) -> None:
    app = application(tmp_path / "source")
    with app.app_context():
        storage().delete(next(iter(files())))
    result = app.test_cli_runner().invoke(args=["backup", str(tmp_path / "by-hand.tar")])
    assert result.exit_code == 2
    assert "1 files were missing or damaged" in result.output


def test_a_dump_keeps_every_kind_of_value(app: Flask) -> None:
    columns = {
        "id": sa.Integer(), "at": sa.DateTime(timezone=True), "day": sa.Date(), "raw": sa.LargeBinary(),
        "yes": sa.Boolean(), "share": sa.Double(), "text": sa.Text(), "free": sa.JSON(none_as_null=True),
    }  # fmt: skip
    made = (sa.Column(name, kind, primary_key=name == "id") for name, kind in columns.items())
    table = sa.Table("kinds", sa.MetaData(), *made)
    yesterday = now().date() - timedelta(days=1)
    values = (1, now(), yesterday, b"\0\xff", True, 0.1 + 0.2, "ä\n\u2028\0", {"b": 1, "a": [None]})
    sheet = dump.Sheet.of(table)
    assert dump.Sheet.from_json(sheet.as_json()) == sheet
    with app.app_context(), db.engine.connect() as connection:
        table.create(connection)
        connection.execute(sheet.table.insert().values(dict(zip(table.c.keys(), values, strict=True))))
        nothing = [2, *[None] * 7]
        connection.execute(sheet.table.insert().values(dict(zip(table.c.keys(), nothing, strict=True))))
        kept = list(dump.lines(connection, sheet))
        connection.execute(table.delete())
        dump.load(connection, sheet, kept)
        first, second = connection.execute(sa.select(sheet.table).order_by(sa.text("id"))).all()
    assert tuple(first) == values
    assert list(first[-1]) == ["b", "a"]
    assert list(second) == nothing


def test_a_column_that_can_t_be_dumped_is_refused_when_the_backup_begins() -> None:
    table = sa.Table("odd", sa.MetaData(), sa.Column("span", sa.Uuid))
    with pytest.raises(TypeError, match=r"odd\.span"):
        dump.Sheet.of(table)
