# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m alerts docs` makes the pages; `python -m alerts mutants [ALERT ...]` names survivors."""

from __future__ import annotations

import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from alerts import pages, shipped
from alerts.score import AT_ONCE, Score, score


def _scored(alert: str) -> Score:
    with tempfile.TemporaryDirectory() as folder:
        found = score(alert, shipped.rules(), Path(folder))
    print(f"    {alert}: {found.killed}/{found.all}", *found.survivors, sep="\n        ")
    return found


def main() -> int:
    """Do what is asked for."""
    command, *names = sys.argv[1:] or ["help"]
    if command not in ("docs", "mutants"):
        print(__doc__)
        return 2
    chosen = names or list(pages.alerts())
    with ThreadPoolExecutor(AT_ONCE) as pool:
        scores = dict(zip(chosen, pool.map(_scored, chosen), strict=True))
    wrong = [alert for alert, found in scores.items() if not found.original_passes]
    if wrong:
        print(f"error: tests fail on the alerts as they are: {', '.join(wrong)}")
        return 1
    if command == "docs":
        _write(scores)
    return 0


def _write(scores: dict[str, Score]) -> None:
    page = pages.PAGE.read_text(encoding="utf-8")
    pages.PAGE.write_text(pages.with_table(page, pages.table(scores)), encoding="utf-8")
    wanted = pages.runbook_pages()
    pages.RUNBOOKS.mkdir(exist_ok=True)
    for path in set(pages.RUNBOOKS.glob("*.md")) - set(wanted):
        path.unlink()
    for path, text in wanted.items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
