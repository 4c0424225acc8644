"""Settings: from the environment, frozen, refused where wrong, all of them documented."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from webapp import create_app
from webapp.config import ROOT, AppConfig, flask_settings

STRONG = "kP3x9_Zq7Lw2Vt8NfYb4RmHs6Gd1JcAe"


def test_outside_demo_mode_nothing_starts_without_a_secret() -> None:
    with pytest.raises(ValidationError, match="SECRET_KEY is missing"):
        create_app()


@pytest.mark.parametrize(
    "weak",
    [
        STRONG[:31],
        "a" * 64,
        "abcdefghijkl" * 4,
        "change-me-" + STRONG,
        "my_Secret_" + STRONG,
        "Pass-Word " + STRONG,
    ],
)
@pytest.mark.parametrize("demo", [False, True])
def test_a_weak_secret_is_refused_in_demo_mode_too_and_not_repeated(weak: str, demo: bool) -> None:
    with pytest.raises(ValidationError, match="SECRET_KEY is weak") as refused:
        AppConfig(secret_key=weak, demo=demo)
    assert weak not in str(refused.value)


def test_a_strong_secret_is_taken_and_hidden_from_print(tmp_path: Path) -> None:
    config = AppConfig(secret_key=STRONG, instance_dir=tmp_path)
    assert flask_settings(config)["SECRET_KEY"] == STRONG
    assert STRONG not in repr(config)


def test_in_demo_mode_a_secret_is_made_once_and_kept_for_the_owner_only(tmp_path: Path) -> None:
    config = AppConfig(demo=True, instance_dir=tmp_path)
    first, second = (flask_settings(config)["SECRET_KEY"] for _ in range(2))
    assert first == second
    assert len(first) >= 32
    kept = [*tmp_path.iterdir()]
    assert [path.name for path in kept] == ["secret-key"]
    assert kept[0].stat().st_mode & 0o077 == 0


def test_two_demos_do_not_share_a_secret(tmp_path: Path) -> None:
    made = {flask_settings(AppConfig(demo=True, instance_dir=tmp_path / n))["SECRET_KEY"] for n in "ab"}
    assert len(made) == 2


def test_settings_come_from_the_environment_and_an_empty_one_is_unset(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value in {
        "DEMO": "1",
        "MAX_FRAMES": "7",
        "ML_THREADS": "",
        "INSTANCE_DIR": str(tmp_path),
    }.items():
        monkeypatch.setenv(name, value)
    config = AppConfig()
    assert (config.demo, config.max_frames, config.ml_threads) == (True, 7, None)
    assert config.database_url == f"sqlite:///{tmp_path}/secondread.db"
    assert config.storage_url == f"{tmp_path}/files"
    assert config.queue_url == f"sqlite:///{tmp_path}/queue.db"


def test_settings_do_not_change_while_running() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        AppConfig(demo=True).demo = False  # type: ignore[misc]


def test_every_wrong_setting_is_named_at_once() -> None:
    with pytest.raises(ValidationError) as refused:
        AppConfig(demo=True, max_frames=0, lease_seconds=1, proxy_hops=-1)
    assert {error["loc"][0] for error in refused.value.errors()} == {
        "max_frames",
        "lease_seconds",
        "proxy_hops",
    }


@pytest.mark.parametrize("given", ["postgres://u@h/d", "postgresql://u@h/d", "postgresql+psycopg://u@h/d"])
def test_postgres_means_psycopg_3(given: str) -> None:
    assert AppConfig(demo=True, database_url=given).database_url == "postgresql+psycopg://u@h/d"


@pytest.mark.parametrize(("settings", "https"), [({"demo": True}, False), ({"secret_key": STRONG}, True)])
def test_https_is_taken_for_granted_outside_demo_mode_only(settings: dict[str, object], https: bool) -> None:
    assert AppConfig(**settings).https is https


def test_cheap_password_hashes_are_for_the_demo_only() -> None:
    assert AppConfig(demo=True, password_memory_kib=64).password_memory_kib == 64
    with pytest.raises(ValidationError, match="PASSWORD_MEMORY_KIB"):
        AppConfig(secret_key=STRONG, password_memory_kib=64)


def test_the_table_of_settings_names_exactly_those_there_are() -> None:
    page = (ROOT / "docs" / "configuration.md").read_text()
    table = page.split("## Settings of the application")[1].split("\n## ")[0]
    documented = re.findall(r"^\| `([A-Z_]+)` \|", table, re.MULTILINE)
    assert documented == [name.upper() for name in AppConfig.model_fields]
