# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the READMEs of the roles count up by hand."""

from __future__ import annotations

from pathlib import Path

import yaml

ROLE = Path(__file__).parents[3] / "roles/prometheus"
NUMBERS = {7: "Seven", 8: "Eight", 9: "Nine", 10: "Ten", 11: "Eleven"}


def test_the_jobs_are_named_and_counted() -> None:
    section = (
        (ROLE / "README.md").read_text().partition("## What it deploys")[2].partition("\n## ")[0]
    )
    defaults = yaml.safe_load((ROLE / "defaults/main/main.yml").read_text())
    jobs = [job["job_name"] for job in defaults["prometheus_scrape_jobs"]]
    assert [job for job in jobs if f"`{job}`" not in section] == []
    assert f"* {NUMBERS[len(jobs)]} jobs:" in section
