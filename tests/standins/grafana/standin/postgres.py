# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A PostgreSQL as the database: it must let us in, and gets migration_log; all else lies in a file.

There is no driver in Python, so the host's psql asks it. As in Grafana the settings are put into one
text, unescaped, which the driver takes apart again.
"""

import os
import re
import subprocess

from standin import Refused, log

# What Grafana 9.4 says before it ends.
_WORDS = "alert migration failure: could not get migration log"
_MODES = ("require", "verify-full", "verify-ca", "disable")
_TABLE = """
create table if not exists migration_log (
  id serial primary key, migration_id varchar(255) not null, sql text not null,
  success bool not null, error text not null, timestamp timestamp not null);
insert into migration_log (migration_id, sql, success, error, timestamp)
  select 'create migration_log table', 'by the stand-in', true, '', now()
  where not exists (select from migration_log);
"""


def migrate(database: dict[str, str]) -> None:
    """Connect as grafana.ini says and note a migration, or end as Grafana ends."""
    log("info", "Connecting to DB", logger="sqlstore", dbtype="postgres")
    try:
        _ask(_options(_text(database)), _TABLE)
    except Refused as exc:
        log("error", _WORDS, logger="migrator", error=f"failed to check table existence: {exc}")
        raise SystemExit(1) from None


def _text(database: dict[str, str]) -> str:
    place = re.fullmatch(r"(/.*|[^:]*|\[.*\])(?::(\d+))?", database["host"])
    if not place:
        raise Refused(f"invalid host specifier '{database['host']}'")
    user, password, name = (database[key] or "''" for key in ("user", "password", "name"))
    return (
        f"user={user} password={password} host={place[1].strip('[]')}"
        f" port={place[2] or 5432} dbname={name} sslmode={database['ssl_mode']}"
    )


def _options(text: str) -> dict[str, str]:
    """Take a connection string apart as the driver does: blanks, quotes and backslashes count."""
    found: dict[str, str] = {}
    rest = text.lstrip()
    while rest:
        key, equals, rest = rest.partition("=")
        value = re.match(r"\s*(?:'((?:[^'\\]|\\.)*)'|((?!')(?:[^\s\\]|\\.)*))", rest, re.DOTALL)
        if not equals or re.search(r"\s", key):
            raise Refused(f'failed to connect to database: invalid option: "{key}"')
        if not value:
            raise Refused("unterminated quoted string literal in connection string")
        raw = value[1] if value[1] is not None else value[2]
        found[key] = re.sub(r"\\(.)", r"\1", raw, flags=re.DOTALL)
        rest = rest[value.end() :].lstrip()
    return found


def _ask(options: dict[str, str], query: str) -> None:
    if options["sslmode"] not in _MODES:
        raise Refused(f'pq: unsupported sslmode "{options["sslmode"]}"')
    names = {"user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
    names |= {"dbname": "DATABASE", "sslmode": "SSLMODE"}
    # Only root and the same user read a process' environment.
    environment = {f"PG{names[key]}": value for key, value in options.items()}
    done = subprocess.run(
        ["psql", "--no-psqlrc", "--no-password", "--quiet", "--set=ON_ERROR_STOP=1"],
        input=query,
        env={**os.environ, **environment, "LC_ALL": "C"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise Refused(_words(options, done.stderr.strip()))


def _words(options: dict[str, str], text: str) -> str:
    """Say it in the driver's words."""
    if "Connection refused" in text:
        return f"dial tcp {options['host']}:{options['port']}: connect: connection refused"
    return "pq: " + re.split(r"FATAL:  |ERROR:  |error: ", text)[-1]
