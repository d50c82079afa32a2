# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Command line of the test hosts: python3 -m hosts --help."""

from __future__ import annotations

import argparse

from hosts import engine
from hosts.container import Host, all_hosts, remove_networks
from hosts.images import SUITES, build, remove_images
from hosts.shell import say


def main() -> None:
    """Do what the command line asks."""
    parser = argparse.ArgumentParser(prog="python3 -m hosts")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("engine", help="start a container engine unless one runs")
    commands.add_parser("stop-engine", help="stop the engine if it was started here")
    images = commands.add_parser("images", help="build the images that are missing or outdated")
    images.add_argument("suites", nargs="*", default=SUITES)
    boot = commands.add_parser("boot", help="boot a host anew")
    boot.add_argument("name")
    boot.add_argument("suite", choices=SUITES)
    remove = commands.add_parser("remove", help="remove the named hosts, or all of the project")
    remove.add_argument("names", nargs="*")
    remove.add_argument("--images", action="store_true", help="remove the images too")
    options = parser.parse_args()

    if options.command == "engine":
        engine.ensure()
    elif options.command == "stop-engine":
        engine.stop()
    elif options.command == "images":
        for suite in options.suites:
            build(suite)
    elif options.command == "boot":
        Host(options.name).boot(options.suite)
    elif engine.running():
        _remove(options.names, images=options.images)


def _remove(names: list[str], *, images: bool) -> None:
    for host in [Host(name) for name in names] or all_hosts():
        say(f"removing {host.name}")
        host.remove()
    if not names:
        remove_networks()
    if images:
        remove_images()


if __name__ == "__main__":
    main()
