# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Command line: python3 -m dashboards write | check [URL] | pictures [URL].

URL is that of a running Prometheus; without one it is that of the demo, whose Elasticsearch is asked, too.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from dashboards.board import document
from dashboards.boards import BOARDS
from dashboards.checks import live, live_logs
from dashboards.checks.exceptions import EMPTY
from dashboards.checks.view import BoardView
from demo.stack import DEMO

CHECKOUT = Path(__file__).parents[1]
FOLDER = CHECKOUT / "roles/grafana/files/dashboards"
MAY_BE_EMPTY = CHECKOUT / "roles/grafana/files/may_be_empty.json"
PICTURES = CHECKOUT / "docs/dashboards"


def write() -> None:
    """Write the dashboards that the role grafana brings."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    wanted = {FOLDER / f"{board.uid}.json": document(board) for board in BOARDS}
    for path in set(FOLDER.glob("*.json")) - set(wanted):
        path.unlink()
    for path, text in wanted.items():
        path.write_text(text, encoding="utf-8")
    MAY_BE_EMPTY.write_text(may_be_empty(), encoding="utf-8")


def may_be_empty() -> str:
    """Return for the role which panels may have no data, and why."""
    found: dict[str, dict[str, str]] = {}
    for (board, panel, ref), reason in sorted(EMPTY.items()):
        found.setdefault(board, {})[panel if ref == "*" else f"{panel}/{ref}"] = reason
    return json.dumps(found, indent=2) + "\n"


def check(url: str) -> None:
    """Say which queries have no data."""
    found = live.faults(views(), live.reader(url or of_the_demo()))
    if not url:
        grafana = DEMO.grafana
        search = live_logs.searcher(grafana.through("elasticsearch"), grafana.headers)
        found += live_logs.faults(views(), search)
    print("\n".join(found) or "every query of every panel has data")
    sys.exit(bool(found))


def pictures(url: str) -> None:
    """Draw each board with live data."""
    from dashboards.preview.pictures import picture  # matplotlib takes its time

    PICTURES.mkdir(parents=True, exist_ok=True)
    for board in views():
        if any(board.queries):
            picture(board, live.reader(url), PICTURES / f"{board.uid}.png")


def of_the_demo() -> str:
    """Return the address of the demo's Prometheus; say so when it does not run."""
    if not DEMO.monitor.runs():
        sys.exit("the demo does not run ('make demo' starts it), and no other Prometheus is named")
    return DEMO.prometheus.url


def views() -> list[BoardView]:
    """Read the dashboards as the role brings them."""
    return [
        BoardView(json.loads(path.read_text("utf-8"))) for path in sorted(FOLDER.glob("*.json"))
    ]


def main() -> None:
    """Do what is asked."""
    match sys.argv[1:]:
        case ["write"]:
            write()
        case ["check", *url]:
            check(url[0].rstrip("/") if url else "")
        case ["pictures", *url]:
            pictures(url[0].rstrip("/") if url else of_the_demo())
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()
