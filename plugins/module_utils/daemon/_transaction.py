# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One deployment as one transaction:

    lock - plan - (nothing to do: leave) - stage - check - commit - activate - gate - record
                                                              \\______ or roll back ______/

Until the commit nothing that the running service sees is touched. From then on transaction.json
says what to go back to, so that a run that dies anywhere is finished or undone by the next one.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, NoReturn

from . import _back, _desired, _gate, _host, _phases, _plan, _release, _rollback, _stage, _versions
from ._errors import DaemonError, Final
from ._host import Host
from ._phases import Observer, Run
from ._spec import Spec
from ._state import Entry
from ._store import Store


class Failure(DaemonError):
    """A run that failed, with all that the operator wants to see."""

    def __init__(self, message: str, phase: str, rolled_back: bool, journal: list[str]) -> None:
        super().__init__(message)
        self.phase = phase
        self.rolled_back = rolled_back
        self.journal = journal


@dataclass
class Outcome:
    """What a run did, or in check mode would do."""

    plan: _plan.Plan
    version: str
    previous_version: str
    contents: Mapping[str, tuple[bytes, bytes]]  # path -> before, after: for the diff
    warnings: list[str] = field(default_factory=list)


def run(
    spec: Spec,
    host: Host,
    health: Mapping[str, Any],
    check_mode: bool,
    lock_timeout: float,
    observe: Observer = lambda point: None,
    back: bool = False,
) -> Outcome:
    """Deploy what spec describes. Raises Failure; the service is then as it was before.

    health: the health group as the task gave it. observe: called with the name of each phase as it
    begins and "commit:<path>" before each path; nothing but tests needs it. back: return to the
    state before the last good one instead; where there is none, nothing is done.
    """
    store = Store(posixpath.join(spec.layout.state, spec.name))
    current = Run(spec, host, store, observe, back)
    with _failures(current):
        host.systemd.preflight()
        with store.locked(lock_timeout, create=not check_mode and not back):
            current.enter("plan")
            wanted = _back.wanted(current) if back else described(current, health, check_mode)
            if wanted is None:
                return _nothing(current)
            seen, outcome = decide(current, wanted)
            if check_mode:
                if outcome.plan.activation == "restart":
                    held = host.foreign_holders(current.spec.health, seen.status)
                    outcome.warnings += [f"{fault}: a real run would refuse" for fault in held]
                return outcome
            if not outcome.plan.changed:
                outcome.warnings += _still_healthy(current)
                return outcome
            try:
                _deploy(current, wanted, seen, outcome)
            except (DaemonError, OSError) as exc:
                taken_back = not isinstance(exc, Failure) or exc.rolled_back
                if taken_back and outcome.plan.install and current.spec.release:
                    _versions.discard(spec.layout, current.spec.release)
                raise
            return outcome


def _nothing(current: Run) -> Outcome:
    record = current.store.record()
    version = record.version if record else ""
    words = "no earlier good state of it is kept on this host, so nothing was done"
    return Outcome(_plan.NOTHING, version, version, {}, [f"{current.spec.name}: {words}"])


@contextmanager
def _failures(current: Run) -> Iterator[None]:
    """Whatever goes wrong becomes a sentence that names the phase; never a traceback."""
    try:
        yield
    except Failure:
        raise
    except Exception as exc:
        # After the commit every error is a Failure already.
        text = _words(exc)
        text += ("\n" if "\n" in text else ". ") + "Nothing was replaced"
        raise Failure(text, current.phase, False, []) from exc


def _os_error(exc: OSError) -> str:
    return f"{exc.filename}: {exc.strerror}" if exc.filename else str(exc)


def _unexpected(exc: Exception) -> str:
    return (
        f"unexpected {type(exc).__name__}: {exc}. This is a fault of the module: please report it"
    )


def _words(exc: BaseException) -> str:
    if isinstance(exc, OSError):
        return _os_error(exc)
    if isinstance(exc, (DaemonError, _release.ReleaseError)) or not isinstance(exc, Exception):
        return str(exc) or "interrupted"
    return _unexpected(exc)


def described(current: Run, health: Mapping[str, Any], check_mode: bool) -> _desired.Desired:
    """The state that the task describes. health: the health group as the task gave it."""
    spec, store = current.spec, current.store
    generated = _host.generated(spec, store)
    return _desired.build(spec, store.salt(create=not check_mode), generated, health)


def decide(current: Run, wanted: _desired.Desired) -> tuple[_plan.Observed, Outcome]:
    """Compare what is wanted with the host. Raises DaemonError when that may not become so."""
    spec, store = current.spec, current.store
    observation = _host.observe(spec, wanted.state, current.host, store)
    seen = observation.seen
    if faults := _plan.refused(spec, wanted.state, seen):
        raise DaemonError("; ".join(faults))
    plan = _plan.plan(spec, wanted.state, seen)
    contents = {
        change.path: (
            observation.contents[change.path],
            wanted.contents.get(change.after.digest, b"") if change.after else b"",
        )
        for change in plan.changes
    }
    previous = seen.record.version if seen.record else ""
    outcome = Outcome(plan, wanted.state.version, previous, contents)
    if store.unreadable():
        outcome.warnings.append(
            f"{store.directory}/record.json could not be read and is written anew: files of earlier "
            "deployments that are no longer wanted were not removed"
        )
    return seen, outcome


def _still_healthy(current: Run) -> list[str]:
    """Nothing to change; green must still mean working."""
    spec, host = current.spec, current.host
    report = host.probe(spec.health, None)
    if not report.faults:
        return list(report.warnings)
    current.enter("gate")
    try:
        # Where nothing is loaded anew, one more request with a wrong password would only count.
        if report.final and not spec.can_reload:
            raise Final("; ".join(report.faults))
        verb = "reload" if spec.can_reload else "none"
        baseline = _gate.activate(host, spec.main_unit, verb, spec.health)
        return list(_gate.prove(host, spec.main_unit, spec.health, baseline))
    except DaemonError as exc:
        raise Failure(
            f"{spec.unit_name} runs the wanted state but is not well: {exc}. Nothing was changed; "
            f"look at its journal, then try: systemctl restart {spec.unit_name}",
            "gate",
            False,
            host.systemd.journal(spec.unit_name, current.started - 300),
        ) from exc


def _deploy(current: Run, wanted: _desired.Desired, seen: _plan.Observed, outcome: Outcome) -> None:
    spec, host, store, plan = current.spec, current.host, current.store, outcome.plan
    host.systemd.check_version()
    if spec.checks or spec.requires:
        host.systemd.check_bus()
    existed = os.path.isdir(spec.config_directory)
    _phases.make_sure_of_room(current, plan)
    try:
        current.enter("stage")
        staged = _phases.prepare_stage(current, wanted, seen, plan)
        current.enter("check")
        starts = plan.activation == "restart"
        # A unit that has run already was judged then.
        faults = [] if current.back else _stage.verify_unit(spec, wanted, host, store.stage)
        _stage.check(spec, host, staged, seen.status, starts, faults)
    finally:
        store.clear_stage()
        if not existed and os.path.isdir(spec.config_directory):
            # Mounting over it made the directory; it is not ours before the commit.
            with suppress(OSError):
                os.rmdir(spec.config_directory)
    before = _phases.remember(current, seen, plan)
    try:
        _phases.commit(current, wanted, seen, plan, before)
        outcome.warnings += _phases.activate(current, plan)
        _phases.tell(current)
        current.enter("record")
        (store.go_back if current.back else store.save_record)(wanted.state)
        store.end()
    except (Exception, KeyboardInterrupt) as exc:
        if current.phase == "record" and store.record() == wanted.state:
            _finish(current, exc)
        _undo(current, before, exc)
    outcome.warnings += _phases.tidy_up(current)


def _finish(current: Run, cause: BaseException) -> NoReturn:
    """The new state is proved and recorded: whatever comes then takes nothing back."""
    with suppress(OSError):
        current.store.end()
    text = f"{current.spec.unit_name} is deployed and healthy, but the run did not end: "
    raise Failure(text + _words(cause), "record", False, []) from cause


def _last_words(journal: list[str], unit: str) -> str:
    """What the daemon itself said last: most often the very reason."""
    own = [line for line in journal if unit not in line]
    return f" (its last words: {own[-1].strip()})" if own else ""


def _undo(current: Run, before: Mapping[str, Entry | None], cause: BaseException) -> NoReturn:
    """Roll back, then fail with the cause, the daemon's last words and what became of it."""
    spec, host, phase = current.spec, current.host, current.phase
    # Until something was started even a store that can not go back has seen nothing new.
    migrated = _plan.migrates(spec, current.store.record())
    forbidden = (migrated or not spec.rollback) and phase != "commit"
    if not forbidden:
        current.enter("rollback")
    journal = host.systemd.journal(spec.unit_name, current.started)
    text = _words(cause) + _last_words(journal, spec.unit_name)
    if forbidden:
        why = "as this daemon's description forbids it"
        if migrated and spec.release:
            why = f"since the data may be that of {spec.release.version} by now; mend the cause"
        raise Failure(
            f"{text}. Not rolled back, {why}",
            phase,
            False,
            journal,
        ) from cause
    try:
        done = _rollback.roll_back(spec, host, current.store, before)
    except Exception as exc:
        again = "Mend the cause and run again: the last good state is still kept"
        raise Failure(
            f"{text}. ROLL-BACK FAILED: {_words(exc)}. {again}", phase, False, journal
        ) from cause
    raise Failure(f"{text}. Rolled back: {done}", phase, True, journal) from cause
