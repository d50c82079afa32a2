# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Elasticsearch: what is restored, what gives way to it, and what comes back when that fails."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.barehost.monitoring.plugins.module_utils.backup import (
    _copies,
    _snapshots,
)
from ansible_collections.barehost.monitoring.plugins.module_utils.backup._elasticsearch import (
    Elasticsearch,
)
from ansible_collections.barehost.monitoring.plugins.module_utils.backup._manifest import (
    Manifest,
)
from ansible_collections.barehost.monitoring.plugins.module_utils.backup._product import (
    Daemon,
)
from ansible_collections.barehost.monitoring.plugins.module_utils.backup._web import Refusal
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon import _files
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon._errors import DaemonError

SEEN = {
    "indices": [".ds-logs-a-default-2026.11.26-000001", ".ds-odd", "notes", ".kibana_1", ".tasks"],
    "data_streams": ["logs-a-default"],
    "snapshot": "s",
    "features": {"kibana": [".kibana_1"], "tasks": [".tasks"], "security": []},
}
MANIFEST = Manifest("elasticsearch", "web", "8.5.0", "h", "20261126T081500Z", {}, SEEN)


class Server:
    """An Elasticsearch with indices, repositories in directories, and data streams."""

    def __init__(self, **there: int | None) -> None:
        self.uuid, self.templates = "u1", "its own"
        self.system: dict[str, float] = {}  # when they were made, in seconds
        self.there: dict[str, int | None] = {
            name.replace("_", "-"): count for name, count in there.items()
        }
        self.repositories: dict[str, str] = {}
        self.snapshots: dict[str, dict[str, int | None]] = {}
        self.states: dict[str, tuple[str, dict[str, float]]] = {}  # templates, and system indices
        self.red: tuple[str, ...] = ()
        self.refuses = ""  # a repository that is not restored from
        self.sent: list[str] = []

    def get(self, path: str, **_query: str) -> Any:
        """Answer questions."""
        if path == "/":
            return {"cluster_uuid": self.uuid}
        if path == "/_cluster/state/metadata":
            made = {
                n: {"index": {"creation_date": str(int(t * 1000))}} for n, t in self.system.items()
            }
            return {
                "metadata": {
                    "indices": {n: {"settings": s, "system": True} for n, s in made.items()}
                }
            }
        if path == "/_snapshot":
            return dict.fromkeys(self.repositories)
        if path.startswith("/_resolve"):
            streams = [
                {"name": name, "backing_indices": [f".ds-{name}-1"]}
                for name in self.there
                if name.startswith("logs-")
            ]
            plain = [{"name": name} for name in self.there if not name.startswith("logs-")]
            return {"indices": plain, "data_streams": streams}
        if path == "/_cat/indices":
            return [
                {
                    "index": f".ds-{n}-1" if n.startswith("logs-") else n,
                    "docs.count": None if count is None else str(count),
                }
                for n, count in self.there.items()
            ]
        if path.endswith("/_all"):
            return {"snapshots": [{"snapshot": "of-the-last"}, {"snapshot": "20261126t081500z"}]}
        if path.startswith("/_snapshot/"):
            repository = path.split("/")[2]
            held = self.snapshots[repository]
            streams = [name for name in held if name.startswith("logs-")]
            inner = sorted(self.states[repository][1])
            plain = [*(name for name in held if name not in streams), *inner]
            found = {"state": "SUCCESS", "indices": plain, "data_streams": streams}
            states = [{"feature_name": "kibana", "indices": inner}] if inner else []
            return {"snapshots": [{**found, "feature_states": states, "shards": {"total": 1}}]}
        if path == "/_cluster/health":
            names = [f".ds-{n}-1" if n.startswith("logs-") else n for n in self.there]
            names += list(self.system)
            return {"indices": {n: {"status": "red" if n in self.red else "yellow"} for n in names}}
        assert not path.startswith("/_cluster/health"), "a long address is not taken"
        return {}

    def send(self, method: str, path: str, body: Any = None, **_query: str) -> Any:
        """Do what it is told."""
        self.sent.append(f"{method} {path}")
        words = path.strip("/").split("/")
        if words[0] == "_snapshot" and len(words) == 2:
            if method == "DELETE":
                self.repositories.pop(words[1], None)
            else:
                self.repositories[words[1]] = body["settings"]["location"]
                Path(body["settings"]["location"]).mkdir(parents=True, exist_ok=True)
        elif words[-1] == "_restore":
            self._restore(words[1], body)
        elif words[0] == "_snapshot" and method == "PUT":
            names = body.get("indices", ",".join(self.there)).split(",")
            held = {name: self.there[name] for name in names if name in self.there}
            assert None not in held.values(), "shards are missing: that fails"
            wanted = "kibana" in body.get("feature_states", ["kibana"])
            assert not (wanted and {*self.system} & {*self.red}), "shards are missing: that fails"
            self.snapshots[words[1]] = held
            self.states[words[1]] = (self.templates, dict(self.system) if wanted else {})
        elif method == "DELETE" and words[0] != "_snapshot":
            del self.there[words[-1]]
        return {}

    def _restore(self, repository: str, body: Any) -> None:
        state = self.states.get(repository, ("the backup's", {".kibana_1": 5.0}))
        self.templates = state[0] if body["include_global_state"] else self.templates
        self.system = state[1] if "kibana" in body["feature_states"] else self.system
        for name in body["indices"].split(",") if body["indices"] != "-*" else ():
            if name in self.there:
                text = f"cannot restore {name}, an index of the same name already exists"
                raise Refusal(text, 500, text)
            self.there[name] = self.snapshots.get(repository, {}).get(name, 7)
        if re.search(self.refuses or "^$", repository):
            raise DaemonError("shards are missing")


@pytest.fixture
def places(tmp_path: Path) -> tuple[Path, str]:
    """Return data with a place for snapshots, and the files of a backup."""
    (tmp_path / "data").mkdir()
    (tmp_path / "backup/repository").mkdir(parents=True)
    (tmp_path / "backup/repository/index-0").write_text("{}")
    return tmp_path / "data", str(tmp_path / "backup")


def product(data: Path, server: Server) -> Elasticsearch:
    """The product on such a server."""
    return Elasticsearch(server, str(data / "snapshots"), str(data))  # type: ignore[arg-type]


def test_parts_of_data_streams_and_of_features_are_not_restored_by_themselves(
    daemon: Callable[..., Daemon], places: tuple[Path, str]
) -> None:
    data, backup = places
    check = product(data, Server()).check(daemon(), MANIFEST, backup)
    restored = [action for action in check.actions if action.startswith("restore ")]
    assert restored == ["restore logs-a-default", "restore .ds-odd", "restore notes"]


def test_a_backup_is_the_snapshot_alone(
    daemon: Callable[..., Daemon], places: tuple[Path, str], tmp_path: Path
) -> None:
    data, server = places[0], Server(notes=3, logs_a=2)
    target = tmp_path / "target"
    target.mkdir()
    seen = product(data, server).save(daemon(), str(target), "20261126T081500Z", "")
    assert (seen["indices"], seen["data_streams"]) == (["notes"], ["logs-a"])
    assert os.listdir(target) == ["repository"]
    assert [one for one in server.sent if one.startswith("DELETE") and "of-the-last" in one]
    assert os.listdir(data / "snapshots") == [] and server.repositories == {}


def test_what_two_backups_have_in_common_lies_on_the_disk_once(
    daemon: Callable[..., Daemon], places: tuple[Path, str], tmp_path: Path
) -> None:
    data, backup = places
    target = tmp_path / "target"
    target.mkdir()
    product(data, Server(notes=1)).save(daemon(), str(target), "20261126T081500Z", backup)
    assert (target / "repository/index-0").samefile(f"{backup}/repository/index-0")


def test_documents_give_way_only_when_asked(
    daemon: Callable[..., Daemon], places: tuple[Path, str]
) -> None:
    data, backup = places
    web = product(data, Server(notes=3))
    assert "notes (3 documents)" in web.check(daemon(), MANIFEST, backup).faults[0]
    check = web.check(daemon(replaced=True), MANIFEST, backup)
    assert check.faults == [] and "replace notes" in check.actions


def test_what_is_empty_gives_way(daemon: Callable[..., Daemon], places: tuple[Path, str]) -> None:
    data, backup = places
    server = Server(notes=0, other=5)
    assert product(data, server).check(daemon(), MANIFEST, backup).faults == []
    product(data, server).restore(daemon(), MANIFEST, backup)
    assert server.there == {"other": 5, "logs-a-default": 7, ".ds-odd": 7, "notes": 7}
    assert os.listdir(data / "snapshots") == [] and server.repositories == {}


def test_what_fails_is_taken_back(daemon: Callable[..., Daemon], places: tuple[Path, str]) -> None:
    data, backup = places
    server = Server(notes=3, other=5)
    server.refuses = "source"
    with pytest.raises(
        DaemonError, match="shards are missing.*gone again, and as before are.*, notes$"
    ):
        product(data, server).restore(daemon(replaced=True), MANIFEST, backup)
    assert server.there == {"notes": 3, "other": 5}
    assert os.listdir(data / "snapshots") == [] and server.repositories == {}


def test_when_that_fails_too_what_was_there_is_kept_for_the_next_run(
    daemon: Callable[..., Daemon], places: tuple[Path, str]
) -> None:
    data, backup = places
    server = Server(notes=3)
    server.refuses = "source|before"
    web = product(data, server)
    with pytest.raises(DaemonError, match="TAKING IT BACK FAILED.*is kept in"):
        web.restore(daemon(replaced=True), MANIFEST, backup)
    assert os.listdir(data / "snapshots") == ["barehost-u1-before"]
    server.refuses = ""
    assert web.cut_off(daemon())
    web.recover(daemon())
    assert server.there["notes"] == 3
    assert os.listdir(data / "snapshots") == [] and not web.cut_off(daemon())


def test_who_goes_on_writing_is_told_to_stop(
    daemon: Callable[..., Daemon], places: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    data, backup = places
    server = Server(notes=0)
    remove = Elasticsearch._remove

    def raced(self: Elasticsearch, names: Any) -> None:
        remove(self, names)
        server.there["notes"] = 1

    monkeypatch.setattr(Elasticsearch, "_remove", raced)
    with pytest.raises(DaemonError, match="Something writes into it: stop Logstash"):
        product(data, server).restore(daemon(), MANIFEST, backup)


OURS = ("barehost-u1-20261126T081500Z", "barehost-u1-source")
OTHERS = (
    "20261126T081500Z",  # a backup, where the directory is that of the backups
    "barehost-u1-before",
    "barehost-u2-20261126T081500Z",  # of another cluster that is saved now
    "barehost-u2-source",
    "nightly",
)


def test_the_directory_may_hold_more_than_ours(
    daemon: Callable[..., Daemon], places: tuple[Path, str]
) -> None:
    place = places[0] / "snapshots"
    for name in (*OURS, *OTHERS):
        (place / name).mkdir(parents=True)
    server = Server()
    server.repositories = {"barehost-backup-source": "", "nightly": ""}
    product(places[0], server).clean(daemon())
    assert sorted(os.listdir(place)) == sorted(OTHERS)
    assert list(server.repositories) == ["nightly"]


def test_one_that_is_down_is_cleaned_up_later(
    daemon: Callable[..., Daemon], machine: Any, places: tuple[Path, str]
) -> None:
    (places[0] / "snapshots" / OURS[0]).mkdir(parents=True)
    machine.active = "inactive"
    web = product(places[0], Server())
    web.clean(daemon())
    assert not web.cut_off(daemon()) and os.listdir(places[0] / "snapshots") == [OURS[0]]


def test_a_cluster_that_is_not_formed_yet_is_told(
    daemon: Callable[..., Daemon], places: tuple[Path, str]
) -> None:
    server = Server()
    server.uuid = "_na_"
    with pytest.raises(DaemonError, match="has not formed a cluster yet.*then run again"):
        product(places[0], server).cut_off(daemon())


@pytest.mark.parametrize(
    ("place", "backups", "refused"),
    [
        ("/mnt/backup/elasticsearch", "/mnt/backup/elasticsearch", True),
        ("/mnt/backup", "/mnt/backup/elasticsearch", True),
        ("/mnt/backup/elasticsearch/here/", "/mnt/backup/elasticsearch", True),
        ("/mnt/../mnt/backup", "/mnt/backup/elasticsearch", True),
        ("/mnt/backup/snapshots", "/mnt/backup/elasticsearch", False),
        ("/mnt/backup/elastic", "/mnt/backup/elasticsearch", False),
    ],
)
def test_snapshots_and_backups_lie_apart(place: str, backups: str, refused: bool) -> None:
    faults = Elasticsearch(Server(), place, "/data").misplaced(backups)  # type: ignore[arg-type]
    assert bool(faults) is refused
    assert "barehost_backup_directory" in str(faults) or not refused


@pytest.mark.parametrize(
    ("links", "apart", "needed", "fault"),
    [
        (True, False, 1000 - 2, False),  # {} of the last backup
        (False, False, 1000, False),
        (True, True, 1000, True),
    ],
)
def test_room_is_needed_for_what_came_since_where_the_rest_is_linked(
    daemon: Callable[..., Daemon],
    places: tuple[Path, str],
    monkeypatch: pytest.MonkeyPatch,
    links: bool,
    apart: bool,
    needed: int,
    fault: bool,
) -> None:
    data, backup = places
    web = product(data, Server(notes=1))
    monkeypatch.setattr(Elasticsearch, "_stored", lambda _self: 1000)
    monkeypatch.setattr(_copies, "one_system", lambda _one, _other: not apart)
    monkeypatch.setattr(_files, "free", lambda _directory: 900)
    _actions, faults, size = web.plan_save(daemon(), str(data), backup if links else "")
    assert size == needed
    assert (f"file system of {data} has 900" in str(faults)) is fault


# -- what cannot be counted, and what is no document -----------------------------


@pytest.mark.parametrize(("count", "red"), [(None, ()), (0, ("notes",)), (5, ("notes",))])
def test_what_has_lost_its_shards_is_not_taken_for_empty(
    daemon: Callable[..., Daemon],
    places: tuple[Path, str],
    count: int | None,
    red: tuple[str, ...],
) -> None:
    data, backup = places
    server = Server(notes=count)
    server.red = red
    (fault,) = product(data, server).check(daemon(), MANIFEST, backup).faults
    assert "notes (closed or lacking shards" in fault and "cannot be kept" in fault
    asked = daemon(replaced=True)
    check = product(data, server).check(asked, MANIFEST, backup)
    assert "replace notes, of which nothing can be kept meanwhile" in check.actions
    server.refuses = "source"
    with pytest.raises(DaemonError, match="notes could not be kept, and is gone"):
        product(data, server).restore(asked, MANIFEST, backup)


def test_a_data_stream_without_a_part_is_not_counted(daemon: Callable[..., Daemon]) -> None:
    assert _snapshots.present(Server(logs_a=None)) == {"logs-a": None}  # type: ignore[arg-type]


HOUR = 3600.0


@pytest.mark.parametrize(
    ("index", "age", "kept"),
    [
        (".kibana_8.5.0_001", 2 * HOUR, True),
        (".kibana_8.5.0_001", 60.0, False),  # what a new Kibana makes
        (".tasks", 2 * HOUR, False),
        (".security-7", 2 * HOUR, False),
        (".watches", 2 * HOUR, False),  # not in the backup, so it stays
    ],
)
def test_what_people_made_in_kibana_gives_way_only_when_asked(
    daemon: Callable[..., Daemon], places: tuple[Path, str], index: str, age: float, kept: bool
) -> None:
    data, backup = places
    server = Server()
    server.system = {index: time.time() - age}
    faults = product(data, server).check(daemon(), MANIFEST, backup).faults
    assert (index in str(faults) and "barehost_restore_replace=true" in str(faults)) is kept
    check = product(data, server).check(daemon(replaced=True), MANIFEST, backup)
    assert check.faults == []
    assert "replace what is of the feature kibana" in check.actions
    assert "replace the templates, life cycles and settings of the cluster" in check.actions


@pytest.mark.parametrize("cut", [False, True])
def test_features_and_templates_are_taken_back_too(
    daemon: Callable[..., Daemon], places: tuple[Path, str], cut: bool
) -> None:
    data, backup = places
    server = Server()
    server.system = {".kibana_8": 1.0}
    web, asked = product(data, server), daemon(replaced=True)
    server.refuses = "source|before" if cut else "source"
    with pytest.raises(DaemonError, match="BACK FAILED" if cut else "settings.*, kibana$"):
        web.restore(asked, MANIFEST, backup)
    server.refuses = ""
    web.recover(asked)  # where it was taken back, there is nothing left to do
    assert (server.templates, server.system) == ("its own", {".kibana_8": 1.0})
    assert not web.cut_off(asked)
    web.restore(asked, MANIFEST, backup)
    assert (server.templates, server.system) == ("the backup's", {".kibana_1": 5.0})


def test_a_feature_without_shards_is_restored_and_said_to_be_lost(
    daemon: Callable[..., Daemon], places: tuple[Path, str]
) -> None:
    data, backup = places
    server = Server()
    server.system, server.red = {".kibana_8": 1.0}, (".kibana_8",)
    web, asked = product(data, server), daemon(replaced=True)
    lost = "replace what is of the feature kibana, of which nothing can be kept meanwhile"
    assert lost in web.check(asked, MANIFEST, backup).actions
    server.refuses = "source"
    with pytest.raises(DaemonError, match="kibana could not be kept, and is gone$"):
        web.restore(asked, MANIFEST, backup)
    server.refuses, server.system = "", {".kibana_8": 1.0}
    web.restore(asked, MANIFEST, backup)
    assert server.system == {".kibana_1": 5.0}


def test_shards_that_do_not_come_are_told(
    daemon: Callable[..., Daemon], places: tuple[Path, str]
) -> None:
    data, backup = places
    server = Server()
    server.red = (".ds-logs-a-default-1",)
    with pytest.raises(DaemonError, match=r"not restored: \.ds-logs-a-default-1\."):
        product(data, server).restore(daemon(), MANIFEST, backup)


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        ("doesn't match any of the locations specified by path.repo", "deploy it once more"),
        ("[r] [[n2, 'store location is not accessible on the node']]", "mount a shared one on all"),
        ("something else", "Its journal says more"),
    ],
)
def test_a_directory_that_is_not_taken_is_explained(answer: str, hint: str) -> None:
    class Refusing(Server):
        def send(self, method: str, path: str, body: Any = None, **_query: str) -> Any:
            raise Refusal(f"PUT answers 500: {answer}", 500, answer)

    with pytest.raises(DaemonError, match=hint):
        _snapshots.register(Refusing(), "r", "/place")  # type: ignore[arg-type]
