# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Grafana's place in the mirror: both addresses of upstream, a given archive, or the stand-in."""

from __future__ import annotations

import subprocess
import tarfile
from pathlib import Path

import pytest
import yaml

from mirror import grafana
from mirror.archives import digest, pack


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody answers, and nothing is given."""
    monkeypatch.setattr(grafana, "UPSTREAM", "http://127.0.0.1:9")
    monkeypatch.delenv(grafana.GIVEN, raising=False)


def test_the_stand_in_lies_where_upstream_would_put_a_release(tmp_path: Path) -> None:
    told = yaml.safe_load("".join(grafana.add(tmp_path)))
    version, build = told["grafana_version"], told["grafana_release_build"]
    paths = [tmp_path / path for path in grafana.addresses(version, build)]
    assert [f"sha256:{digest(path)}" for path in paths] == [told["grafana_release_checksum"]] * 2
    with tarfile.open(paths[0]) as tar:
        assert f"grafana-{version}/bin/grafana" in tar.getnames()
        tar.extractall(tmp_path / "x")  # noqa: S202 - our own; Debian 12's Python has no filters
    program = tmp_path / "x" / f"grafana-{version}" / "bin" / "grafana"
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    assert said.stdout == f"grafana version {version}\n"
    assert "stand-in" in version


def test_an_archive_that_is_given_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    top = tmp_path / "grafana-v11.2.0"
    top.mkdir()
    pack(top, tmp_path / "given.tar.gz")
    before = grafana.recipe()
    monkeypatch.setenv(grafana.GIVEN, str(tmp_path / "given.tar.gz"))
    assert grafana.recipe() != before
    (tmp_path / "mirror").mkdir()
    told = yaml.safe_load("".join(grafana.add(tmp_path / "mirror")))
    assert told["grafana_version"] == "11.2.0"
    assert told["grafana_release_checksum"] == f"sha256:{digest(tmp_path / 'given.tar.gz')}"


def test_another_archive_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "prometheus-1.0").mkdir()
    pack(tmp_path / "prometheus-1.0", tmp_path / "given.tar.gz")
    monkeypatch.setenv(grafana.GIVEN, str(tmp_path / "given.tar.gz"))
    with pytest.raises(SystemExit):
        grafana.add(tmp_path)
