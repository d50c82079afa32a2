# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the operator can set, all of it by environment variables."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

PREFIX = "AI_ASSISTANT_"


class SettingsError(Exception):
    """Settings that cannot be used; the text names all of them."""


class Settings(BaseModel):
    """The settings; each is read from AI_ASSISTANT_<NAME>."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = "127.0.0.1"
    port: int = Field(8000, ge=0, le=65535)
    workers: int = Field(1, ge=1, le=64)
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    grace: int = Field(20, ge=0, le=600)  # seconds that running requests get when the service stops
    redis_url: str = "redis://127.0.0.1:6379/0"
    # The password stands in a file: an environment is no place for it.
    redis_password_file: Path | None = None
    postgres_url: str = "postgresql:///ai_assistant?host=/var/run/postgresql"
    cache_seconds: int = Field(60, ge=1)
    faults: bool = False  # whether faults can be asked for; never in production

    def redis_password(self) -> str | None:
        """Read the password, None when there is none."""
        path = self.redis_password_file
        return path.read_text().rstrip("\n") if path else None


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Read the settings, or say everything that is wrong with them."""
    given = {
        name.removeprefix(PREFIX).lower(): value
        for name, value in environment.items()
        if name.startswith(PREFIX)
    }
    # Where systemd hands over credentials, the password is one of them.
    handed = Path(environment.get("CREDENTIALS_DIRECTORY", "/nonexistent")) / "redis_password"
    if handed.exists():
        given.setdefault("redis_password_file", str(handed))
    try:
        settings = Settings.model_validate(given)
        settings.redis_password()
    except ValidationError as exc:
        faults = [f"{PREFIX}{str(e['loc'][0]).upper()}: {e['msg']}" for e in exc.errors()]
        raise SettingsError("; ".join(faults)) from None  # it would show the values
    except OSError as exc:
        raise SettingsError(f"{PREFIX}REDIS_PASSWORD_FILE: {exc}") from exc
    if settings.workers > 1 and not environment.get("PROMETHEUS_MULTIPROC_DIR"):
        text = (
            "needs PROMETHEUS_MULTIPROC_DIR, a directory in which the workers share their metrics"
        )
        raise SettingsError(f"{PREFIX}WORKERS={settings.workers} {text}")
    return settings
