"""Every setting of the application: one frozen value, read once from the environment.

The table of all settings, for people, is docs/configuration.md; a test keeps the two together.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from flask import current_app
from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from webapp import secret_key

ROOT = Path(__file__).resolve().parent.parent
MIB = 2**20
OWASP_MEMORY_KIB = 19_456
"""The least memory for argon2id, 19 MiB (OWASP Password Storage Cheat Sheet)."""


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
    max_upload_files: int = Field(default=500, gt=0)
    max_zip_bytes: int = Field(default=1024 * MIB, gt=0)

    session_hours: float = Field(default=12, gt=0)
    password_memory_kib: int = Field(default=65_536, ge=64)
    lease_seconds: int = Field(default=120, ge=5)
    ml_weights: Path | None = None
    ml_threads: int | None = Field(default=None, ge=1)
    proxy_hops: int = Field(default=0, ge=0)
    ratelimit_storage_url: str = "memory://"

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
    return {
        "SECRET_KEY": secret_key.for_app(config.secret_key, config.instance_dir),
        "SQLALCHEMY_DATABASE_URI": config.database_url,
        # Parameters of a failed statement can be patient references: they stay out of the logs.
        "SQLALCHEMY_ENGINE_OPTIONS": {"hide_parameters": True},
        "SESSION_COOKIE_NAME": "secondread",
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": config.https,
        "PERMANENT_SESSION_LIFETIME": int(config.session_hours * 3600),
        "WTF_CSRF_TIME_LIMIT": None,
        "WTF_CSRF_SSL_STRICT": config.https,
        "RATELIMIT_STORAGE_URI": config.ratelimit_storage_url,
        "MAX_CONTENT_LENGTH": 2 * MIB,
        "SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS": {"argon2__memory_cost": config.password_memory_kib},
        **SECURITY,
    }


SECURITY = {
    "SECURITY_PASSWORD_HASH": "argon2",
    "SECURITY_PASSWORD_SCHEMES": ["argon2"],
    # argon2id of the hash itself, no HMAC around it: the password survives a new SECRET_KEY.
    "SECURITY_PASSWORD_SINGLE_HASH": ["argon2"],
    "SECURITY_PASSWORD_LENGTH_MIN": 12,
    "SECURITY_REGISTERABLE": False,
    "SECURITY_RECOVERABLE": False,
    "SECURITY_CHANGEABLE": True,
    "SECURITY_CHANGE_URL": "/account/password",
    "SECURITY_POST_CHANGE_VIEW": "/account",
    "SECURITY_SEND_PASSWORD_CHANGE_EMAIL": False,
    "SECURITY_RETURN_GENERIC_RESPONSES": True,
    "SECURITY_POST_LOGIN_VIEW": "/",
    "SECURITY_POST_LOGOUT_VIEW": "/login",
    # Only the browser session signs in: no token, no basic authentication.
    "SECURITY_API_ENABLED_METHODS": ["session"],
}
