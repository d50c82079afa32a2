# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The failures of the nearest comparable collection, tried on the real Prometheus and Alertmanager."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from integration.support.claims import converged, nothing_written, refused
from integration.support.fake import RELEASES, Member, archive, publish, sha256
from integration.support.host import Host, poll
from integration.support.products import RULE, Product, dump
from integration.support.server import Server

SCRAPE = dump(
    {"scrape_configs": [{"job_name": "x", "static_configs": [{"targets": ["127.0.0.1:9"]}]}]}
)


def jobs(prometheus: Product) -> list[str]:
    """Return the jobs of the targets that are scraped."""
    return [target["labels"]["job"] for target in prometheus.api("targets")["activeTargets"]]


@pytest.mark.suites("bookworm", "trixie")
def test_a_broken_scrape_file_is_refused(prometheus: Product) -> None:
    """Error with file and line; live files and process stay; mended, it converges."""
    prometheus.apply(prometheus.prometheus({"scrape_configs/x.yml": SCRAPE}))
    broken = "scrape_configs:\n- job_name: x\n  scrape_intervall: 5s\n"
    args = prometheus.prometheus({"scrape_configs/x.yml": broken})
    refused(
        prometheus, args, rf"{prometheus.etc}/scrape_configs/x\.yml", "line 3", "scrape_intervall"
    )
    good = prometheus.prometheus({"scrape_configs/x.yml": SCRAPE.replace('"x"', '"y"')})
    prometheus.apply(good)
    # Prometheus makes and removes scrape pools up to 5 s after the reload.
    poll(lambda: jobs(prometheus) == ["y"], 10, "the mended file is scraped")
    without = prometheus.prometheus()
    prometheus.apply(without)
    poll(lambda: jobs(prometheus) == [], 10, "the removed file is no longer scraped")
    converged(prometheus, without)


@pytest.mark.suites("bookworm", "trixie")
def test_a_broken_notification_template_is_refused_and_a_good_one_reloads(
    alertmanager: Product,
) -> None:
    """The checker sees the staged templates; a change of them alone reloads the same process."""
    alertmanager.apply(
        alertmanager.alertmanager({"templates/a.tmpl": '{{ define "a" }}one{{ end }}'})
    )
    pid = alertmanager.pid
    stamp = "alertmanager_config_last_reload_success_timestamp_seconds"
    loaded = alertmanager.metric(stamp)
    broken = alertmanager.alertmanager(
        {"templates/a.tmpl": '{{ define "a" }}{{ nosuch . }}{{ end }}'}
    )
    refused(alertmanager, broken, r"a\.tmpl", 'function "nosuch" not defined')
    good = alertmanager.alertmanager({"templates/a.tmpl": '{{ define "a" }}two{{ end }}'})
    alertmanager.apply(good)
    assert alertmanager.pid == pid
    assert alertmanager.metric(stamp) > loaded
    converged(alertmanager, good)


def test_a_missing_certificate_is_refused(prometheus: Product) -> None:
    """Neither by promtool check config nor by a start is it found out too late."""
    prometheus.apply(prometheus.prometheus())
    web = dump({"tls_server_config": {"cert_file": "tls/cert.pem", "key_file": "tls/key.pem"}})
    args = prometheus.prometheus({"web.yml": web}, flags=("--web.config.file={config}/web.yml",))
    args["checks"].append(
        {"argv": ["{release}/promtool", "check", "web-config", "{config}/web.yml"]}
    )
    refused(prometheus, args, r"tls/(cert|key)\.pem")
    args["requires"] = ["tls/cert.pem", "tls/key.pem"]
    refused(prometheus, args, r"tls/cert\.pem", r"tls/key\.pem")


def test_a_missing_ca_file_is_taken_back(prometheus: Product) -> None:
    """Loads "successfully" and scrapes nothing: one counter tells."""
    prometheus.apply(prometheus.prometheus({"scrape_configs/x.yml": SCRAPE}))
    job = {
        "job_name": "tls",
        "scheme": "https",
        "tls_config": {"ca_file": "/etc/ssl/none.pem"},
        "static_configs": [{"targets": ["127.0.0.1:9"]}],
    }
    args = prometheus.prometheus({"scrape_configs/x.yml": dump({"scrape_configs": [job]})})
    failed = "prometheus_target_scrape_pools_failed_total"
    args["health"]["probes"][1]["metrics"].append({"name": failed, "not_risen": True})
    args["health"]["settle"] = 6  # scrape pools are made up to 5 s after the reload
    result = prometheus.refuse(args)
    assert failed in result.msg
    assert result["rolled_back"] is True
    poll(lambda: jobs(prometheus) == ["x"], 10, "the old job is scraped again")


@pytest.mark.suites("bookworm", "trixie")
def test_a_lost_restart_is_made_up_for(prometheus: Product) -> None:
    """Run A changes a flag and fails on a bad file; run B, mended, restarts: the process has 41d."""
    prometheus.apply(prometheus.prometheus(flags=("--storage.tsdb.retention.time=30d",)))
    wanted = ("--storage.tsdb.retention.time=41d",)
    broken = prometheus.prometheus({"rules/a.yml": "groups: 1\n"}, flags=wanted)
    refused(prometheus, broken, r"a\.yml")
    mended = prometheus.prometheus({"rules/a.yml": RULE}, flags=wanted)
    prometheus.host.module(mended, "--kill-at", "activate")
    assert prometheus.api("status/flags")["storage.tsdb.retention.time"] == "30d"
    assert prometheus.apply(mended).changed
    assert prometheus.api("status/flags")["storage.tsdb.retention.time"] == "41d"
    assert "--storage.tsdb.retention.time=41d" in prometheus.host.read(
        f"/proc/{prometheus.pid}/cmdline"
    )
    converged(prometheus, mended)


def test_check_mode_on_a_fresh_host_needs_no_mirror(prometheus: Product, server: Server) -> None:
    """No file, no request."""
    args = prometheus.prometheus(
        release={"url": server.url(f"file://{RELEASES}/{{version}}.tar.gz")}
    )
    with nothing_written(prometheus.host):
        assert prometheus.apply(args, check=True, diff=True).changed
    assert server.requests() == []


def test_a_settled_prometheus_needs_no_mirror(prometheus: Product) -> None:
    """The addresses lead nowhere: a no-op does not ask, nor walk the 200 MB of the release."""
    prometheus.apply(prometheus.prometheus({"rules/a.yml": RULE}))
    nowhere = {"url": "http://127.0.0.1:9/{version}", "checksum": "http://127.0.0.1:9/sums"}
    args = prometheus.prometheus({"rules/a.yml": RULE}, release=nowhere)
    with nothing_written(prometheus.host):
        result = prometheus.host.module(args, "--audit")
    assert not result.failed and not result.changed, str(result)
    assert result.seconds < 2


def dying(host: Host) -> dict[str, str]:
    """Publish a Prometheus whose checker is fine and whose server dies."""
    top = f"prometheus-9.0.0.linux-{host.arch}"
    promtool = b"#!/bin/sh\nexit 0\n"
    server = b"#!/bin/sh\necho panic: a bug of this version >&2\nexit 2\n"
    members = [
        Member(f"{top}/promtool", promtool, 0o755),
        Member(f"{top}/prometheus", server, 0o755),
    ]
    content = archive(members)
    publish(host, "9.0.0", content)
    name = f"fakehost-9.0.0.linux-{host.arch}.tar.gz"
    url = f"file://{RELEASES}/v9.0.0/{name}"
    return {"version": "9.0.0", "url": url, "checksum": f"sha256:{sha256(content)}"}


def test_a_wrong_digest_is_refused(prometheus: Product) -> None:
    """The service runs on."""
    prometheus.apply(prometheus.prometheus())
    release = {**dying(prometheus.host), "checksum": f"sha256:{'1' * 64}"}
    refused(prometheus, prometheus.prometheus(release=release), "sha256", "1{64}")


def test_an_upgrade_that_dies_is_taken_back(prometheus: Product) -> None:
    """The old binary serves again and the error has the new one's last words."""
    prometheus.apply(prometheus.prometheus({"rules/a.yml": RULE}))
    result = prometheus.refuse(
        prometheus.prometheus({"rules/a.yml": RULE}, release=dying(prometheus.host))
    )
    assert result["rolled_back"] is True
    assert any("panic: a bug of this version" in line for line in result["journal"])
    exe = prometheus.host.out("readlink", f"/proc/{prometheus.pid}/exe")
    assert exe == f"/opt/prometheus/{prometheus.version}/prometheus"
    converged(prometheus, prometheus.prometheus({"rules/a.yml": RULE}))


def test_a_removed_rule_disappears_from_memory(prometheus: Product) -> None:
    """File pruned, reloaded, the rule count falls."""
    prometheus.apply(
        prometheus.prometheus(
            {"rules/a.yml": RULE, "rules/b.yml": RULE.replace("name: g", "name: h")}
        )
    )
    assert prometheus.metric("prometheus_rule_group_rules") == 2
    pid = prometheus.pid
    args = prometheus.prometheus({"rules/a.yml": RULE})
    args["health"]["probes"][1]["metrics"].append(
        {"name": "prometheus_rule_group_rules", "sum": True, "equals": 1}
    )
    prometheus.apply(args)
    assert [group["name"] for group in prometheus.api("rules")["groups"]] == ["g"]
    assert prometheus.pid == pid


def test_a_first_installation_starts_once(alertmanager: Product) -> None:
    """One invocation of the unit in the journal."""
    alertmanager.apply(alertmanager.alertmanager())
    lines = alertmanager.host.out(
        "journalctl", f"--unit={alertmanager.unit}", "--output=json", "--no-pager"
    )
    invocations = {json.loads(line).get("_SYSTEMD_INVOCATION_ID") for line in lines.splitlines()}
    assert len(invocations - {None}) == 1


def test_several_addresses_and_ipv6_loopback(prometheus: Product) -> None:
    """A list of listening addresses, all of them proved, nothing on other addresses."""
    args = prometheus.prometheus(flags=(f"--web.listen-address=[::1]:{prometheus.port}",))
    args["health"]["probes"].append({"url": f"http://[::1]:{prometheus.port}/-/ready"})
    prometheus.apply(args)
    assert prometheus.get("/-/ready", host="[::1]")[0] == 200
    listening = prometheus.host.out("ss", "-Hltn", f"sport = :{prometheus.port}")
    assert sorted(line.split()[3] for line in listening.splitlines()) == [
        f"127.0.0.1:{prometheus.port}",
        f"[::1]:{prometheus.port}",
    ]


def test_two_instances_of_prometheus(make: Callable[[str], Product]) -> None:
    """Two names on one host, one release folder; the end of one is not the end of the other."""
    one, two = make("prometheus"), make("prometheus")
    one.apply(one.prometheus(flags=("--storage.tsdb.retention.time=10d",)))
    two.apply(two.prometheus(flags=("--storage.tsdb.retention.time=20d",)))
    flags = [instance.api("status/flags")["storage.tsdb.retention.time"] for instance in (one, two)]
    assert flags == ["10d", "20d"] or flags == ["1w3d", "20d"]
    two.apply({"name": two.name, "state": "absent", "purge": True})
    assert one.healthy()
    converged(one, one.prometheus(flags=("--storage.tsdb.retention.time=10d",)))
