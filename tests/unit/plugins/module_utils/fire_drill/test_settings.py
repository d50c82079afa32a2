# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a drill is told: all faults at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.barehost.monitoring.plugins.module_utils.fire_drill import _settings

FAULTS = [
    ({"prometheus": []}, "prometheus: needs at least one address"),
    ({"prometheus": ["127.0.0.1:9090"]}, "prometheus: '127.0.0.1:9090' is no http:// or https://"),
    ({"alertmanagers": ["ftp://a"]}, "alertmanagers: 'ftp://a' is no http:// or https:// address"),
    ({"listen": "9195"}, "listen: '9195' is no host:port (example: 127.0.0.1:9195)"),
    ({"listen": "127.0.0.1:0"}, "listen: '127.0.0.1:0' is no host:port"),
    ({"listen": "127.0.0.1:65536"}, "listen: '127.0.0.1:65536' is no host:port"),
    ({"textfile_directory": "textfile"}, "textfile_directory: 'textfile' is no absolute path"),
    ({"patience": 0}, "patience: 0 is no number of seconds to wait"),
    ({"hold": -1}, "hold: -1 is no number of seconds to wait"),
    ({"pages": True}, "pages: no such setting"),
]


@pytest.mark.parametrize(("raw", "fault"), FAULTS)
def test_what_cannot_be_meant_is_refused(raw: dict[str, Any], fault: str) -> None:
    with pytest.raises(_settings.SettingsError) as caught:
        _settings.read(raw)
    assert str(caught.value).startswith(fault)


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(_settings.SettingsError) as caught:
        _settings.read({"patience": 0, "listen": "", "alertmanagers": []})
    assert str(caught.value).count("; ") == 2


def test_what_is_not_given_has_its_default() -> None:
    given = {"url_username": None, "prometheus": ["http://a:9090/"], "patience": 5}
    settings = _settings.read(given)
    assert settings == _settings.Settings(prometheus=("http://a:9090",), patience=5)


@pytest.mark.parametrize(
    ("listen", "place"),
    [
        ("127.0.0.1:9195", ("127.0.0.1", 9195)),
        ("[::1]:9195", ("::1", 9195)),
        (":9195", ("", 9195)),
        ("drills.example.com:1", ("drills.example.com", 1)),
    ],
)
def test_the_place_to_listen(listen: str, place: tuple[str, int]) -> None:
    assert _settings.read({"listen": listen}).place == place


def test_the_password_may_be_a_credential(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "url_password").write_text("secret\n")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert _settings.read({"url_password_file": "url_password"}).password == "secret"
    assert _settings.read({"url_password": "other"}).password == "other"
