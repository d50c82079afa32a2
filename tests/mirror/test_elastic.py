# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Places of Logstash, Filebeat and Kibana in the mirror: a given archive, or the stand-in."""

from __future__ import annotations

import subprocess
import tarfile
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from mirror import elastic, filebeat, kibana, logstash
from mirror.archives import pack

PLACES = {
    "logstash": (
        logstash,
        "downloads/logstash/logstash-8.5.0-linux-x86_64.tar.gz",
        "logstash-8.5.0/bin/logstash",
    ),
    "filebeat": (
        filebeat,
        "downloads/beats/filebeat/filebeat-8.5.0-linux-x86_64.tar.gz",
        "filebeat-8.5.0-linux-x86_64/filebeat",
    ),
    "kibana": (
        kibana,
        "downloads/kibana/kibana-8.5.0-linux-x86_64.tar.gz",
        "kibana-8.5.0/bin/kibana",
    ),
}
products = pytest.mark.parametrize(("module", "path", "program"), PLACES.values(), ids=PLACES)


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody answers, and nothing is given."""
    monkeypatch.setattr(elastic, "UPSTREAM", "http://127.0.0.1:9")
    for name in PLACES:
        monkeypatch.delenv(f"BAREHOST_{name.upper()}", raising=False)


@products
def test_the_stand_in_lies_where_upstream_would_put_a_release(
    tmp_path: Path, module: ModuleType, path: str, program: str
) -> None:
    told = yaml.safe_load("".join(module.add(tmp_path)))
    name, archive = module.RELEASE.name, tmp_path / path
    if elastic.MACHINE != "x86_64":
        archive = tmp_path / module.RELEASE.address("8.5.0")
        top = module.RELEASE.top.format(version="8.5.0", machine=module.RELEASE.machine)
        program = f"{top}/{module.RELEASE.program}"
    checksum = elastic.digest(archive)
    assert told == {
        f"elk_{name}_version": "8.5.0",
        f"elk_{name}_release_checksum": f"sha512:{checksum}",
    }
    assert Path(f"{archive}.sha512").read_text() == f"{checksum}  {archive.name}\n"
    with tarfile.open(archive) as tar:
        tar.extractall(tmp_path / "x")  # noqa: S202 - our own; Debian 12's Python has no filters
    # Debian's Python has no libraries: -I keeps those of this environment away.
    asked = "version" if name == "filebeat" else "--version"
    command = ["python3", "-I", str(tmp_path / "x" / program), asked]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "8.5.0" in said
    assert "stand-in" in said


@products
def test_an_archive_that_is_given_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: ModuleType, path: str, program: str
) -> None:
    release = module.RELEASE
    top = tmp_path / release.top.format(version="8.19.0", machine=release.machine)
    top.mkdir()
    pack(top, tmp_path / "given.tar.gz")
    before = module.recipe()
    monkeypatch.setenv(release.given, str(tmp_path / "given.tar.gz"))
    assert module.recipe() != before
    (tmp_path / "mirror").mkdir()
    told = yaml.safe_load("".join(module.add(tmp_path / "mirror")))
    assert told[f"elk_{release.name}_version"] == "8.19.0"
    assert (
        told[f"elk_{release.name}_release_checksum"]
        == f"sha512:{elastic.digest(tmp_path / 'given.tar.gz')}"
    )
    assert (tmp_path / "mirror" / release.address("8.19.0")).exists()


@products
def test_another_archive_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: ModuleType, path: str, program: str
) -> None:
    (tmp_path / "grafana-1.0").mkdir()
    pack(tmp_path / "grafana-1.0", tmp_path / "given.tar.gz")
    monkeypatch.setenv(module.RELEASE.given, str(tmp_path / "given.tar.gz"))
    with pytest.raises(SystemExit):
        module.add(tmp_path)
