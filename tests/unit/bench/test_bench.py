# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the benchmark makes of its measurements."""

import pytest

from bench import peer
from bench.playbook import Run, RunFailed, recap
from bench.report import page
from bench.results import BUDGETS, Result, ratio, verdict

RECAP = """
PLAY RECAP *******
bench                      : ok=105  changed=3    unreachable=0    failed=0    skipped=46   rescued=0
localhost                  : ok=1    changed=0    unreachable=0    failed=0    skipped=0    rescued=0
"""
LABELS = {"collection": "ours", "shell": "script", "peer": "peer"}
NOOP_OF_PEER, COLD_OF_PEER, COLD_OF_SCRIPT, _COLD_OF_CAREFUL = BUDGETS


def result(cold: float, *noop: float) -> Result:
    return Result([Run(cold)], [Run(seconds, 6, 1) for seconds in noop])


RESULTS = {
    "collection": result(6.0, 3.0, 2.0, 2.5),
    "shell": result(2.9),
    "peer": result(60.0, 40.0),
}


def test_the_recap_of_the_host_is_read():
    assert recap(RECAP, 1.5) == Run(1.5, tasks=105, skipped=46, changed=3)


def test_a_run_without_recap_is_a_failure():
    with pytest.raises(RunFailed, match="recap"):
        recap("ERROR! no such playbook", 1.0)


@pytest.mark.parametrize(
    ("budget", "share", "word"),
    [
        (NOOP_OF_PEER, 2.5 / 40, "met"),
        (COLD_OF_PEER, 0.1, "met"),
        (COLD_OF_SCRIPT, 6 / 2.9, "NOT MET"),
    ],
)
def test_budgets_are_judged_by_medians(budget, share, word):
    measured, verdict_word = verdict(RESULTS, budget)
    assert measured == pytest.approx(share)
    assert verdict_word == word


def test_a_share_exactly_at_its_budget_is_met():
    results = {"collection": result(2.0), "shell": result(1.0)}
    assert verdict(results, COLD_OF_SCRIPT) == (2.0, "met")


@pytest.mark.parametrize("missing", [{}, {"peer": Result(reason="absent")}])
def test_what_was_not_measured_is_neither_met_nor_missed(missing):
    results = {"collection": RESULTS["collection"], "shell": RESULTS["shell"]} | missing
    assert verdict(results, NOOP_OF_PEER) == (None, "not measured")


def test_runs_before_a_failure_do_not_count():
    failed = Result([Run(1.0)], [], reason="it died")
    assert ratio(RESULTS | {"peer": failed}, "cold", "collection", "peer") is None


def test_the_page_shows_times_ratios_and_reasons():
    text = page(RESULTS | {"peer": Result(reason="it is absent")}, LABELS, {"Date": "today"})
    assert "| ours | 6.0 s (6.0..6.0) | 1.0 | 2.1 | 2.5 s (2.0..3.0) | 1.0 | 6 | 1 |" in text
    assert "| script | 2.9 s (2.9..2.9) | 0.5 | 1.0 | – | – | – | – |" in text
    assert "| peer | not measured: it is absent |" in text
    assert "- Date: today" in text


def test_every_row_of_the_page_has_all_columns():
    text = page(RESULTS | {"peer": Result(reason="it is absent")}, LABELS, {})
    table = text.split("\n\n")[2].splitlines()
    assert {row.count("|") for row in table} == {9}


def test_a_checkout_of_the_peer_is_found_and_named(tmp_path, monkeypatch):
    checkout = tmp_path / "checkout"
    (checkout / "roles/prometheus").mkdir(parents=True)
    (checkout / "galaxy.yml").write_text("version: 1.2.3\n")
    monkeypatch.setattr(peer, "WORK", tmp_path / "work")
    monkeypatch.setenv("BENCH_PEER", str(checkout))
    found = peer.find()
    assert found == tmp_path / "work/collections"
    assert peer.version(found) == "1.2.3"


def test_a_wrong_checkout_of_the_peer_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("BENCH_PEER", str(tmp_path))
    with pytest.raises(SystemExit, match="is no checkout"):
        peer.find()


def test_a_path_of_collections_may_name_its_last_folder(tmp_path, monkeypatch):
    (tmp_path / peer.NAME / "roles").mkdir(parents=True)
    monkeypatch.setattr(peer, "WORK", tmp_path / "work")
    monkeypatch.delenv("BENCH_PEER", raising=False)
    monkeypatch.setenv("BENCH_PEER_PATH", str(tmp_path / "ansible_collections"))
    assert peer.find() == tmp_path
