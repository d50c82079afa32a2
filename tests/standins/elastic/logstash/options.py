# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of each plugin: names by version, types, what is required; and their check.

A type is a word of Logstash's own, or the values that are allowed divided by "|". "!" after it: the
option is required. "*": one value or a list of them.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from elastic.common import Refused, variables
from elastic.logstash.event import ReferenceFault, reference
from elastic.logstash.tree import Plugin

Options = dict[str, str]
_ALL: Options = {"id": "string", "enable_metric": "boolean"}
_OF_KIND: dict[str, Options] = {
    "input": {"type": "string", "codec": "codec", "tags": "array", "add_field": "hash"},
    "filter": {
        "add_tag": "array",
        "remove_tag": "array",
        "add_field": "hash",
        "remove_field": "array",
        "periodic_flush": "boolean",
    },
    "output": {"codec": "codec", "workers": "number"},
    "codec": {},
}
_ECS = {"ecs_compatibility": "disabled|v1|v8"}
_TLS_VERSIONS = {"ssl_supported_protocols": "TLSv1.1|TLSv1.2|TLSv1.3*", "ssl_cipher_suites": "any*"}
_PLUGINS: dict[tuple[str, str], Options] = {
    ("input", "beats"): {
        "host": "string",
        "port": "number!",
        "ssl_certificate": "path",
        "ssl_key": "path",
        "ssl_key_passphrase": "password",
        "ssl_certificate_authorities": "array",
        "ssl_handshake_timeout": "number",
        "include_codec_tag": "boolean",
        "client_inactivity_timeout": "number",
        "executor_threads": "number",
        "add_hostname": "boolean",
        **_TLS_VERSIONS,
        **_ECS,
    },
    ("input", "dead_letter_queue"): {
        "path": "path!",
        "pipeline_id": "string",
        "sincedb_path": "string",
        "commit_offsets": "boolean",
        "clean_consumed": "boolean",
        "start_timestamp": "string",
    },
    ("filter", "json"): {
        "source": "string!",
        "target": "field_reference",
        "tag_on_failure": "array",
        "skip_on_invalid_json": "boolean",
        **_ECS,
    },
    ("filter", "mutate"): {
        **dict.fromkeys(("coerce", "rename", "replace", "update", "convert"), "hash"),
        **dict.fromkeys(("split", "join", "merge", "copy"), "hash"),
        **dict.fromkeys(("gsub", "uppercase", "lowercase", "capitalize", "strip"), "array"),
        "tag_on_failure": "string",
    },
    ("filter", "date"): {
        "match": "array",
        "timezone": "string",
        "locale": "string",
        "target": "string",
        "tag_on_failure": "array",
    },
    ("filter", "fingerprint"): {
        "source": "array",
        "target": "string",
        "key": "string",
        "base64encode": "boolean",
        "method": "SHA1|SHA256|SHA384|SHA512|MD5|MURMUR3|MURMUR3_128|IPV4_NETWORK|UUID|PUNCTUATION",
        "concatenate_sources": "boolean",
        "concatenate_all_fields": "boolean",
        **_ECS,
    },
    ("filter", "drop"): {"percentage": "number"},
    ("filter", "truncate"): {"fields": "string*", "length_bytes": "number!"},
    ("filter", "prune"): {
        "interpolate": "boolean",
        "whitelist_names": "array",
        "blacklist_names": "array",
        "whitelist_values": "hash",
        "blacklist_values": "hash",
    },
    ("filter", "ruby"): {
        "init": "string",
        "code": "string",
        "path": "path",
        "script_params": "hash",
        "tag_on_exception": "string",
        "tag_with_exception_message": "boolean",
    },
    ("output", "stdout"): {},
    ("output", "elasticsearch"): {
        **dict.fromkeys(
            ("action", "index", "template_name", "version", "routing", "parent"), "string"
        ),
        **dict.fromkeys(("join_field", "upsert", "script", "script_lang", "pipeline"), "string"),
        **dict.fromkeys(
            ("ilm_rollover_alias", "ilm_pattern", "ilm_policy", "document_id"), "string"
        ),
        **dict.fromkeys(("script_var_name", "path", "bulk_path", "cloud_id", "user"), "string"),
        **dict.fromkeys(("sniffing_path", "healthcheck_path", "ca_trusted_fingerprint"), "string"),
        **dict.fromkeys(("manage_template", "template_overwrite", "doc_as_upsert"), "boolean"),
        **dict.fromkeys(("scripted_upsert", "sniffing", "http_compression"), "boolean"),
        **dict.fromkeys(("data_stream_sync_fields", "data_stream_auto_routing"), "boolean"),
        "dlq_on_failed_indexname_interpolation": "boolean",
        **dict.fromkeys(("retry_on_conflict", "sniffing_delay", "timeout", "pool_max"), "number"),
        **dict.fromkeys(("pool_max_per_route", "resurrect_delay", "retry_max_interval"), "number"),
        **dict.fromkeys(("validate_after_inactivity", "retry_initial_interval"), "number"),
        **dict.fromkeys(("password", "api_key", "cloud_auth"), "password"),
        **dict.fromkeys(("failure_type_logging_whitelist", "silence_errors_in_log"), "array"),
        **dict.fromkeys(("parameters", "custom_headers"), "hash"),
        "template": "path",
        "document_type": "string",
        "version_type": "internal|external|external_gt|external_gte|force",
        "script_type": "inline|indexed|file*",
        "ilm_enabled": "true|false|auto",
        "dlq_custom_codes": "number*",
        "data_stream": "true|false|auto",
        "data_stream_type": "logs|metrics|synthetics|traces",
        "data_stream_dataset": "dataset",
        "data_stream_namespace": "dataset",
        "proxy": "string",
        "hosts": "string*",
        **_TLS_VERSIONS,
        **_ECS,
    },
    ("codec", "plain"): {"format": "string", "charset": "string", **_ECS},
    ("codec", "json"): {"charset": "string", "target": "field_reference", **_ECS},
    ("codec", "rubydebug"): {"metadata": "boolean"},
    ("codec", "json_lines"): {"charset": "string", "delimiter": "string", **_ECS},
}
# Names up to 8.19, and those that came with 8.8 and are the only ones from 9.0 on.
_OLD_TLS: dict[tuple[str, str], Options] = {
    ("input", "beats"): {
        "ssl": "boolean",
        "ssl_verify_mode": "none|peer|force_peer",
        "ssl_peer_metadata": "boolean",
        "cipher_suites": "array",
        "tls_min_version": "number",
        "tls_max_version": "number",
    },
    ("output", "elasticsearch"): {
        "ssl": "boolean",
        "ssl_certificate_verification": "boolean",
        "cacert": "path",
        "truststore": "path",
        "truststore_password": "password",
        "keystore": "path",
        "keystore_password": "password",
    },
}
_NEW_TLS: dict[tuple[str, str], Options] = {
    ("input", "beats"): {
        "ssl_enabled": "boolean",
        "ssl_client_authentication": "none|optional|required",
        "enrich": "any*",
    },
    ("output", "elasticsearch"): {
        "ssl_enabled": "boolean",
        "ssl_certificate_authorities": "path*",
        "ssl_certificate": "path",
        "ssl_key": "path",
        "ssl_verification_mode": "full|none",
        **dict.fromkeys(("ssl_truststore_path", "ssl_keystore_path"), "path"),
        **dict.fromkeys(("ssl_truststore_password", "ssl_keystore_password"), "password"),
    },
}
_IDENTIFIER_MAY_NOT = '\\/*?"<>| ,#:'
_LONGEST_IDENTIFIER = 100
Log = Callable[[str], None]


def release(version: str) -> tuple[int, int]:
    """Return the first two numbers of a version."""
    major, minor, *_rest = version.split(".")
    return int(major), int(minor)


def known(kind: str, name: str, version: str) -> Options:
    """Return the options of a plugin; raises Refused for one that this stand-in does not have."""
    if (kind, name) not in _PLUGINS:
        raise Refused(
            f"Couldn't find any {kind} plugin named '{name}'. Are you sure this is correct? "
            f"Trying to load the {name} {kind} plugin resulted in this error: Unable to load the "
            f"requested plugin named {name} of type {kind}. The plugin is not installed."
        )
    options = {**_ALL, **_OF_KIND[kind], **_PLUGINS[kind, name]}
    if release(version) < (9, 0):
        options |= _OLD_TLS.get((kind, name), {})
    if release(version) >= (8, 8):
        options |= _NEW_TLS.get((kind, name), {})
    return options


def checked(kind: str, plugin: Plugin, version: str, log: Log) -> dict[str, Any]:
    """Return the options as the plugin gets them; logs every fault and raises Refused."""
    allowed = known(kind, plugin.name, version)
    given = {name: _replaced(value) for name, value in _merged(plugin).items()}
    unknown = [name for name in given if name not in allowed]
    for name in unknown:
        log(f"Unknown setting '{name}' for {plugin.name}")
    if unknown:
        raise Refused("Something is wrong with your configuration.")
    missing = [
        name for name, wanted in allowed.items() if wanted.endswith("!") and name not in given
    ]
    for name in missing:
        log(
            f"Missing a required setting for the {plugin.name} {kind} plugin:\n\n  {kind} {{\n"
            f"    {plugin.name} {{\n      {name} => # SETTING MISSING\n      ...\n    }}\n  }}"
        )
    made, wrong = {}, False
    for name, value in given.items():
        try:
            made[name] = _value(allowed[name].rstrip("!"), value, version, log)
        except ValueError as exc:
            wrong = True
            log(
                f"Invalid setting for {plugin.name} {kind} plugin:\n\n  {kind} {{\n"
                f"    {plugin.name} "
                f"{{\n      # This setting must be a {allowed[name].rstrip('!*')}\n"
                f"      # {exc}\n      {name} => {_inspected(value)}\n      ...\n    }}\n  }}"
            )
    if wrong or missing:
        raise Refused("Something is wrong with your configuration.")
    return made


def _merged(plugin: Plugin) -> dict[str, Any]:
    """Join what is given twice: hashes and lists into one, other values into a list."""
    merged: dict[str, Any] = {}
    for name, value in plugin.options:
        before = merged.get(name)
        if before is None:
            merged[name] = value
        elif isinstance(before, dict) and isinstance(value, dict):
            merged[name] = {**before, **value}
        elif isinstance(before, list):
            merged[name] = [*before, *(value if isinstance(value, list) else [value])]
        elif before != value:
            merged[name] = [before, value]
    return merged


def _missing(placeholder: str, name: str) -> str:
    raise Refused(
        f"Cannot evaluate `{placeholder}`. Replacement variable `{name}` is not defined in a "
        f"Logstash "
        "secret store or as an Environment entry and there is no default value given."
    )


def _replaced(value: Any) -> Any:
    return variables.replaced(value, _missing)


def _value(wanted: str, value: Any, version: str, log: Log) -> Any:
    if wanted.endswith("*"):
        values = value if isinstance(value, list) else [value]
        return [_value(wanted[:-1], entry, version, log) for entry in values]
    if wanted == "any":
        return value
    if wanted == "codec":
        codec = value if isinstance(value, Plugin) else Plugin(str(value), ())
        return codec.name, checked("codec", codec, version, log)
    if wanted == "hash":
        if isinstance(value, dict):
            return value
        pairs = value if isinstance(value, list) else [value]
        if len(pairs) % 2:
            raise ValueError(f"This field must contain an even number of items, got {len(pairs)}")
        return dict(zip(pairs[::2], pairs[1::2], strict=True))
    if wanted == "array":
        return value if isinstance(value, list) else [value]
    values = value if isinstance(value, list) else [value]
    if "|" in wanted:
        options = wanted.split("|")
        if len(values) != 1 or str(values[0]) not in options:
            raise ValueError(f"Expected one of {_inspected(options)}, got {_inspected(values)}")
        return str(values[0])
    if len(values) != 1 or isinstance(values[0], dict | Plugin):
        raise ValueError(f"Expected {wanted}, got {_inspected(value)}")
    return _SCALARS[wanted](values[0])


def _number(value: Any) -> int | float:
    if isinstance(value, int | float):
        return value
    try:
        return float(value) if "." in value else int(value)
    except ValueError:
        raise ValueError(f"Expected number, got {_inspected(value)} (type {value})") from None


def _boolean(value: Any) -> bool:
    if value not in ("true", "false"):
        raise ValueError(f"Expected boolean 'true' or 'false', got {_inspected(value)}")
    return bool(value == "true")


def _path(value: Any) -> str:
    if not Path(str(value)).exists():
        raise ValueError(f"File does not exist or cannot be opened {value}")
    return str(value)


def _field(value: Any) -> str | None:
    try:
        return str(value) if value and reference(str(value)) else None
    except ReferenceFault:
        raise ValueError(f"Expected a valid field reference, got `{_inspected(value)}`") from None


def _identifier(value: Any) -> str:
    text = str(value)
    if not text:
        raise ValueError("Invalid identifier - empty string")
    if len(text.encode()) > _LONGEST_IDENTIFIER:
        raise ValueError(f"Invalid identifier - too long ({len(text.encode())} bytes)")
    if any(character in _IDENTIFIER_MAY_NOT for character in text):
        raise ValueError(
            f"Invalid characters detected {_inspected(list(_IDENTIFIER_MAY_NOT))} are not allowed"
        )
    return text


_SCALARS: dict[str, Callable[[Any], Any]] = {
    "string": lambda value: value if isinstance(value, str) else str(value),
    "password": str,
    "number": _number,
    "boolean": _boolean,
    "path": _path,
    "field_reference": _field,
    "dataset": _identifier,
}


def _inspected(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(_inspected(entry) for entry in value)}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_inspected(k)}=>{_inspected(v)}' for k, v in value.items())}}}"
    return f'"{value}"' if isinstance(value, str) else str(value)
