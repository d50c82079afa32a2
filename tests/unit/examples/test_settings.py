# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the operator sets, and what he is told."""

from __future__ import annotations

import traceback
from pathlib import Path

import pytest

from ai_assistant.settings import SettingsError, read_settings


def test_the_defaults_need_nothing() -> None:
    settings = read_settings({})
    assert (settings.host, settings.port, settings.workers) == ("127.0.0.1", 8000, 1)
    assert settings.faults is False
    assert settings.redis_password() is None


def test_all_faults_are_told_at_once_without_values() -> None:
    environment = {
        "AI_ASSISTANT_PORT": "99999",
        "AI_ASSISTANT_WORKERS": "none",
        "AI_ASSISTANT_COLOUR": "blue-secret",
    }
    with pytest.raises(SettingsError) as told:
        read_settings(environment)
    for name in environment:
        assert f"{name}: " in str(told.value)
    assert "blue-secret" not in "".join(traceback.format_exception(told.value))


def test_several_workers_need_a_place_for_their_metrics() -> None:
    with pytest.raises(
        SettingsError, match="AI_ASSISTANT_WORKERS=2 needs PROMETHEUS_MULTIPROC_DIR"
    ):
        read_settings({"AI_ASSISTANT_WORKERS": "2"})
    environment = {"AI_ASSISTANT_WORKERS": "2", "PROMETHEUS_MULTIPROC_DIR": "/run/metrics"}
    assert read_settings(environment).workers == 2


def test_the_password_is_what_systemd_hands_over(tmp_path: Path) -> None:
    (tmp_path / "redis_password").write_text("p%w$ \"x' \n")
    settings = read_settings({"CREDENTIALS_DIRECTORY": str(tmp_path)})
    assert settings.redis_password() == "p%w$ \"x' "
    assert "p%w" not in repr(settings)


def test_a_missing_password_file_is_told() -> None:
    with pytest.raises(SettingsError, match=r"AI_ASSISTANT_REDIS_PASSWORD_FILE: .*/none"):
        read_settings({"AI_ASSISTANT_REDIS_PASSWORD_FILE": "/none"})
