# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the operator can set, all of it by environment variables."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from .addresses import postgres_address, redis_address

PREFIX = "AI_ASSISTANT_"
PASSWORDS = ("redis_password", "postgres_password")


def _without_brackets(host: str) -> str:
    """Return an address of version 6 as it is listened on; elsewhere it is written as [::1]."""
    return host[1:-1] if host.startswith("[") and host.endswith("]") else host


class SettingsError(Exception):
    """Settings that cannot be used; the text names all of them."""


class Settings(BaseModel):
    """The settings; each is read from AI_ASSISTANT_<NAME>."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: Annotated[str, AfterValidator(_without_brackets)] = "127.0.0.1"
    port: int = Field(8000, ge=0, le=65535)
    workers: int = Field(1, ge=1, le=64)
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_file: Path | None = None  # where lines are also appended to, for a shipper of logs
    grace: int = Field(20, ge=0, le=600)  # seconds that running requests get when the service stops
    redis_url: Annotated[str, AfterValidator(redis_address)] = "redis://127.0.0.1:6379/0"
    # The passwords stand in files: an environment is no place for them.
    redis_password_file: Path | None = None
    postgres_url: Annotated[str, AfterValidator(postgres_address)] = (
        "postgresql:///ai_assistant?host=/var/run/postgresql"
    )
    postgres_password_file: Path | None = None
    cache_seconds: int = Field(60, ge=1)
    faults: bool = False  # whether faults can be asked for; never in production

    def redis_password(self) -> str | None:
        """Read the password for Redis, None when there is none."""
        return self._content("redis_password")

    def postgres_password(self) -> str | None:
        """Read the password for PostgreSQL, None when there is none."""
        return self._content("postgres_password")

    def _content(self, password: str) -> str | None:
        path: Path | None = getattr(self, f"{password}_file")
        try:
            return path.read_text().rstrip("\n") if path else None
        except OSError as exc:
            raise SettingsError(f"{PREFIX}{password.upper()}_FILE: {exc}") from exc


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Read the settings, or say everything that is wrong with them."""
    given = {
        name.removeprefix(PREFIX).lower(): value
        for name, value in environment.items()
        if name.startswith(PREFIX)
    }
    # Where systemd hands over credentials, the passwords are among them.
    for password in PASSWORDS:
        handed = Path(environment.get("CREDENTIALS_DIRECTORY", "/nonexistent")) / password
        if handed.exists():
            given.setdefault(f"{password}_file", str(handed))
    try:
        settings = Settings.model_validate(given)
        settings.redis_password()
        settings.postgres_password()
    except ValidationError as exc:
        faults = [_fault(str(error["loc"][0]), error["msg"]) for error in exc.errors()]
        raise SettingsError("; ".join(faults)) from None  # it would show the values
    if settings.workers > 1 and not environment.get("PROMETHEUS_MULTIPROC_DIR"):
        text = (
            "needs PROMETHEUS_MULTIPROC_DIR, a directory in which the workers share their metrics"
        )
        raise SettingsError(f"{PREFIX}WORKERS={settings.workers} {text}")
    return settings


def _fault(name: str, text: str) -> str:
    return f"{PREFIX}{name.upper()}: {text.removeprefix('Value error, ')}"
