# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The product's own preparatory commands, as steps of the transaction."""

from __future__ import annotations

from typing import Any

import pytest

from integration.support.claims import converged
from integration.support.fake import Fake


def step(fake: Fake, **more: Any) -> dict[str, Any]:
    """Describe a step that counts its runs and keeps its standard input, as a keystore tool would."""
    script = 'echo run >> "$0/runs"; cat > "$0/keystore"'
    return {
        "name": "fill the keystore",
        "argv": ["/bin/sh", "-ec", script, fake.etc],
        "stdin": "S3kret-keystore",
        "depends": ["release"],
        "touches": [f"{fake.etc}/keystore"],
        **more,
    }


@pytest.mark.suites("bookworm", "bullseye")
def test_a_step_runs_once_for_each_cause(fake: Fake) -> None:
    """First installation, new release, new secret: once each; otherwise not at all."""

    def runs() -> int:
        return fake.host.read(f"{fake.etc}/runs").count("run")

    args = fake.args(prepare=[step(fake)])
    fake.apply(args)
    assert (runs(), fake.host.read(f"{fake.etc}/keystore")) == (1, "S3kret-keystore")
    converged(fake, args)
    assert runs() == 1
    upgraded = fake.args(version="1.1.0", prepare=[step(fake)])
    fake.apply(upgraded)
    assert runs() == 2
    fake.apply(fake.args(version="1.1.0", prepare=[step(fake, stdin="S3kret-new")]))
    assert (runs(), fake.host.read(f"{fake.etc}/keystore")) == (3, "S3kret-new")


def test_a_failing_step_takes_the_deployment_back(fake: Fake) -> None:
    """Its words are in the error, what it touched is restored, the old service serves."""
    fake.deploy(prepare=[step(fake)])
    script = f"echo ruined > {fake.etc}/keystore; echo the keystore is locked >&2; exit 4"
    failing = step(fake, argv=["/bin/sh", "-c", script])
    result = fake.refuse(fake.args(version="1.1.0", prepare=[failing]))
    assert result["rolled_back"] is True
    assert "the keystore is locked" in result.msg
    assert fake.host.read(f"{fake.etc}/keystore") == "S3kret-keystore"
    assert fake.running_release == "1.0.0"
    assert fake.healthy()
    converged(fake, fake.args(prepare=[step(fake)]))
