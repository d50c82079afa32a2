# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the module's parameters to a Spec.

What the argument specification cannot express is checked here; all faults are reported at once.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ._errors import SpecError
from ._parse_health import health, resources
from ._release import ReleaseSpec
from ._spec import Account, Check, FileSpec, Layout, Prepare, Spec
from ._values import argv, shown, texts, words

__all__ = ["health", "parse"]

# What systemd, sysusers and the file system all take as a name.
_NAME = re.compile(r"[a-z_][a-z0-9_-]{0,30}\Z")
_KEY = re.compile(r"[A-Za-z][A-Za-z0-9]*\Z")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_CREDENTIAL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*\Z")


def parse(params: Mapping[str, Any], layout: Layout | None = None) -> Spec:
    """Turn the module's parameters into a Spec or raise SpecError with all faults."""
    layout = layout or Layout()
    faults: list[str] = []
    name = params["name"]
    if not _NAME.match(name):
        faults.append(
            f"name: {name!r} is no service name (lower case, digits, - and _, 31 characters)"
        )
    config = (params.get("config_directory") or posixpath.join(layout.etc, name)).rstrip("/")
    if not config.startswith("/"):
        faults.append(f"config_directory: {config!r} is not an absolute path")
    account = _account(params.get("account") or {}, name, layout, faults)
    unit = params.get("unit") or {}
    spec = Spec(
        name=name,
        release=_release(params.get("release"), name, layout, faults),
        account=account,
        config_directory=config,
        files=_files(params, config, account, faults),
        requires=words(params.get("requires") or (), "requires", faults),
        checks=tuple(
            Check(
                argv(check["argv"], f"checks[{index}].argv", faults),
                check.get("refuse") or "",
                check.get("name") or "",
            )
            for index, check in enumerate(params.get("checks") or ())
        ),
        prepare=_prepare(params.get("prepare") or (), config, faults),
        command=_command(params, faults),
        environment=_environment(params.get("environment") or {}, faults),
        unit=unit,
        health=health(params.get("health") or {}, faults),
        rollback=bool(params.get("rollback", True)),
        layout=layout,
        api=resources(params.get("api") or (), faults),
        timer=params.get("timer") or {},
    )
    _check_unit(spec, faults)
    _check_timer(spec, faults)
    _check_patterns(spec, faults)
    if faults:
        raise SpecError(faults)
    return spec


def _command(params: Mapping[str, Any], faults: list[str]) -> tuple[str, ...]:
    given = params.get("command") or ()
    return argv(given, "command", faults) if given or params.get("state") != "absent" else ()


def _release(raw: Any, name: str, layout: Layout, faults: list[str]) -> ReleaseSpec | None:
    if not raw:
        return None
    release = ReleaseSpec(
        name=raw.get("name") or name,
        version=raw["version"],
        url=raw["url"],
        checksum=_checksum(raw["checksum"], faults),
        format=raw.get("format") or "",
        arch_names=texts(raw.get("arch") or {}, "release.arch", faults),
        binaries=tuple(raw.get("binaries") or ()),
        strip=raw.get("strip", 1),
        keep=raw.get("keep", 1),
        root=layout.opt,
        data_from=raw.get("data_from") or "",
    )
    if not re.match(r"[A-Za-z0-9][A-Za-z0-9._+~-]*\Z", release.version):
        faults.append(f"release.version: {release.version!r} is no version (example: 3.5.3)")
    elif re.match(r"v\d", release.version) and "v{version}" in release.url:
        rest = release.version[1:]
        faults.append(
            f"release.version: {release.version!r} begins with the v of the address; write {rest!r}"
        )
    if not _NAME.match(release.name):
        faults.append(f"release.name: {release.name!r} is no folder name (example: prometheus)")
    if not re.match(r"(file|https?)://", release.url):
        faults.append(f"release.url: {release.url!r} is no file://, http:// or https:// address")
    for binary in release.binaries:
        if not binary or binary.startswith("/") or ".." in binary.split("/"):
            faults.append(f"release.binaries: {binary!r} must lie inside the release")
    return release


def _checksum(raw: Any, faults: list[str]) -> str | dict[str, str]:
    given = raw if isinstance(raw, Mapping) else {"": raw}
    for arch, value in given.items():
        if not isinstance(value, str):  # a number has lost the zeros in front
            where = f"release.checksum.{arch}" if arch else "release.checksum"
            faults.append(
                f"{where}: {shown(value)} is neither a digest nor the address of a list of digests "
                "(example: 'sha256:<64 hex digits>')"
            )
    found = {str(arch): str(value) for arch, value in given.items()}
    return found if isinstance(raw, Mapping) else found[""]


def _account(raw: Mapping[str, Any], name: str, layout: Layout, faults: list[str]) -> Account:
    user = raw.get("user") or name
    group = raw.get("group") or user
    for key, value in (("user", user), ("group", group)):
        if not _NAME.match(value):
            faults.append(f"account.{key}: {value!r} is no account name")
    comment = raw.get("comment") or name
    if ":" in comment or _CONTROL.search(comment):
        faults.append(f"account.comment: {comment!r} may hold no colon and no control character")
    home = raw.get("home") or posixpath.join(layout.data, name)
    return Account(user, group, tuple(raw.get("groups") or ()), home, comment)


def _files(
    params: Mapping[str, Any], config: str, account: Account, faults: list[str]
) -> tuple[FileSpec, ...]:
    files: list[FileSpec] = []
    for option in ("files", "secrets"):
        for index, raw in enumerate(params.get(option) or ()):
            where = f"{option}[{index}]"
            secret = option == "secrets"
            files.append(_file(raw, where, config, account, secret, faults))
    seen: set[str] = set()
    for file in files:
        if file.path in seen:
            faults.append(f"{file.path} is described twice (files, secrets)")
        seen.add(file.path)
    for path in sorted(seen):
        parents = [path[:i] for i, char in enumerate(path) if char == "/" and i]
        faults += [f"{p} is a file and the directory of {path}" for p in parents if p in seen]
    return tuple(files)


def _file(
    raw: Mapping[str, Any],
    where: str,
    config: str,
    account: Account,
    secret: bool,
    faults: list[str],
) -> FileSpec:
    credential = raw.get("credential") or ""
    path = raw.get("path") or (f"credentials/{credential}" if credential else "")
    if not path:
        faults.append(f"{where}: needs a path (or, for a secret, a credential name)")
    if ".." in path.split("/") or path.endswith("/"):
        faults.append(f"{where}.path: {path!r} must be a file, without '..'")
    if credential and not _CREDENTIAL.match(credential):
        faults.append(f"{where}.credential: {credential!r} is no credential name")
    content, generate = raw.get("content"), raw.get("generate")
    if (content is None) == (generate is None):
        faults.append(f"{where} ({path}): give either content{' or generate' if secret else ''}")
    elif generate is not None and generate.get("length", 32) < 1:
        faults.append(f"{where} ({path}): generate.length must be at least 1")
    elif secret and content == "":
        faults.append(f"{where} ({path}): the secret is empty")
    on_change = raw.get("on_change") or "restart"
    # A credential is handed over by systemd, so nobody but root has to read the file itself.
    default_group = "root" if credential else account.group
    return FileSpec(
        path=posixpath.normpath(posixpath.join(config, path)),
        content=None if content is None else content.encode(),
        mode=_mode(raw.get("mode") or ("0600" if credential else "0640"), where, secret, faults),
        owner=raw.get("owner") or "root",
        group=raw.get("group") or default_group,
        on_change="restart" if credential or on_change == "refuse" else on_change,
        secret=secret,
        length=(generate or {}).get("length", 32) if generate is not None else 0,
        credential=credential,
        fixed=on_change == "refuse",
    )


def _mode(text: str, where: str, secret: bool, faults: list[str]) -> int:
    if not re.match(r"0[0-7]{3}\Z", str(text)):
        faults.append(f"{where}.mode: {text!r} is no octal mode (example: '0640')")
        return 0o640
    mode = int(str(text), 8)
    if secret and mode & 0o007:
        faults.append(f"{where}.mode: {text!r} opens a secret to every user of the host")
    return mode


def _prepare(
    raw: Sequence[Mapping[str, Any]], config: str, faults: list[str]
) -> tuple[Prepare, ...]:
    steps = tuple(
        Prepare(
            name=step["name"],
            argv=argv(step["argv"], f"prepare[{index}].argv", faults),
            stdin=step.get("stdin") or "",
            user=step.get("user") or "",
            depends=words(step.get("depends") or (), f"prepare[{index}].depends", faults),
            touches=tuple(step.get("touches") or ()),
            stdin_file=_within(config, step.get("stdin_file")),
            stop=bool(step.get("stop")),
        )
        for index, step in enumerate(raw)
    )
    for index, step in enumerate(steps):
        if step.stdin and step.stdin_file:
            faults.append(f"prepare[{index}]: give either stdin or stdin_file")
    names = [step.name for step in steps]
    twice = sorted({name for name in names if names.count(name) > 1})
    faults += [f"prepare: the name {name!r} stands twice" for name in twice]
    return steps


def _within(config: str, path: str | None) -> str:
    return posixpath.normpath(posixpath.join(config, path)) if path else ""


def _environment(raw: Any, faults: list[str]) -> dict[str, str]:
    found = texts(raw, "environment", faults)
    faults += [
        f"environment: {key!r} is no variable name" for key in found if not _VARIABLE.match(key)
    ]
    return found


def _check_unit(spec: Spec, faults: list[str]) -> None:
    for section, keys in spec.unit.items():
        if section not in ("Unit", "Service", "Install"):
            faults.append(f"unit.{section}: a service has the sections Unit, Service and Install")
        elif not isinstance(keys, Mapping):
            faults.append(f"unit.{section}: must be a mapping of directive to value")
        else:
            for key, value in keys.items():
                faults += _directive_faults(f"unit.{section}.{key}", str(key), value)
    faults += [
        f"{file.path}: on_change is reload, but unit.Service.ExecReload is not given"
        for file in spec.files
        if file.on_change == "reload" and not spec.can_reload
    ]


def _check_timer(spec: Spec, faults: list[str]) -> None:
    """A job ends by itself: there is nobody to ask, to reload, or to tell anything."""
    for key, value in spec.timer.items():
        faults += _directive_faults(f"timer.{key}", str(key), value)
    if not spec.timer:
        return
    if not any(key.startswith("On") and value is not None for key, value in spec.timer.items()):
        faults.append("timer: says not when (example: OnCalendar: daily)")
    asked = {"health.probes": spec.health.probes, "health.listens": spec.health.listens}
    asked["api"] = spec.api
    faults += [
        f"{name}: a job with a timer is not there to be asked" for name in asked if asked[name]
    ]


def _directive_faults(where: str, key: str, value: Any) -> list[str]:
    if not _KEY.match(key):
        return [f"{where}: is no directive name"]
    if isinstance(value, Mapping):
        return [f"{where}: a value may not be a mapping"]
    faults = []
    # Without a value a directive of the baseline goes away; a list has to say something.
    given = value if isinstance(value, (list, tuple)) else [] if value is None else [value]
    for one in given:
        if not isinstance(one, (str, int, float)):
            faults.append(f"{where}: {shown(one)} is no value of a directive (example: [a, 1])")
        elif _CONTROL.search(str(one)):
            faults.append(f"{where}: a value may not hold a line break or control character")
    return faults


def _check_patterns(spec: Spec, faults: list[str]) -> None:
    patterns = [(f"checks[{i}].refuse", c.refuse) for i, c in enumerate(spec.checks)]
    patterns += [(f"health.probes[{i}].body", p.body) for i, p in enumerate(spec.health.probes)]
    for where, pattern in patterns:
        try:
            re.compile(pattern)
        except re.error as exc:
            faults.append(f"{where}: {pattern!r} is no regular expression ({exc})")
