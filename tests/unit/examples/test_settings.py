# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the operator sets, and what he is told."""

from __future__ import annotations

import traceback
from pathlib import Path

import pytest

from ai_assistant.check import check
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


BAD = [
    ("REDIS_URL", "hunter2", "is no address of a Redis"),
    ("REDIS_URL", "http://hunter2", "is no address of a Redis"),
    ("REDIS_URL", "redis://a:hunter2", "is no address of a Redis"),
    ("REDIS_URL", "redis://a?hunter2=1", "is no address of a Redis"),
    ("REDIS_URL", "redis://x:hunter2@a:1", "_REDIS_PASSWORD_FILE"),
    ("REDIS_URL", "redis://a:1?password=hunter2", "_REDIS_PASSWORD_FILE"),
    ("POSTGRES_URL", "hunter2", "is no address of a PostgreSQL"),
    ("POSTGRES_URL", "", "is no address of a PostgreSQL"),
    ("POSTGRES_URL", "http://hunter2/x", "is no address of a PostgreSQL"),
    ("POSTGRES_URL", "postgresql://a:hunter2/x", "is no address of a PostgreSQL"),
    ("POSTGRES_URL", "postgresql:///x?hunter2", "is no address of a PostgreSQL"),
    ("POSTGRES_URL", "postgresql:///x?port=hunter2", "is no address of a PostgreSQL"),
    ("POSTGRES_URL", "postgresql:///x?sslmode=hunter2", "has an sslmode that is none of"),
    ("POSTGRES_URL", "postgresql://x:hunter2@a/x", "_POSTGRES_PASSWORD_FILE"),
    ("POSTGRES_URL", "postgresql:///x?password=hunter2", "_POSTGRES_PASSWORD_FILE"),
]


@pytest.mark.parametrize(("name", "value", "reason"), BAD)
def test_a_bad_address_is_told_by_name_and_not_shown(
    name: str, value: str, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check({f"AI_ASSISTANT_{name}": value}) == 2
    out, err = capsys.readouterr()
    assert err.startswith(f"error: AI_ASSISTANT_{name}: ")
    assert reason in err
    assert "hunter2" not in out + err


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("redis_url", "rediss://x@db1.example.com:6380/2"),
        ("redis_url", "unix:///run/redis/redis.sock?db=1"),
        ("redis_url", "redis://[2001:db8::7]:6379"),
        ("postgres_url", "postgres://x@db1,db2:5433/x?sslmode=verify-full&sslrootcert=/etc/ca.pem"),
        ("postgres_url", "postgresql://[2001:db8::7]:5432/x"),
        ("postgres_url", "postgresql:///x?host=/run/postgresql&port=5433"),
    ],
)
def test_other_addresses_are_good(name: str, value: str) -> None:
    assert getattr(read_settings({f"AI_ASSISTANT_{name.upper()}": value}), name) == value


@pytest.mark.parametrize("host", ["::1", "[::1]"])
def test_an_address_of_version_6_is_listened_on_without_its_brackets(host: str) -> None:
    assert read_settings({"AI_ASSISTANT_HOST": host}).host == "::1"


@pytest.mark.parametrize("name", ["redis_password", "postgres_password"])
def test_the_password_is_what_systemd_hands_over(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("p%w$ \"x' \n")
    settings = read_settings({"CREDENTIALS_DIRECTORY": str(tmp_path)})
    assert getattr(settings, name)() == "p%w$ \"x' "
    assert "p%w" not in repr(settings)


@pytest.mark.parametrize("name", ["REDIS", "POSTGRES"])
def test_a_missing_password_file_is_told(name: str) -> None:
    variable = f"AI_ASSISTANT_{name}_PASSWORD_FILE"
    with pytest.raises(SettingsError, match=rf"{variable}: .*/none"):
        read_settings({variable: "/none"})
