# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The nearest peer, prometheus.prometheus: where it is, and how it deploys the same."""

from __future__ import annotations

import functools
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml

from bench.playbook import WORK
from hosts.shell import give_up

NAME = Path("ansible_collections/prometheus/prometheus")
RELEASES = "{mirror}/prometheus/{product}/releases/download/v{version}"
USUAL_PATHS = ("~/.ansible/collections", "/usr/share/ansible/collections")


def find() -> Path | None:
    """Return the folder above `ansible_collections` in which the peer is, if it is anywhere."""
    if checkout := os.environ.get("BENCH_PEER"):
        return _linked(Path(checkout).expanduser().resolve())
    given = os.environ.get("BENCH_PEER_PATH", "").removesuffix("/ansible_collections")
    for path in (given, *USUAL_PATHS):
        if path and (folder := Path(path).expanduser()).joinpath(NAME, "roles").is_dir():
            return folder.resolve()
    return None


def version(folder: Path) -> str:
    """Read the version from what an installation or a checkout carries."""
    manifest = folder / NAME / "MANIFEST.json"
    if manifest.exists():
        return str(json.loads(manifest.read_text())["collection_info"]["version"])
    return str(yaml.safe_load((folder / NAME / "galaxy.yml").read_text())["version"])


def _linked(checkout: Path) -> Path:
    """Give a plain checkout the place that Ansible demands."""
    if not (checkout / "roles/prometheus").is_dir():
        give_up(f"BENCH_PEER={checkout} is no checkout of prometheus.prometheus")
    link = WORK / "collections" / NAME
    link.parent.mkdir(parents=True, exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(checkout)
    return WORK / "collections"


def playbook(rendered: Path, versions: dict[str, str], mirror: str, cache: Path) -> Path:
    """Write the playbook that has the peer deploy what our own roles have rendered."""
    settings = {
        **_releases(versions, mirror, cache),
        **_prometheus(rendered / "prometheus"),
        **_alertmanager(rendered / "alertmanager"),
        **_node_exporter(rendered / "systemd/system/node_exporter.service"),
    }
    products = ("node_exporter", "alertmanager", "prometheus")
    play = {
        "name": "Deploy with prometheus.prometheus",
        "hosts": "bench",
        "become": True,
        "roles": [f"prometheus.prometheus.{product}" for product in products],
        "vars": settings,
    }
    path = WORK / "peer.yml"
    path.write_text(yaml.dump([play], Dumper=_Playbook, sort_keys=False))
    return path


class _Rendered(str):
    """A text that Ansible must not take for a template: Alertmanager's own look alike."""


class _Playbook(yaml.SafeDumper):
    """Writes such texts as Ansible wants them marked."""


_Playbook.add_representer(_Rendered, lambda to, text: to.represent_scalar("!unsafe", str(text)))


def _releases(versions: dict[str, str], mirror: str, cache: Path) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    for product, number in versions.items():
        release = RELEASES.format(mirror=mirror, product=product, version=number)
        arch = f"{{{{ _{product}_go_ansible_arch }}}}"
        settings |= {
            f"{product}_version": number,
            f"{product}_binary_url": f"{release}/{product}-{number}.linux-{arch}.tar.gz",
            f"{product}_checksums_url": f"{release}/sha256sums.txt",
            f"{product}_local_cache_path": str(cache / product),
        }
    return settings


def _prometheus(rendered: Path) -> dict[str, Any]:
    config = _read(rendered / "prometheus.yml")
    targets = {path.stem: _read(path) for path in sorted((rendered / "targets").glob("*.yml"))}
    jobs = []
    for job in config["scrape_configs"]:
        files = [f"/etc/prometheus/file_sd/{job['job_name']}.yml"]
        jobs.append({**job, "file_sd_configs": [{"files": files}]})
    return {
        "prometheus_global": config["global"],
        "prometheus_external_labels": {},
        "prometheus_alertmanager_config": config["alerting"]["alertmanagers"],
        "prometheus_scrape_configs": jobs,
        # A job without targets costs the peer no task.
        "prometheus_targets": {job: entries for job, entries in targets.items() if entries},
        "prometheus_alert_rules": [],
        "prometheus_alert_rules_files": [str(rendered / "rules/*.yml")],
        "prometheus_storage_retention": "200h",
        "prometheus_config_flags_extra": {"web.enable-lifecycle": ""},
        "prometheus_web_external_url": "http://bench:9090",
    }


def _alertmanager(rendered: Path) -> dict[str, Any]:
    config = _read(rendered / "alertmanager.yml")
    smtp = {
        key.removeprefix("smtp_"): value
        for key, value in config["global"].items()
        if key.startswith("smtp_")
    }
    return {
        "alertmanager_smtp": smtp,
        "alertmanager_route": config["route"],
        "alertmanager_receivers": config["receivers"],
        "alertmanager_inhibit_rules": config["inhibit_rules"],
        "alertmanager_template_files": [str(rendered / "templates/*.tmpl")],
        "alertmanager_web_external_url": "http://bench:9093",
    }


def _node_exporter(unit: Path) -> dict[str, Any]:
    flag = "--collector.filesystem.mount-points-exclude="
    exclusion = unit.read_text().split(flag)[1].split()[0]
    return {
        "node_exporter_textfile_dir": "/var/lib/node_exporter/textfile",
        "node_exporter_enabled_collectors": [
            {"textfile": {"directory": "/var/lib/node_exporter/textfile"}},
            {"filesystem": {"mount-points-exclude": exclusion}},
            {"systemd": {"unit-include": ".+[.]service"}},
        ],
    }


def _read(path: Path) -> Any:
    return _marked(yaml.safe_load(path.read_text()))


def _marked(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _marked(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_marked(each) for each in value]
    return _Rendered(value) if isinstance(value, str) and "{" in value else value


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Say nothing: the output belongs to the benchmark."""


@contextmanager
def served(directory: Path) -> Iterator[str]:
    """Serve a directory on loopback: the peer downloads by http only, on the controller."""
    handler = functools.partial(_Quiet, directory=str(directory))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
