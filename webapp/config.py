"""Every setting of the application: one frozen value, read once from the environment.

The table of all settings, for people, is docs/configuration.md; a test keeps the two together.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, cast
from urllib.parse import urlsplit

from flask import current_app
from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from webapp import secret_key

ROOT = Path(__file__).resolve().parent.parent
MIB = 2**20
RoleName = Literal["radiologist", "admin", "tutor"]
OWASP_MEMORY_KIB = 19_456
"""The least memory for argon2id, 19 MiB (OWASP Password Storage Cheat Sheet)."""
_PATIENCE = 10
"""Seconds for a connection to Postgres, and for a lock there."""


class AppConfig(BaseSettings):
    """The settings. The environment variable is the field's name in capitals; an empty one is unset.

    Raises pydantic.ValidationError naming every setting that is wrong, without its value; outside demo
    mode a missing or weak SECRET_KEY is one of them.
    """

    model_config = SettingsConfigDict(
        frozen=True, env_ignore_empty=True, extra="forbid", hide_input_in_errors=True, validate_default=True
    )

    demo: bool = False
    https: bool = Field(default_factory=lambda known: not known["demo"])
    instance_dir: Path = ROOT / "instance"
    database_url: str = Field(
        default_factory=lambda known: f"sqlite:///{known['instance_dir'] / 'secondread.db'}"
    )
    storage_url: str = Field(default_factory=lambda known: str(known["instance_dir"] / "files"))
    queue_url: str = Field(default_factory=lambda known: f"sqlite:///{known['instance_dir'] / 'queue.db'}")
    secret_key: SecretStr | None = None

    max_file_bytes: int = Field(default=64 * MIB, gt=0)
    max_pixels: int = Field(default=50_000_000, gt=0)
    max_frames: int = Field(default=500, gt=0)
    max_upload_files: int = Field(default=2000, gt=0)
    max_zip_bytes: int = Field(default=1024 * MIB, gt=0)

    decoders: int = Field(default=2, ge=1)
    decode_seconds: float = Field(default=8, gt=0)
    decode_memory_bytes: int = Field(default=896 * MIB, ge=64 * MIB)

    session_hours: float = Field(default=12, gt=0)
    session_idle_minutes: float = Field(default=120, ge=10)
    invitation_hours: float = Field(default=72, gt=0)
    password_memory_kib: int = Field(default=65_536, ge=64)
    second_factor_required_roles: Annotated[frozenset[RoleName], NoDecode] = frozenset()
    totp_key: SecretStr | None = None
    lease_seconds: int = Field(default=120, ge=5)
    worker_nice: int = Field(default=10, ge=0, le=19)
    ml_weights: Path | None = None
    networks_dir: Path | None = None
    ml_threads: int | None = Field(default=None, ge=1)
    proxy_hops: int = Field(default=0, ge=0)
    ratelimit_storage_url: str = "memory://"
    retention_days: int | None = Field(default=None, ge=1)
    log_format: Literal["text", "json"] = "text"
    metrics_token: SecretStr | None = Field(default=None, min_length=16)
    mail_url: SecretStr | None = None
    mail_from: str | None = None

    @field_validator("instance_dir")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.resolve()

    @field_validator("database_url")
    @classmethod
    def _with_driver(cls, value: str) -> str:
        """Say which Postgres driver is meant: psycopg 3 is the one installed."""
        for scheme in ("postgres://", "postgresql://"):
            if value.startswith(scheme):
                return value.replace(scheme, "postgresql+psycopg://", 1)
        return value

    @field_validator("second_factor_required_roles", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        """Names with commas between them, as an environment variable has them."""
        if isinstance(value, str):
            return frozenset(name.strip() for name in value.split(",") if name.strip())
        return value

    @field_validator("totp_key")
    @classmethod
    def _strong_key(cls, value: SecretStr | None) -> SecretStr | None:
        for key in _listed_keys(value):
            secret_key.require_strong(key, "TOTP_KEY")
        return value

    @field_validator("mail_url")
    @classmethod
    def _of_a_mail_server(cls, value: SecretStr | None) -> SecretStr | None:
        where = urlsplit(value.get_secret_value()) if value else None
        if where and (where.scheme not in ("smtp", "smtps") or not where.hostname):
            raise ValueError("MAIL_URL is smtp://user:password@host:port or smtps://...")
        return value

    @model_validator(mode="after")
    def _with_sender(self) -> AppConfig:
        if self.mail_url is not None and "@" not in (self.mail_from or ""):
            raise ValueError("MAIL_FROM is missing: with MAIL_URL it says which address mail comes from.")
        return self

    @model_validator(mode="after")
    def _strong(self) -> AppConfig:
        if not self.demo and self.password_memory_kib < OWASP_MEMORY_KIB:
            raise ValueError(f"PASSWORD_MEMORY_KIB must be at least {OWASP_MEMORY_KIB} outside demo mode.")
        if self.secret_key is not None:
            secret_key.require_strong(self.secret_key.get_secret_value())
        elif not self.demo:
            raise ValueError(secret_key.MISSING)
        return self


def current() -> AppConfig:
    """The settings of the application at work. Needs an application context."""
    return cast(AppConfig, current_app.extensions["config"])


def flask_settings(config: AppConfig) -> dict[str, Any]:
    """What Flask and its extensions read, made from our own settings.

    CSRF tokens live as long as the session: a case left open over lunch can still be answered.
    """
    key = secret_key.for_app(config.secret_key, config.instance_dir)
    totp_keys = [*_listed_keys(config.totp_key), secret_key.derived(key, "totp")]
    return {
        "SECRET_KEY": key,
        "SECURITY_TOTP_SECRETS": {secret_key.fingerprint(each): each for each in totp_keys},
        "SQLALCHEMY_DATABASE_URI": config.database_url,
        "SQLALCHEMY_ENGINE_OPTIONS": _engine_options(config.database_url),
        # With this prefix a browser takes it from this host alone, by HTTPS, for every path (RFC 6265bis).
        "SESSION_COOKIE_NAME": "__Host-secondread" if config.https else "secondread",
        "SESSION_COOKIE_PATH": "/",
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": config.https,
        "PERMANENT_SESSION_LIFETIME": int(config.session_hours * 3600),
        # A late answer to a page that was left would put its cookie back over that of a sign-in since begun.
        "SESSION_REFRESH_EACH_REQUEST": False,
        "WTF_CSRF_TIME_LIMIT": None,
        "WTF_CSRF_SSL_STRICT": config.https,
        "RATELIMIT_STORAGE_URI": config.ratelimit_storage_url,
        "MAX_CONTENT_LENGTH": 2 * MIB,
        "SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS": {"argon2__memory_cost": config.password_memory_kib},
        **SECURITY,
    }


def _listed_keys(value: SecretStr | None) -> list[str]:
    """The keys in TOTP_KEY, the newest first."""
    return [] if value is None else [key.strip() for key in value.get_secret_value().split(",")]


def _engine_options(url: str) -> dict[str, Any]:
    """How the database is spoken to. A page waits for a lock of Postgres no longer than for one of SQLite
    (see `webapp.extensions`), and a connection that died with the server is made anew before it is used.
    One to SQLite is opened anew after an hour: only then does it read what `query_plans` has found.

    Parameters of a failed statement can be patient references: they stay out of the logs.
    """
    options: dict[str, Any] = {"hide_parameters": True}
    if url.startswith("postgresql"):
        waits = {"connect_timeout": _PATIENCE, "options": f"-c lock_timeout={_PATIENCE}s"}
        return options | {"pool_pre_ping": True, "connect_args": waits}
    return options | {"pool_recycle": 3600}


SECURITY = {
    "SECURITY_PASSWORD_HASH": "argon2",  # how, not what  # nosec B105
    "SECURITY_PASSWORD_SCHEMES": ["argon2"],
    # argon2id of the hash itself, no HMAC around it: the password survives a new SECRET_KEY.
    "SECURITY_PASSWORD_SINGLE_HASH": ["argon2"],
    "SECURITY_REGISTERABLE": False,
    "SECURITY_RECOVERABLE": False,
    "SECURITY_CHANGEABLE": True,
    "SECURITY_CHANGE_URL": "/account/password",
    "SECURITY_POST_CHANGE_VIEW": "/account",
    "SECURITY_SEND_PASSWORD_CHANGE_EMAIL": False,  # a switch  # nosec B105
    "SECURITY_RETURN_GENERIC_RESPONSES": True,
    # How long ago the password was given, where a second factor is set up or removed.
    "SECURITY_FRESHNESS": timedelta(minutes=10),
    "SECURITY_FRESHNESS_GRACE_PERIOD": timedelta(0),
    "SECURITY_POST_LOGIN_VIEW": "/",
    "SECURITY_POST_LOGOUT_VIEW": "/login",
    # Only the browser session signs in: no token, no basic authentication.
    "SECURITY_API_ENABLED_METHODS": ["session"],
    # Its pages are ours: nothing of the scripts that it brings is served.
    "SECURITY_STATIC_FOLDER": None,
}
