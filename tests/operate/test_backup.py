# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""backup.yml saves what runs without stopping it; restore.yml makes another host hold the same, or none of it."""

from __future__ import annotations

import base64
import json
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from demo.services import DIRECT
from demo.stack import Stack
from hosts.container import Host
from hosts.shell import CHECKOUT
from operate.stack import PREFIX, play

BACKUP, RESTORE = "playbooks/backup.yml", "playbooks/restore.yml"
BACKUPS = "/var/backups/barehost"
UNITS = ("prometheus", "alertmanager", "grafana", "elasticsearch")
FRESH = "fresh"
# The test receivers run on another host.
FRESH_VARIABLES: dict[str, Any] = {
    "alertmanager_global": {},
    "alertmanager_email": {},
    "alertmanager_slack": {},
    "alertmanager_dead_mans_switch": {},
    "alertmanager_secrets": [],
    # Grafana passes on to a data source that is made by hand.
    "grafana_datasources_elsewhere": ["by-hand"],
}
EXPRESSIONS = (
    'count({__name__=~".+"})',
    "sum(scrape_samples_scraped)",
    "sum by (job) (up)",
    "sum(http_requests_total)",
)
SECRET = "planted-by-hand"
# Answers with what it was shown.
ECHO = """
import http.server
class Echo(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers()
        self.wfile.write((self.headers.get("Authorization") or "nothing").encode())
http.server.HTTPServer(("127.0.0.1", 9999), Echo).serve_forever()
"""
# Ends who holds a lock, as kill -9 does, once something has been written that matches a pattern.
KILLER = """
import glob, os, signal, sys, time
until = time.time() + 60
while time.time() < until:
    for path in glob.glob("/proc/[0-9]*/fd/*") if glob.glob(sys.argv[2]) else []:
        try:
            if os.readlink(path) == sys.argv[1]:
                os.kill(int(path.split("/")[2]), signal.SIGKILL)
                sys.exit(0)
        except OSError:
            pass  # closed, or ended, in between
    time.sleep(0.01)
sys.exit("nobody was killed")
"""


@dataclass(frozen=True)
class Api:
    """A service on a host, asked on the host itself."""

    host: Host
    port: int

    def send(self, method: str, path: str, body: Any = None, login: str = "") -> Any:
        """Return the answer as data, or as a text."""
        request = {"url": f"http://127.0.0.1:{self.port}{path}", "method": method}
        headers = {"Content-Type": "application/json"}
        if login:
            headers["Authorization"] = f"Basic {base64.b64encode(login.encode()).decode()}"
        program = (
            "import json, sys, urllib.request as u\n"
            "r, h, b = json.load(sys.stdin)\n"
            "q = u.Request(r['url'], b.encode() if b else None, h, method=r['method'])\n"
            "print(u.build_opener(u.ProxyHandler({})).open(q).read().decode())"
        )
        text = json.dumps([request, headers, json.dumps(body) if body is not None else ""])
        done = self.host.run("python3", "-c", program, stdin=text)
        assert done.returncode == 0, done.stderr
        try:
            return json.loads(done.stdout)
        except ValueError:
            return done.stdout.strip()

    def get(self, path: str, **query: str) -> Any:
        """Ask."""
        return self.send("GET", f"{path}?{urllib.parse.urlencode(query)}")


def elasticsearch(host: Host) -> Api:
    return Api(host, 9200)


def values(host: Host, moment: float) -> dict[str, Any]:
    """What a Prometheus says about a moment."""
    found = {}
    for expression in EXPRESSIONS:
        query = urllib.parse.urlencode({"query": expression, "time": f"{moment:.3f}"})
        with DIRECT.open(
            f"http://{host.address()}:9090/api/v1/query?{query}", timeout=30
        ) as answer:
            series = json.load(answer)["data"]["result"]
        found[expression] = sorted((str(one["metric"]), one["value"][1]) for one in series)
    return found


def silences(host: Host) -> list[tuple[Any, ...]]:
    """What is silenced, now or later."""
    found = Api(host, 9093).get("/api/v2/silences")
    return sorted(
        (s["comment"], s["createdBy"], s["endsAt"], str(s["matchers"]), s["status"]["state"])
        for s in found
        if s["status"]["state"] != "expired"
    )


def documents(host: Host, moment: float) -> dict[str, Any]:
    """Everything in Elasticsearch up to a moment, and how logs are to be mapped.

    Lines go on to arrive all the time, those of half a minute ago are all there.
    """
    api = elasticsearch(host)
    lines = {"range": {"@timestamp": {"lte": int(1000 * moment), "format": "epoch_millis"}}}
    others = {"bool": {"must_not": {"exists": {"field": "@timestamp"}}}}
    asked = {"query": {"bool": {"should": [lines, others]}}, "size": 10_000}
    found = api.send("POST", "/logs-*,notes/_search", asked)["hits"]
    hits = found["hits"]
    assert len(hits) == found["total"]["value"], "not all of them were compared"
    template = api.get("/_index_template/made-by-hand")
    return {"hits": sorted((h["_index"], h["_id"], str(h["_source"])) for h in hits), "t": template}


def by_hand(host: Host) -> Any:
    """What the data source that was made by hand is shown by Grafana: its password, deciphered."""
    password = host.output("cat", "/etc/grafana/secrets/admin_password")
    path = "/api/datasources/proxy/uid/byhand/look"
    return Api(host, 3000).send("GET", path, login=f"admin:{password}")


def pids(host: Host, units: tuple[str, ...] = UNITS) -> list[str]:
    """The main processes of the units."""
    shown = host.output("systemctl", "show", "--property=MainPID", *units)
    return [line for line in shown.splitlines() if line]


@dataclass(frozen=True)
class Saved:
    """A backup of the stack that was brought to the controller, and what it has to hold."""

    folder: Path
    moment: float
    values: dict[str, Any]
    silences: list[tuple[Any, ...]]
    documents: dict[str, Any]


@dataclass(frozen=True)
class Fresh:
    """A third host with the daemons that have data, and an inventory of its own."""

    stack: Stack
    deploying: subprocess.Popen[str]

    @property
    def host(self) -> Host:
        """The host."""
        return self.stack.monitor

    def play(self, *words: str) -> str:
        """Run a playbook; returns what it said."""
        done = play(self.stack, words[:1], *words[1:])
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def refused(self, *words: str) -> str:
        """Run a playbook that has to fail; returns what it said, in one line."""
        done = play(self.stack, words[:1], *words[1:])
        assert done.returncode != 0, done.stdout
        return " ".join((done.stdout + done.stderr).split())


@pytest.fixture(scope="module")
def deploying(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fresh]:
    """Begin to deploy on a third host, while the first tests ask the other two."""
    host = Host(f"{PREFIX}-{FRESH}").boot("bookworm", f"--network={PREFIX}")
    host.output("systemd-run", "--quiet", "python3", "-c", ECHO)
    folder = tmp_path_factory.mktemp("fresh")
    groups = {name: {"hosts": {FRESH: {}}} for name in UNITS}
    variables = {"ansible_host": host.name, **FRESH_VARIABLES}
    inventory = {"all": {"hosts": {FRESH: variables}, "children": groups}}
    (folder / "hosts.json").write_text(json.dumps(inventory))
    (folder / "group_vars").symlink_to(CHECKOUT / "inventories/demo/group_vars")
    third = Stack(host, host, FRESH, FRESH, str(folder / "hosts.json"))
    command = third.play(("site.yml",), "--skip-tags=elasticsearch_exporter")
    process = subprocess.Popen(
        command, cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    yield Fresh(third, process)
    process.kill()
    host.remove()


@pytest.fixture(scope="module")
def fresh(deploying: Fresh) -> Fresh:
    """The third host, deployed."""
    said, _nothing = deploying.deploying.communicate()
    assert deploying.deploying.returncode == 0, said
    return deploying


@pytest.fixture(scope="module")
def restored(fresh: Fresh, saved: Saved) -> Fresh:
    """The third host, with the backup of the stack."""
    fresh.play(RESTORE, *from_controller(saved))
    return fresh


@pytest.fixture(scope="module")
def content(stack: Stack, deploying: Fresh) -> Iterator[None]:
    """What people have made in the running services, and take away again."""
    host, now = stack.monitor, time.time()
    made = [
        Api(host, 9093).send("POST", "/api/v2/silences", silence(comment, now + begin))["silenceID"]
        for comment, begin in (("now", 0), ("later", 3600), ("over", 0))
    ]
    Api(host, 9093).send("DELETE", f"/api/v2/silence/{made[2]}")
    password = host.output("cat", "/etc/grafana/secrets/admin_password")
    grafana, login = Api(host, 3000), f"admin:{password}"
    grafana.send("POST", "/api/datasources", source(), login=login)
    elasticsearch(host).send("PUT", "/notes/_doc/1?refresh=true", {"text": "made by hand"})
    mapped = {"index_patterns": ["notes-*"], "priority": 7}
    elasticsearch(host).send("PUT", "/_index_template/made-by-hand", mapped)
    yield
    for one in made[:2]:
        Api(host, 9093).send("DELETE", f"/api/v2/silence/{one}")
    grafana.send("DELETE", "/api/datasources/uid/byhand", login=login)
    elasticsearch(host).send("DELETE", "/notes")
    elasticsearch(host).send("DELETE", "/_index_template/made-by-hand")
    host.output("rm", "--recursive", "--force", BACKUPS)


def silence(comment: str, begin: float) -> dict[str, Any]:
    """A silence of two hours."""
    form = "%Y-%m-%dT%H:%M:%SZ"
    matcher = {"name": "alertname", "value": f"Made|{comment}", "isRegex": True, "isEqual": False}
    return {
        "matchers": [matcher],
        "startsAt": time.strftime(form, time.gmtime(begin)),
        "endsAt": time.strftime(form, time.gmtime(begin + 7200)),
        "createdBy": "somebody",
        "comment": comment,
    }


def source() -> dict[str, Any]:
    """A data source with a password."""
    return {
        "uid": "byhand",
        "name": "by-hand",
        "type": "prometheus",
        "access": "proxy",
        "url": "http://127.0.0.1:9999",
        "basicAuth": True,
        "basicAuthUser": "who",
        "secureJsonData": {"basicAuthPassword": SECRET},
    }


def settled(host: Host) -> float:
    """Wait for a moment that has lines and requests, and nothing on its way any more; return it."""
    limit = time.monotonic() + 120
    while True:
        moment = time.time() - 30
        if len(documents(host, moment)["hits"]) > 10 and all(values(host, moment).values()):
            return moment
        assert time.monotonic() < limit, "no lines, or no requests"
        time.sleep(2)


@pytest.fixture(scope="module")
def saved(stack: Stack, content: None, tmp_path_factory: pytest.TempPathFactory) -> Saved:
    """Make a backup of the running stack, and bring it to the controller."""
    folder, before = tmp_path_factory.mktemp("backups"), pids(stack.monitor)
    moment = settled(stack.monitor)
    told = (
        values(stack.monitor, moment),
        silences(stack.monitor),
        documents(stack.monitor, moment),
    )
    done = play(stack, (BACKUP,), "-vv", "-e", f"barehost_backup_fetch={folder}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert SECRET not in done.stdout
    assert pids(stack.monitor) == before, "a daemon was restarted"
    return Saved(folder, moment, *told)


def from_controller(saved: Saved) -> tuple[str, ...]:
    """The options that restore the backups of the stack on another host."""
    return (
        "-e", f"barehost_restore_source={saved.folder}",
        "-e", "barehost_restore_origin=monitor",
    )  # fmt: skip


# -- on the host that is saved ----------------------------------------------------


def test_check_mode_says_what_it_would_save_and_writes_nothing(stack: Stack, content: None) -> None:
    done = play(stack, (BACKUP,), "--check", "-v", "--tags=grafana")
    assert done.returncode == 0, done.stdout
    assert "copy /var/lib/grafana/grafana.db" in done.stdout
    assert stack.monitor.run("test", "-e", BACKUPS).returncode != 0


def test_backups_are_for_root_alone_and_for_their_owner_on_the_controller(
    stack: Stack, saved: Saved
) -> None:
    find = ("find", BACKUPS, "-perm", "/077", "!", "-type", "l")
    open_ = [path for path in stack.monitor.output(*find).splitlines() if "/data/" not in path]
    assert open_ == []
    assert stack.monitor.output("stat", "--format=%a %U", BACKUPS) == "700 root"
    archives = sorted(saved.folder.glob("monitor/*/*.tar"))
    assert sorted(path.parent.name for path in archives) == sorted(UNITS)
    assert [path.stat().st_mode & 0o077 for path in archives] == [0] * len(UNITS)


def test_a_backup_that_is_killed_does_not_count_and_the_next_one_cleans_up(
    stack: Stack, saved: Saved
) -> None:
    host = stack.monitor
    before = host.output("ls", f"{BACKUPS}/elasticsearch")
    words = ("/var/lib/barehost/elasticsearch/lock", f"{BACKUPS}/elasticsearch/.*.partial")
    killer = subprocess.Popen(
        ("docker", "exec", host.name, "python3", "-c", KILLER, *words), stdin=subprocess.DEVNULL
    )
    done = play(stack, (BACKUP,), "--tags=elk")
    assert killer.wait(60) == 0
    assert done.returncode != 0, "it was not killed"
    assert host.output("ls", f"{BACKUPS}/elasticsearch") == before, "it counts"
    assert ".partial" in host.output("ls", "-A", f"{BACKUPS}/elasticsearch")
    again = play(stack, (BACKUP,), "--tags=elk")
    assert again.returncode == 0, again.stdout
    names = host.output("ls", "-A", f"{BACKUPS}/elasticsearch").split()
    assert len(names) == 2 and ".partial" not in str(names)
    twice = host.output("find", f"{BACKUPS}/elasticsearch", "-path", "*/indices/*", "-links", "2")
    assert twice, "the two backups share nothing"
    assert elasticsearch(host).get("/_snapshot") == {}
    assert host.output("ls", "-A", "/var/lib/elasticsearch/snapshots") == ""


def test_only_the_newest_are_kept(stack: Stack, saved: Saved) -> None:
    for _time in range(2):
        done = play(stack, (BACKUP,), "--tags=alertmanager", "-e", "barehost_backup_keep=2")
        assert done.returncode == 0, done.stdout
    names = stack.monitor.output("ls", "-A", f"{BACKUPS}/alertmanager").split()
    assert len(names) == 2 and names == sorted(names)


def test_documents_are_not_replaced_unless_asked(stack: Stack, saved: Saved) -> None:
    before = documents(stack.monitor, saved.moment)
    done = play(stack, (RESTORE,), "--tags=elk")
    assert done.returncode != 0
    said = " ".join((done.stdout + done.stderr).split())
    assert "notes (1 documents)" in said and "barehost_restore_replace=true" in said
    assert documents(stack.monitor, saved.moment) == before


# -- on a fresh host --------------------------------------------------------------


def test_a_backup_that_does_not_fit_is_refused(fresh: Fresh, saved: Saved) -> None:
    place, before = f"{BACKUPS}/prometheus", pids(fresh.host)
    fresh.host.output("mkdir", "--parents", "--mode=0700", place)
    fresh.host.output("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", place)
    try:
        said = fresh.refused(RESTORE, "--tags=prometheus", *from_controller(saved))
    finally:
        fresh.host.output("umount", place)
    assert "bytes, but the file system of /var/backups/barehost/prometheus has" in said
    assert pids(fresh.host) == before


def test_check_mode_says_what_it_would_restore_and_changes_nothing(
    fresh: Fresh, saved: Saved
) -> None:
    before = pids(fresh.host)
    said = fresh.play(RESTORE, "--check", "-v", *from_controller(saved))
    assert "restore logs-ai_assistant-default" in said
    assert "replace the templates, life cycles and settings of the cluster" in said
    assert "create the silence" in said and "stop prometheus.service" in said
    assert pids(fresh.host) == before and silences(fresh.host) == []
    assert fresh.host.run("ls", f"{BACKUPS}/elasticsearch").returncode != 0


def test_a_fresh_host_holds_what_the_other_held(restored: Fresh, saved: Saved) -> None:
    assert values(restored.host, saved.moment) == saved.values
    assert all(saved.values.values()), "nothing was compared"
    assert silences(restored.host) == saved.silences
    assert {"now", "later"} <= {comment for comment, *_rest in saved.silences}
    assert documents(restored.host, saved.moment) == saved.documents
    assert len(saved.documents["hits"]) > 1
    login = base64.b64encode(f"who:{SECRET}".encode()).decode()
    assert by_hand(restored.host) == f"Basic {login}"


def test_a_second_restore_changes_nothing_nor_does_a_deployment(
    restored: Fresh, saved: Saved
) -> None:
    assert "changed=0" in restored.play(RESTORE, *from_controller(saved))
    assert silences(restored.host) == saved.silences
    assert "changed=0" in restored.play("site.yml", "--skip-tags=elasticsearch_exporter")


def test_a_backup_that_was_tampered_with_is_refused(restored: Fresh, saved: Saved) -> None:
    before, tag = pids(restored.host), ("--tags=prometheus", "-e", "barehost_restore_replace=true")
    path = restored.host.output("sh", "-c", f"ls {BACKUPS}/prometheus/*/data/wal/00000000")
    restored.host.output("cp", path, "/root/wal")
    restored.host.output("sh", "-c", f"printf x | dd of={path} bs=1 seek=100 conv=notrunc")
    said = restored.refused(RESTORE, *tag)
    restored.host.output("cp", "/root/wal", path)
    assert f"{path} is not what was saved: its sha256 differs" in said
    assert "Nothing was touched" in said
    assert pids(restored.host) == before
    assert values(restored.host, saved.moment) == saved.values


def test_data_that_is_not_what_was_saved_is_taken_back(restored: Fresh, saved: Saved) -> None:
    """What the daemon says after the restore is compared with what it said when it was saved."""
    manifest = restored.host.output("sh", "-c", f"ls {BACKUPS}/prometheus/*/manifest.json")
    text = restored.host.output("cat", manifest)
    wrong = json.loads(text)
    wrong["seen"].update(value="1", later="1")
    restored.host.run("tee", manifest, stdin=json.dumps(wrong))
    moment = time.time() - 15
    before = values(restored.host, moment)
    said = restored.refused(RESTORE, "--tags=prometheus", "-e", "barehost_restore_replace=true")
    restored.host.run("tee", manifest, stdin=text)
    assert "said 1 when the backup was made" in said
    assert "The data that was there before is back" in said
    assert values(restored.host, moment) == before
    assert restored.host.run("ls", "/var/lib/prometheus/.barehost-restore").returncode != 0


def test_a_database_that_grafana_refuses_is_taken_back(restored: Fresh, saved: Saved) -> None:
    program = (
        "import glob, hashlib, json\n"
        f"folder = glob.glob('{BACKUPS}/grafana/*')[0]\n"
        "open(f'{folder}/data/grafana.db', 'wb').write(b'no database' * 1000)\n"
        "manifest = json.load(open(f'{folder}/manifest.json'))\n"
        "digest = hashlib.sha256(b'no database' * 1000).hexdigest()\n"
        "manifest['files']['grafana.db'] = {'size': 11000, 'sha256': digest}\n"
        "json.dump(manifest, open(f'{folder}/manifest.json', 'w'))\n"
    )
    restored.host.output("python3", "-c", program)
    said = restored.refused(RESTORE, "--tags=grafana", "-e", "barehost_restore_replace=true")
    assert "The data that was there before is back, and grafana.service is healthy" in said
    login = base64.b64encode(f"who:{SECRET}".encode()).decode()
    assert by_hand(restored.host) == f"Basic {login}"


def test_with_the_admin_api_prometheus_makes_the_snapshot(restored: Fresh, saved: Saved) -> None:
    """And blocks are data that is not replaced unless asked."""
    admin = ("-e", '{"prometheus_flags": {"web.enable-admin-api": true}}', "--tags=prometheus")
    restored.play("site.yml", *admin)
    before = restored.host.output("ls", f"{BACKUPS}/prometheus")
    assert "method: snapshot" in restored.play(BACKUP, "-v", *admin)
    newest = restored.host.output("sh", "-c", f"ls -d {BACKUPS}/prometheus/*").split()[-1]
    blocks = restored.host.output("sh", "-c", f"ls -d {newest}/data/*/meta.json").split()
    assert blocks and restored.host.output("ls", "/var/lib/prometheus/snapshots") == ""
    restored.play(RESTORE, *admin)
    assert values(restored.host, saved.moment) == saved.values
    said = restored.refused(RESTORE, *admin, "-e", f"barehost_restore_backup={before}")
    assert "holds data already" in said and "barehost_restore_replace=true" in said
