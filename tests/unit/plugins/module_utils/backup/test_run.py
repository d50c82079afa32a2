# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run saves, restores or refuses, and one that is killed leaves nothing that counts."""

from __future__ import annotations

import multiprocessing
import os
import posixpath
import signal
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.barehost.monitoring.plugins.module_utils.backup import (
    _catalog,
    _manifest,
    _pack,
    _run,
)
from ansible_collections.barehost.monitoring.plugins.module_utils.backup._catalog import (
    Catalog,
)
from ansible_collections.barehost.monitoring.plugins.module_utils.backup._manifest import (
    Manifest,
)
from ansible_collections.barehost.monitoring.plugins.module_utils.backup._product import (
    Check,
    Daemon,
    Product,
)
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon._errors import DaemonError

Made = Callable[..., Daemon]
TIME = "20261126T081500Z"


class Web(Product):
    """A daemon that keeps one text."""

    kind = "web"

    def __init__(self, text: str = "", needs: int = 0) -> None:
        self.text, self.needs, self.killed = text, needs, False
        self.faults: list[str] = []
        self.cut = self.cleaned = False

    def plan_save(
        self, daemon: Daemon, target: str, previous: str
    ) -> tuple[list[str], list[str], int]:
        """Say so."""
        return ["copy the text"], [], self.needs

    def save(self, daemon: Daemon, target: str, name: str, previous: str) -> Mapping[str, Any]:
        """Write it, or die half-way."""
        Path(target, "text").write_text(self.text)
        if self.killed:
            os.kill(os.getpid(), signal.SIGKILL)
        return {"length": len(self.text)}

    def check(self, daemon: Daemon, manifest: Manifest, data: str) -> Check:
        """Refuse what it was told to."""
        return Check(["replace the text"], list(self.faults))

    def restore(self, daemon: Daemon, manifest: Manifest, data: str) -> list[str]:
        """Read it."""
        self.text = Path(data, "text").read_text()
        return []

    def clean(self, daemon: Daemon) -> None:
        """Note."""
        self.cleaned = True

    def cut_off(self, daemon: Daemon) -> bool:
        """Whether it was."""
        return self.cut

    def recover(self, daemon: Daemon) -> None:
        """Forget it."""
        self.cut, self.text = False, "as before"


@pytest.fixture
def catalog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Catalog:
    """Return an empty catalogue, in a world whose time goes by a second with each look."""
    times = (f"20261126T0815{second:02}Z" for second in range(60))
    monkeypatch.setattr(_catalog, "now", lambda: next(times))
    return Catalog(str(tmp_path / "backups"), "web")


def save(daemon: Daemon, web: Web, catalog: Catalog, **given: Any) -> _run.Outcome:
    """Save with the usual options."""
    options = {"keep": 3, "archive": "", "check_mode": False, "timeout": 1, **given}
    return _run.save(daemon, web, catalog, **options)


def restore(daemon: Daemon, web: Web, catalog: Catalog, **given: Any) -> _run.Outcome:
    """Restore with the usual options."""
    options = {"name": "", "archive": "", "check_mode": False, "timeout": 1, **given}
    return _run.restore(daemon, web, catalog, **options)


def test_what_was_saved_is_restored(daemon: Made, catalog: Catalog) -> None:
    made = save(daemon(), Web("old"), catalog)
    assert made.manifest and made.manifest.seen["length"] == 3
    assert (made.manifest.version, made.manifest.product) == ("1.5", "web")
    web = Web("new")
    assert restore(daemon(), web, catalog).changed
    assert web.text == "old"


def test_the_same_backup_is_restored_once_unless_asked(daemon: Made, catalog: Catalog) -> None:
    save(daemon(), Web("old"), catalog)
    restore(daemon(), Web(), catalog)
    web = Web("since")
    again = restore(daemon(), web, catalog)
    assert (again.changed, web.text) == (False, "since")
    assert "nothing to restore" in again.warnings[0]
    assert "barehost_restore_replace=true to restore it once more" in again.warnings[0]
    assert restore(daemon(replaced=True), web, catalog).changed
    assert web.text == "old"


def broken(marker: Path, content: bytes | None) -> None:
    """Something else than what a restore writes; nothing: a directory."""
    marker.unlink()
    marker.mkdir() if content is None else marker.write_bytes(content)


@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe", b"monitor/web", b"{}"])
def test_a_marker_that_cannot_be_read_is_told_and_believed_by_nobody(
    daemon: Made, catalog: Catalog, machine: Any, content: bytes | None
) -> None:
    save(daemon(), Web("old"), catalog)
    restore(daemon(), Web(), catalog)
    marker = Path(daemon().store.directory, "restored.json")
    broken(marker, content)
    web = Web("since")
    web.faults = ["it holds data already"]
    with pytest.raises(DaemonError, match="it holds data already"):
        restore(daemon(), web, catalog)
    assert len(machine.warned) == 1, "told although the restore was refused"
    assert str(marker) in machine.warned[0] and "not replaced unless asked" in machine.warned[0]
    web.faults = []
    assert restore(daemon(), web, catalog).changed
    assert web.text == "old"
    if content is None:
        assert "the restore itself is done" in machine.warned[-1]
    else:
        assert not restore(daemon(), web, catalog).changed, "it was not written anew"


def test_a_marker_says_nothing_of_data_that_has_gone_since(daemon: Made, catalog: Catalog) -> None:
    """The run ends after the data was exchanged, and before it is noted whose it is."""

    class Dying(Web):
        def restore(self, daemon: Daemon, manifest: Manifest, data: str) -> list[str]:
            super().restore(daemon, manifest, data)
            os.kill(os.getpid(), signal.SIGKILL)
            return []

    first, second = (save(daemon(), Web(text), catalog) for text in ("first", "second"))
    assert first.manifest and second.manifest
    restore(daemon(), Web(), catalog, name=first.manifest.time)
    process = multiprocessing.get_context("fork").Process(
        target=restore, args=(daemon(), Dying(), catalog)
    )
    process.start()
    process.join()
    web = Web("second")
    assert restore(daemon(), web, catalog, name=first.manifest.time).changed
    assert web.text == "first"


def test_a_restore_that_is_taken_back_leaves_the_marker(daemon: Made, catalog: Catalog) -> None:
    class Failing(Web):
        def restore(self, daemon: Daemon, manifest: Manifest, data: str) -> list[str]:
            raise DaemonError("not healthy")

    save(daemon(), Web("old"), catalog)
    restore(daemon(), Web(), catalog)
    with pytest.raises(DaemonError, match="not healthy"):
        restore(daemon(replaced=True), Failing(), catalog)
    assert not restore(daemon(), Web(), catalog).changed


def test_only_the_newest_are_kept(daemon: Made, catalog: Catalog) -> None:
    outcomes = [save(daemon(), Web(text), catalog, keep=2) for text in "abc"]
    assert [len(one.removed) for one in outcomes] == [0, 0, 1]
    assert [outcome.path for outcome in outcomes[1:]] == [catalog.path(n) for n in catalog.names()]


def test_check_mode_writes_nothing_and_says_the_same(daemon: Made, catalog: Catalog) -> None:
    save(daemon(), Web("a"), catalog)
    before = catalog.names()
    told = save(daemon(), Web("b"), catalog, keep=1, check_mode=True)
    assert catalog.names() == before and os.listdir(catalog.directory) == before
    assert told.actions[-1] == f"remove {catalog.path(before[0])}"
    web = Web("now")
    told = restore(daemon(), web, catalog, check_mode=True)
    assert (told.changed, told.actions, web.text) == (True, ["replace the text"], "now")


def test_a_killed_backup_does_not_count_and_goes_with_the_next(
    daemon: Made, catalog: Catalog
) -> None:
    save(daemon(), Web("whole"), catalog)
    dying = Web("half")
    dying.killed = True
    process = multiprocessing.get_context("fork").Process(
        target=save, args=(daemon(), dying, catalog)
    )
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert len(catalog.names()) == 1 and len(catalog.partial()) == 1
    web = Web()
    restore(daemon(), web, catalog)
    assert web.text == "whole"
    dying.killed = False
    _catalog.now()  # the child had its own
    save(daemon(), dying, catalog)
    assert catalog.partial() == [] and dying.cleaned


def test_a_backup_that_fails_leaves_nothing(daemon: Made, catalog: Catalog) -> None:
    class Failing(Web):
        def save(self, daemon: Daemon, target: str, name: str, previous: str) -> Mapping[str, Any]:
            raise DaemonError("no answer")

    with pytest.raises(DaemonError, match="no answer"):
        save(daemon(), Failing(), catalog)
    assert os.listdir(catalog.directory) == []


def test_too_little_room_is_refused_before_anything_is_written(
    daemon: Made, catalog: Catalog
) -> None:
    with pytest.raises(DaemonError, match="Make room there.*Nothing was touched"):
        save(daemon(), Web("x", needs=1 << 60), catalog)
    assert not os.path.exists(catalog.top)


def tampered(path: str) -> None:
    """Somebody was there."""
    Path(path, "data/text").write_text("evil")


def of_a_newer_version(path: str) -> None:
    """It was made elsewhere."""
    manifest = replace(_manifest.read(path), version="1.6")
    Path(path, "manifest.json").write_text(manifest.to_json())


def of_another_product(path: str) -> None:
    """It was put into the wrong folder."""
    manifest = replace(_manifest.read(path), product="grafana")
    Path(path, "manifest.json").write_text(manifest.to_json())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (tampered, "text is not what was saved: its sha256 differs. Nothing was touched"),
        (of_a_newer_version, "was made by web 1.6, and 1.5 is deployed here"),
        (of_another_product, "is a backup of grafana, not of web"),
    ],
)
def test_a_backup_that_does_not_fit_is_refused(
    daemon: Made, catalog: Catalog, change: Callable[[str], None], said: str
) -> None:
    change(save(daemon(), Web("old"), catalog).path)
    web = Web("now")
    with pytest.raises(DaemonError, match=said):
        restore(daemon(), web, catalog)
    assert web.text == "now"


def test_what_the_product_refuses_is_told_at_once(daemon: Made, catalog: Catalog) -> None:
    save(daemon(), Web("old"), catalog)
    web = Web("now")
    web.faults = ["it is full", "it is old"]
    with pytest.raises(DaemonError, match="1. it is full\n2. it is old\nNothing was touched"):
        restore(daemon(), web, catalog)
    assert web.text == "now"


def test_a_restore_that_was_cut_off_is_taken_back_first(daemon: Made, catalog: Catalog) -> None:
    save(daemon(), Web("old"), catalog)
    restore(daemon(), Web(), catalog)
    web = Web("half")
    web.cut = True
    with pytest.raises(DaemonError, match=r"run restore\.yml again"):
        save(daemon(), web, catalog)
    outcome = restore(daemon(), web, catalog)
    assert outcome.actions[0] == "take back a restore that was cut off"
    assert (outcome.changed, web.text) == (True, "as before")


def test_what_is_not_deployed_is_neither_saved_nor_restored(daemon: Made, catalog: Catalog) -> None:
    bare = daemon()
    os.unlink(posixpath.join(bare.store.directory, "record.json"))
    for run in (save, restore):
        with pytest.raises(DaemonError, match=r"not deployed on this host: run site\.yml first"):
            run(bare, Web(), catalog)


def test_a_restore_that_was_cut_off_without_the_record_is_taken_back(
    daemon: Made, catalog: Catalog
) -> None:
    """Grafana's record is exchanged with its data."""
    save(daemon(), Web("old"), catalog)
    bare = daemon()
    record = Path(bare.store.directory, "record.json")
    text = record.read_text()

    class Cut(Web):
        def recover(self, daemon: Daemon) -> None:
            super().recover(daemon)
            record.write_text(text)
            os.unlink(daemon.note)

    web = Cut("half")
    web.cut = True
    record.unlink()
    Path(bare.note).write_text("{}")
    with pytest.raises(DaemonError, match=r"a restore was cut off here.*run restore\.yml again"):
        save(bare, web, catalog)
    with pytest.raises(DaemonError, match="cut off here.*without --check, which takes it back"):
        restore(bare, web, catalog, check_mode=True)
    assert restore(bare, web, catalog).changed and web.text == "old"


def test_a_deployment_that_did_not_finish_comes_first(daemon: Made, catalog: Catalog) -> None:
    broken = daemon()
    broken.store.begin({}, "restart")
    with pytest.raises(DaemonError, match=r"run site\.yml first"):
        save(broken, Web(), catalog)


# -- from the controller ----------------------------------------------------------


@pytest.fixture
def archive(daemon: Made, catalog: Catalog, tmp_path: Path) -> str:
    """Return an archive of a backup, which is no longer on this host."""
    made = save(daemon(), Web("old"), catalog, archive=str(tmp_path / "web.tar"))
    assert made.sha256
    for name in catalog.names():
        catalog.remove(name)
    return str(tmp_path / "web.tar")


def test_an_archive_joins_the_backups_of_the_host(
    daemon: Made, catalog: Catalog, archive: str
) -> None:
    web = Web()
    outcome = restore(daemon(), web, catalog, archive=archive)
    assert web.text == "old" and outcome.path == catalog.path(catalog.names()[0])
    assert not restore(daemon(), web, catalog, archive=archive).changed


def test_where_the_archive_finds_no_room_the_surplus_goes_all_the_same(
    daemon: Made, catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_run, "_archived", lambda _manifest: 1 << 60)
    for text in "abc":
        with pytest.raises(DaemonError, match="needs.*The backup itself is complete"):
            save(daemon(), Web(text), catalog, keep=2, archive=str(tmp_path / "web.tar"))
    assert len(catalog.names()) == 2


@pytest.mark.parametrize("check_mode", [False, True])
def test_a_backup_of_another_host_of_the_same_second_is_told(
    daemon: Made, catalog: Catalog, archive: str, check_mode: bool
) -> None:
    theirs = replace(_pack.described(archive), host="elsewhere")
    catalog.complete(catalog.begin(theirs.time), theirs)
    with pytest.raises(DaemonError, match="same second: move that directory out of.*Nothing was"):
        restore(daemon(), Web(), catalog, archive=archive, check_mode=check_mode)
    assert catalog.partial() == []


def everything(folder: str) -> dict[str, int]:
    """All that is below a directory, and when it was written."""
    return {str(path): path.stat().st_mtime_ns for path in Path(folder).rglob("*")}


@pytest.mark.parametrize("refused", [False, True])
def test_check_mode_looks_into_an_archive_and_leaves_everything_as_it_was(
    daemon: Made, catalog: Catalog, archive: str, tmp_path: Path, refused: bool
) -> None:
    made, web = daemon(), Web()
    web.faults = ["it is full"] if refused else []
    name, before = _pack.described(archive).time, everything(str(tmp_path))
    if refused:
        with pytest.raises(DaemonError, match="it is full"):
            restore(made, web, catalog, archive=archive, check_mode=True)
    else:
        outcome = restore(made, web, catalog, archive=archive, check_mode=True)
        assert outcome.actions == ["replace the text"]
        assert outcome.path == catalog.path(name), "where it would lie"
    assert everything(str(tmp_path)) == before


def test_an_archive_that_was_tampered_with_leaves_nothing(
    daemon: Made, catalog: Catalog, archive: str
) -> None:
    content = Path(archive).read_bytes()
    Path(archive).write_bytes(content.replace(b"old", b"evi"))
    for check_mode in (False, True):
        with pytest.raises(DaemonError, match="its sha256 differs"):
            restore(daemon(), Web(), catalog, archive=archive, check_mode=check_mode)
    assert os.listdir(catalog.directory) == []
