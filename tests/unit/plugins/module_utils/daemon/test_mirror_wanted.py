# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files a mirror is to hold."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon import _mirror_wanted
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon._errors import SpecError

ONE, TWO = "sha256:" + "1" * 64, "sha256:" + "2" * 64


def release(**more: Any) -> dict[str, Any]:
    given = {
        "name": "web",
        "version": "1.0",
        "url": "https://up.example/web/v{version}/web-{version}.linux-{arch}.tar.gz",
        "checksum": "https://up.example/web/v{version}/sums",
        "arch": None,
    }
    return {**given, **more}


@pytest.mark.parametrize(
    ("release_", "architectures", "source", "paths"),
    [
        (release(), ["amd64"], "", ["web/v1.0/sums", "web/v1.0/web-1.0.linux-amd64.tar.gz"]),
        (
            release(),
            ["amd64", "arm64"],
            "",
            [
                "web/v1.0/sums",
                "web/v1.0/web-1.0.linux-amd64.tar.gz",
                "web/v1.0/web-1.0.linux-arm64.tar.gz",
            ],
        ),
        (release(checksum=ONE), ["amd64"], "", ["web/v1.0/web-1.0.linux-amd64.tar.gz"]),
        (
            release(checksum={"x86_64": ONE, "arm64": TWO}, arch={"amd64": "x86_64"}),
            ["amd64"],
            "",
            ["web/v1.0/web-1.0.linux-x86_64.tar.gz"],
        ),
        (
            release(url="file:///srv/m/web-{arch}", checksum=ONE),
            ["amd64"],
            "file:///srv/m/",
            ["web-amd64"],
        ),
        (release(url="http://h/p/a%2Bb", checksum=ONE), ["amd64"], "http://h/p", ["a+b"]),
        (release(url="http://h/pp/a", checksum=ONE), ["amd64"], "http://h/p", ["pp/a"]),
    ],
    ids=["list", "two", "literal", "words", "below a source", "escaped", "beside a source"],
)
def test_paths_are_those_of_upstream(
    release_: dict[str, Any], architectures: list[str], source: str, paths: list[str]
) -> None:
    assert sorted(_mirror_wanted.files([release_], architectures, source)) == paths


def test_a_list_is_named_by_the_files_that_it_proves() -> None:
    files = _mirror_wanted.files([release(), release()], ["amd64"], "")
    archive = files["web/v1.0/web-1.0.linux-amd64.tar.gz"]
    assert (archive.listed_in, archive.digest, archive.release) == ("web/v1.0/sums", "", "web 1.0")
    assert files["web/v1.0/sums"].address == "https://up.example/web/v1.0/sums"


def test_all_that_can_not_be_mirrored_is_told_at_once() -> None:
    releases = [
        release(checksum={"arm64": ONE}),
        release(url="ftp://up.example/web"),
        release(url="https://up.example/a/../../b", checksum=ONE),
        release(version="2.0", url="https://u:secret@up.example/", checksum=ONE),
        release(version="3.0", checksum=ONE),
        release(version="3.0", checksum=TWO),
    ]
    with pytest.raises(SpecError) as error:
        _mirror_wanted.files(releases, ["amd64"], "")
    assert error.value.faults == [
        "web 1.0: no checksum for architecture amd64 (given are: arm64)",
        "web 1.0: ftp://up.example/web is no address of a file (https, http, file)",
        "web 1.0: https://up.example/a/../../b is no address of a file (https, http, file)",
        "web 2.0: https://up.example/ is no address of a file (https, http, file)",
        f"web 3.0: two hosts want another web/v3.0/web-3.0.linux-amd64.tar.gz: its digest is {ONE} and {TWO}",
    ]
