# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Elasticsearch's place in the mirror: a given archive, upstream's, or the repacked engine."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
import yaml

from mirror import elasticsearch
from mirror.archives import pack


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nobody answers, nothing is given, and the later release is no matter."""
    monkeypatch.setattr(elasticsearch, "UPSTREAM", "http://127.0.0.1:9")
    monkeypatch.setattr(elasticsearch, "STORE", tmp_path / "store")
    monkeypatch.delenv(elasticsearch.GIVEN, raising=False)


def repacked(tmp_path: Path, version: str) -> Path:
    top = tmp_path / f"elasticsearch-{version}"
    top.mkdir(parents=True)
    (top / "README").write_text(version)
    pack(top, tmp_path / f"{version}.tar.gz")
    return tmp_path / f"{version}.tar.gz"


def test_both_releases_lie_where_upstream_would_put_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(elasticsearch, "_repacked", lambda version: repacked(tmp_path, version))
    told = yaml.safe_load("".join(elasticsearch.add(tmp_path / "mirror")))
    assert told == {
        "elk_elasticsearch_version": elasticsearch.default(),
        "elk_elasticsearch_ilm": False,
    }
    for version in (elasticsearch.default(), elasticsearch.LATER):
        path = tmp_path / "mirror" / elasticsearch.address(version)
        assert path.name == f"elasticsearch-{version}-linux-{elasticsearch.MACHINE}.tar.gz"
        listed = Path(f"{path}.sha512").read_text()
        assert listed == f"{elasticsearch.sha512(path)}  {path.name}\n"


def test_an_archive_that_is_given_is_taken_for_the_real_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = repacked(tmp_path, elasticsearch.LATER)
    before = elasticsearch.recipe()
    monkeypatch.setenv(elasticsearch.GIVEN, str(given))
    assert elasticsearch.recipe() != before
    told = yaml.safe_load("".join(elasticsearch.add(tmp_path / "mirror")))
    assert told == {"elk_elasticsearch_version": elasticsearch.LATER}


def test_another_archive_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "kibana-8.5.0").mkdir()
    pack(tmp_path / "kibana-8.5.0", tmp_path / "given.tar.gz")
    monkeypatch.setenv(elasticsearch.GIVEN, str(tmp_path / "given.tar.gz"))
    with pytest.raises(SystemExit, match="is no release of Elasticsearch"):
        elasticsearch.add(tmp_path)


def test_programs_stay_programs(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as file:
        for name, mode in (("bin/run", 0o100755), ("plain", 0o100644)):
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            file.writestr(info, name)
    elasticsearch._unpack(tmp_path / "x.zip", tmp_path / "x")
    modes = {p.name: p.stat().st_mode & 0o777 for p in (tmp_path / "x").rglob("*") if p.is_file()}
    assert modes == {"run": 0o755, "plain": 0o644}
