# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""kibana.yml: every key has a type, and a key without one is refused, as Kibana does."""

import re
import urllib.parse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from elastic.common import Refused, documents, variables

Check = Callable[[Any], Any]
_SHORTEST_KEY = 32
_LARGEST_PORT = 65535


class Invalid(Refused):
    """A refusal with Kibana's exit code."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    names: dict[type, str] = {
        bool: "boolean",
        int: "number",
        float: "number",
        str: "string",
        list: "Array",
    }
    return names.get(type(value), "Object")


def _typed(name: str) -> Check:
    def check(value: Any) -> Any:
        if _kind(value) != name:
            raise ValueError(f"expected value of type [{name}] but got [{_kind(value)}]")
        return value

    return check


def _port(value: Any) -> int:
    if isinstance(value, str) and value.isdigit():
        value = int(value)
    _typed("number")(value)
    if not 0 <= value <= _LARGEST_PORT:
        raise ValueError(f"Value must be equal to or lower than [{_LARGEST_PORT}].")
    return int(value)


def _key(value: Any) -> str:
    _typed("string")(value)
    if len(value) < _SHORTEST_KEY:
        raise ValueError(
            f"value has length [{len(value)}] but it must have a minimum length of "
            f"[{_SHORTEST_KEY}]."
        )
    return str(value)


def _uri(value: Any) -> str:
    if not isinstance(value, str) or urllib.parse.urlsplit(value).scheme not in ("http", "https"):
        raise ValueError("expected URI with scheme [http|https].")
    return value


def _uris(value: Any) -> list[str]:
    return [_uri(one) for one in (value if isinstance(value, list) else [value])]


def _username(value: Any) -> str:
    _typed("string")(value)
    if value == "elastic":
        raise ValueError(
            'value of "elastic" is forbidden. This is a superuser account that cannot write to '
            "system indices that "
            "Kibana needs to function. Use a service account token instead. Learn more: "
            "https://www.elastic.co/guide/en/elasticsearch/reference/8.0/service-accounts.html"
        )
    return str(value)


def _boolean(value: Any) -> bool:
    if value in ("true", "false"):
        return bool(value == "true")
    return bool(_typed("boolean")(value))


def _number(value: Any) -> Any:
    return (
        float(value)
        if isinstance(value, str) and re.fullmatch(r"\d+", value)
        else _typed("number")(value)
    )


def _mode(value: Any) -> str:
    if value not in ("none", "certificate", "full"):
        raise ValueError(
            "types that failed validation:\n- [0]: expected value to equal [none]\n"
            "- [1]: expected value to equal [certificate]\n- [2]: expected value to equal [full]"
        )
    return str(value)


def _any(value: Any) -> Any:
    return value


def _base(value: Any) -> str:
    if not re.fullmatch(r"/.*[^/]|", str(value)):
        raise ValueError("must start with a slash, don't end with one")
    return str(value)


_STRING = _typed("string")
# A name that ends in ".*" takes anything below it.
_SECTIONS: dict[str, dict[str, Check]] = {
    "server": {
        **dict.fromkeys(("host", "name", "defaultRoute", "uuid"), _STRING),
        **dict.fromkeys(("rewriteBasePath", "ssl.enabled", "compression.enabled"), _boolean),
        **dict.fromkeys(
            ("ssl.certificate", "ssl.key", "ssl.keyPassphrase", "ssl.keystore.path"), _STRING
        ),
        **dict.fromkeys(("keepaliveTimeout", "socketTimeout", "payloadTimeout"), _number),
        **dict.fromkeys(("maxPayload", "shutdownTimeout", "ssl.certificateAuthorities"), _any),
        **dict.fromkeys(
            ("cors.*", "securityResponseHeaders.*", "customResponseHeaders.*", "xsrf.*"), _any
        ),
        **dict.fromkeys(
            ("ssl.supportedProtocols", "ssl.cipherSuites", "ssl.clientAuthentication"), _any
        ),
        **dict.fromkeys(("requestId.*", "compression.*", "restrictInternalApis"), _any),
        "port": _port,
        "basePath": _base,
        "publicBaseUrl": _uri,
    },
    "elasticsearch": {
        "hosts": _uris,
        "username": _username,
        **dict.fromkeys(("password", "serviceAccountToken", "ssl.certificate", "ssl.key"), _STRING),
        **dict.fromkeys(("ssl.keyPassphrase", "apiVersion"), _STRING),
        **dict.fromkeys(
            ("ssl.alwaysPresentCertificate", "ignoreVersionMismatch", "compression"), _boolean
        ),
        **dict.fromkeys(
            ("ssl.certificateAuthorities", "requestHeadersWhitelist", "customHeaders.*"), _any
        ),
        **dict.fromkeys(
            ("requestTimeout", "pingTimeout", "shardTimeout", "healthCheck.delay"), _any
        ),
        **dict.fromkeys(
            ("sniffOnStart", "sniffInterval", "sniffOnConnectionFault", "maxSockets"), _any
        ),
        **dict.fromkeys(("ssl.truststore.*", "ssl.keystore.*", "skipStartupConnectionCheck"), _any),
        "ssl.verificationMode": _mode,
    },
    "path": {"data": _STRING},
    "pid": {"file": _STRING, "exclusive": _boolean},
    "logging": dict.fromkeys(("root.*", "appenders.*", "loggers.*", "browser.*"), _any),
    "telemetry": {
        **dict.fromkeys(
            ("optIn", "enabled", "allowChangingOptInStatus", "hidePrivacyStatement"), _boolean
        ),
        "sendUsageFrom": _STRING,
    },
    "i18n": {"locale": _STRING},
    "kibana": {},
    "csp": {"*": _any},
    "ops": {"*": _any},
    "migrations": {"*": _any},
    "savedObjects": {"*": _any},
    "status": {"allowAnonymous": _boolean},
    "unifiedSearch": {"*": _any},
    "data": {"*": _any},
    "map": {"*": _any},
    "monitoring": {"*": _any},
    "newsfeed": {"enabled": _boolean, "*": _any},
    "xpack.encryptedSavedObjects": {"encryptionKey": _key, "keyRotation.*": _any},
    "xpack.security": {
        "encryptionKey": _key,
        **dict.fromkeys(("session.*", "authc.*", "audit.*", "cookieName", "sameSiteCookies"), _any),
        **dict.fromkeys(("loginAssistanceMessage", "loginHelp", "accessAgreement.*"), _any),
        **dict.fromkeys(("secureCookies", "showInsecureClusterWarning"), _boolean),
    },
    "xpack.reporting": {
        "encryptionKey": _key,
        "enabled": _boolean,
        **dict.fromkeys(
            ("queue.*", "capture.*", "csv.*", "kibanaServer.*", "roles.*", "poll.*"), _any
        ),
    },
    **dict.fromkeys(
        ("xpack.actions", "xpack.alerting", "xpack.fleet", "xpack.task_manager"), {"*": _any}
    ),
    **dict.fromkeys(("xpack.screenshotting", "xpack.apm", "xpack.spaces", "xpack.ml"), {"*": _any}),
}
_ANYTHING_BUT = "enabled"  # of a section that takes anything: not this one since 8.0


def load(path: Path, overrides: dict[str, Any], further: tuple[Path, ...] = ()) -> dict[str, Any]:
    """Read the files, a later one over an earlier, and the command line over all; raises Refused."""
    given: dict[str, Any] = {}
    for file in (path, *further):
        given |= _read(file)
    values: dict[str, Any] = {**variables.replaced(given, _missing), **overrides}
    return _checked(values)


def _read(path: Path) -> dict[str, Any]:
    try:
        given = documents.flat(documents.read(path.read_text(encoding="utf-8")) or {})
    except OSError as exc:
        raise Invalid(f"ENOENT: {(exc.strerror or '').lower()}, open '{path}'", 1) from None
    except yaml.YAMLError as exc:
        raise Invalid(f"YAMLException: {exc}", 1) from None
    return {name: value for name, value in given.items() if name}


def _missing(_placeholder: str, name: str) -> str:
    raise Invalid(f"Unknown environment variable referenced in config : {name}", 1)


def _checked(values: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    unknown = []
    for name, value in values.items():
        section = next(
            (s for s in sorted(_SECTIONS, key=len, reverse=True) if name.startswith(f"{s}.")), None
        )
        if section is None:
            unknown.append(name)
            continue
        key = name[len(section) + 1 :]
        check = _check(_SECTIONS[section], key)
        if check is None:
            raise Invalid(
                f"[config validation of [{section}].{key}]: definition for this key is missing", 78
            )
        try:
            made[name] = check(value)
        except ValueError as exc:
            raise Invalid(f"[config validation of [{section}].{key}]: {exc}", 78) from None
    if unknown:
        listed = ", ".join(f'"{name}"' for name in unknown)
        raise Invalid(
            f"Unknown configuration key(s): {listed}. Check for spelling errors and ensure that "
            f"expected plugins are installed.",
            64,
        )
    if "elasticsearch.serviceAccountToken" in made and "elasticsearch.username" in made:
        raise Invalid(
            "[config validation of [elasticsearch].serviceAccountToken]: serviceAccountToken "
            'cannot be specified when "username" is also set.',
            78,
        )
    if made.get("server.ssl.enabled") and not (
        made.get("server.ssl.certificate") and made.get("server.ssl.key")
    ):
        raise Invalid(
            "[config validation of [server].ssl]: must specify [certificate] and [key] -- or "
            "[keystore.path] -- when ssl is enabled",
            78,
        )
    if made.get("server.rewriteBasePath") and not made.get("server.basePath"):
        raise Invalid(
            "[config validation of [server]]: cannot use [rewriteBasePath] when [basePath] is "
            "not specified",
            78,
        )
    return made


def _check(section: dict[str, Check], key: str) -> Check | None:
    if key in section:
        return section[key]
    for name, check in section.items():
        if name == "*" and key != _ANYTHING_BUT:
            return check
        if name.endswith(".*") and (key.startswith(name[:-1]) or key == name[:-2]):
            return check
    return None
