# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every link between pages of this project leads to a file, and to a heading if it names one."""

from __future__ import annotations

import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[3]
FENCED = re.compile(r"^( *)(```|~~~).*?^\1\2$", re.MULTILINE | re.DOTALL)
INDENTED = re.compile(r"(?<=\n\n)(?: {4,}\S.*\n(?:\n(?= {4}))?)+")
CODE = re.compile(r"(`+)[^`].*?\1")
LINK = re.compile(
    r"\]\(<?([^)\s>]+)>?(?: \"[^\"]*\")?\)|^\[[^]]+\]: (\S+)|(?:href|src)=\"([^\"]+)\"", re.M
)
HEADING = re.compile(r"^#{1,6} +(.*?)(?: +#+)?$", re.MULTILINE)
ELSEWHERE = re.compile(r"[a-z][a-z+.-]*:", re.IGNORECASE)


def listed(*options: str) -> set[str]:
    """List what git tracks or would track."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", *options]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=True)
    return {name for name in done.stdout.split("\0") if name and (CHECKOUT / name).exists()}


FILES = listed()
PLACES = {str(parent) for name in FILES for parent in (Path(name), *Path(name).parents)}
PAGES = sorted(name for name in FILES if name.endswith(".md"))


def anchors(text: str) -> set[str]:
    """Name the headings as GitHub does; the second of a name has -1 at its end."""
    found: dict[str, int] = {}
    for heading in HEADING.findall(FENCED.sub("", text)):
        shown = re.sub(r"!?\[([^]]*)\]\([^)]*\)", r"\1", heading)
        name = re.sub(r"[^\w\- ]", "", shown.lower()).replace(" ", "-")
        found[name] = found.get(name, -1) + 1
    return {f"{name}-{n}" if n else name for name, last in found.items() for n in range(last + 1)}


@cache
def anchors_of(page: str) -> set[str]:
    """Name the headings of a page."""
    return anchors((CHECKOUT / page).read_text("utf-8"))


def faults(page: str, text: str) -> list[str]:
    """Name the links of a page that lead nowhere."""
    for code in (FENCED, INDENTED, CODE):
        text = code.sub("", text)
    found = []
    for target in ("".join(parts) for parts in LINK.findall(text)):
        path, _mark, anchor = target.partition("#")
        if ELSEWHERE.match(target):
            continue
        place = CHECKOUT / page if not path else (CHECKOUT / page).parent / path
        name = str(Path(*place.parts).resolve().relative_to(CHECKOUT.resolve()))
        if name not in PLACES:
            found.append(f"{target}: there is no {name}")
        elif anchor and (not name.endswith(".md") or anchor not in anchors_of(name)):
            found.append(f"{target}: {name} has no heading #{anchor}")
    return found


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    assert faults(page, (CHECKOUT / page).read_text("utf-8")) == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[a](docs/logs.md), ![b](docs), [c](https://example.com/x), [d](#roles)", ""),
        ("[a](docs/logs.md#look-for-lines)", ""),
        ("[a](docs/none.md)", "docs/none.md"),
        ("[a](.cache)", ".cache"),
        ("[a](docs/logs.md#none)", "#none"),
        ("[a](#none)", "#none"),
        ("[a](galaxy.yml#L1)", "#L1"),
        ("[a]: docs/none.md", "docs/none.md"),
        ('<img src="none.png">', "none.png"),
        ("`[a](none)` and\n\n    [b](none)\n\n```\n[c](none)\n```\n", ""),
    ],
)
def test_what_leads_nowhere_is_seen(text: str, fault: str) -> None:
    found = faults("README.md", text)
    assert len(found) == bool(fault)
    assert fault in "".join(found)


def test_headings_have_the_names_that_github_gives_them() -> None:
    text = "# A `b_c`, d/e!\n## Twice\n## Twice\n```sh\n# none\n```\n## [x y](z.md) — w\n"
    assert anchors(text) == {"a-b_c-de", "twice", "twice-1", "x-y--w"}
