# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The outputs: elasticsearch and stdout."""

import base64
import json
import threading
from collections.abc import Callable
from typing import Any

from elastic.common import Refused
from elastic.common.elasticsearch import Away, Client, basic, trust
from elastic.logstash.event import Event, plain
from elastic.logstash.logs import Log

Options = dict[str, Any]
# Keeps an event with a reason.
Bury = Callable[[Event, str], None]
_LARGEST = 20 << 20
_SUCCESS, _CONFLICT, _DEAD = (200, 201), 409, (400, 404)
_SHARED = [
    "user",
    "password",
    "api_key",
    "cloud_auth",
    "document_id",
    "path",
    "bulk_path",
    "parameters",
    "ssl",
    "ssl_certificate_verification",
    "cacert",
    "ca_trusted_fingerprint",
    "truststore",
    "truststore_password",
    "keystore",
    "keystore_password",
    "ssl_supported_protocols",
    "sniffing",
    "sniffing_delay",
    "sniffing_path",
    "proxy",
    "timeout",
    "failure_type_logging_whitelist",
    "silence_errors_in_log",
    "pool_max",
    "pool_max_per_route",
    "healthcheck_path",
    "resurrect_delay",
    "validate_after_inactivity",
    "http_compression",
    "custom_headers",
    "hosts",
    "cloud_id",
    "retry_initial_interval",
    "retry_max_interval",
    "ssl_enabled",
    "ssl_certificate_authorities",
    "ssl_certificate",
    "ssl_key",
    "ssl_verification_mode",
    "ssl_keystore_path",
    "ssl_keystore_password",
    "ssl_truststore_path",
    "ssl_truststore_password",
    "ssl_cipher_suites",
]
_ALLOWED = {
    "routing",
    "pipeline",
    "ecs_compatibility",
    "id",
    "enable_metric",
    "codec",
    "workers",
    *_SHARED,
}


class Interrupted(Exception):
    """The pipeline ends before the events were written; a queue on disk keeps them."""


class Output:
    """What all outputs do."""

    name = ""

    def __init__(self, options: Options, log: Log, bury: Bury | None) -> None:
        self.options, self.log, self.bury = options, log, bury
        self.ended = threading.Event()
        self.figures: dict[str, Any] = {}
        self.register()

    def register(self) -> None:
        """Check what only a start finds; raises Refused."""

    def write(self, events: list[Event]) -> None:
        """Write events; raises Interrupted."""
        raise NotImplementedError

    def close(self) -> None:
        """Give up waiting."""
        self.ended.set()


class Stdout(Output):
    """Prints events."""

    name = "stdout"

    def write(self, events: list[Event]) -> None:
        """Print each as JSON."""
        metadata = self.options.get("codec", ("rubydebug", {}))[1].get("metadata")
        for event in events:
            more = {"@metadata": plain(event.metadata)} if metadata else {}
            print(json.dumps({**event.document(), **more}, ensure_ascii=False), flush=True)


class Elasticsearch(Output):
    """Writes to an index or to a data stream, for as long as it takes."""

    name = "elasticsearch"

    def register(self) -> None:
        options = self.options
        action = options.get("action")
        if action and "%{" not in action and action not in ("index", "delete", "create", "update"):
            raise Refused(
                f'Action \'{action}\' is invalid! Pick one of ["index", "delete", "create", '
                f'"update"] or use a sprintf style statement'
            )
        if action in ("delete", "update"):
            raise Refused(f"the stand-in's elasticsearch output has no action {action}")
        self._stream = _data_stream(options, self.log)
        parts = (options.get(f"data_stream_{key}", value) for key, value in _STREAM.items())
        self._type, self._dataset, self._namespace = parts
        self._index = f"{self._type}-{self._dataset}-{self._namespace}"
        if not self._stream:
            self._index = options.get("index", "ecs-logstash")
        self._codes = {*_DEAD, *map(int, options.get("dlq_custom_codes", ()))}
        if options.get("dlq_custom_codes") and not self.bury:
            raise Refused("DLQ feature (dlq_custom_codes) is configured while DLQ is not enabled")
        self._client = _client(options)
        self._ready = False
        self.figures = {
            "documents": {"successes": 0, "non_retryable_failures": 0, "retryable_failures": 0},
            "bulk_requests": {"successes": 0, "with_errors": 0, "failures": 0, "responses": {}},
        }
        self.log.info("New Elasticsearch output", hosts=self._client.hosts)
        threading.Thread(target=self._prepare, daemon=True).start()

    # -- once connected -----------------------------------------------------------

    def _prepare(self) -> None:
        while not self.ended.is_set():
            try:
                status, told = _client(self.options).ask("GET", "/")
            except Away as exc:
                self.log.warn(
                    f"Attempted to resurrect connection to dead ES instance, but got an error "
                    f"{{:url=>{self._client.hosts[0]}, :message=>{exc}}}"
                )
                self.ended.wait(float(self.options.get("resurrect_delay", 5)))
                continue
            if status in (200, 405):  # a distribution without the page has no version to tell
                number = told.get("version", {}).get("number") if isinstance(told, dict) else None
                self.log.info(f"Elasticsearch version determined ({number})")
                self._install_template()
                self._ready = True
                return
            self.log.warn(
                f"Attempted to resurrect connection to dead ES instance, but got an error "
                f"{{:message=>Got response code '{status}' contacting Elasticsearch at URL '{self._client.hosts[0]}/'}}"
            )
            self.ended.wait(float(self.options.get("resurrect_delay", 5)))

    def _install_template(self) -> None:
        if not self.options.get("manage_template", True):
            return
        name, client = self.options.get("template_name", "ecs-logstash"), _client(self.options)
        if path := self.options.get("template"):
            with open(path, encoding="utf-8") as file:
                template = json.load(file)
        else:
            template = {
                "index_patterns": ["ecs-logstash-*"],
                "priority": 200,
                "template": {"settings": {"index": {"refresh_interval": "5s"}}},
                "_meta": {"description": "of a stand-in for Logstash"},
            }
        try:
            if client.ask("HEAD", f"/_index_template/{name}")[0] == 200 and not self.options.get(
                "template_overwrite"
            ):
                return
            self.log.info("Installing Elasticsearch template", name=name)
            status, told = client.ask("PUT", f"/_index_template/{name}", template)
        except Away as exc:
            status, told = 0, str(exc)
        if status != 200:
            self.log.error(
                "Failed to install template",
                message=f"Got response code '{status}' contacting Elasticsearch",
                body=told,
            )

    # -- events -------------------------------------------------------------------

    def write(self, events: list[Event]) -> None:
        """Write events, again and again until Elasticsearch has or refuses them; raises Interrupted."""
        while not self._ready:
            if self.ended.wait(0.1):
                raise Interrupted
        actions = [action for event in events if (action := self._action(event))]
        wait = float(self.options.get("retry_initial_interval", 2))
        while actions:
            again: list[tuple[Event, bytes]] = []
            for part in _parts(actions):
                again += self._send(part)
            actions = again
            if actions:
                if self.ended.wait(wait):
                    raise Interrupted
                wait = min(wait * 2, float(self.options.get("retry_max_interval", 64)))

    def _action(self, event: Event) -> tuple[Event, bytes] | None:
        index = self._index if self._stream else event.text(self._index)
        given = event.data.get("data_stream")
        if (
            self._stream
            and isinstance(given, dict)
            and self.options.get("data_stream_auto_routing", True)
        ):
            index = "-".join(
                str(given.get(key) or value)
                for key, value in (
                    ("type", self._type),
                    ("dataset", self._dataset),
                    ("namespace", self._namespace),
                )
            )
        if "%{" in index and self.options.get("dlq_on_failed_indexname_interpolation", True):
            self._dead(event, "Could not resolve dynamic index", "warn")
            return None
        head: dict[str, Any] = {"_index": index}
        for option, key in (
            ("document_id", "_id"),
            ("routing", "routing"),
            ("pipeline", "pipeline"),
        ):
            if option in self.options and (value := event.text(self.options[option])):
                head[key] = value
        document = event.document()
        if self._stream and self.options.get("data_stream_sync_fields", True):
            fields = given if isinstance(given, dict) else {}
            values = {"type": self._type, "dataset": self._dataset, "namespace": self._namespace}
            document["data_stream"] = {
                **fields,
                **{k: fields.get(k) or v for k, v in values.items()},
            }
        action = "create" if self._stream else event.text(self.options.get("action", "index"))
        lines = (
            json.dumps(line, separators=(",", ":")).encode() for line in ({action: head}, document)
        )
        return event, b"\n".join(lines) + b"\n"

    def _send(self, actions: list[tuple[Event, bytes]]) -> list[tuple[Event, bytes]]:
        """Send once and return what has to be sent again."""
        requests, documents = self.figures["bulk_requests"], self.figures["documents"]
        try:
            path = self.options.get(
                "bulk_path", "/_bulk?filter_path=errors,items.*.error,items.*.status"
            )
            status, told = self._client.ask(
                "POST", path, b"".join(text for _event, text in actions)
            )
        except Away as exc:
            requests["failures"] += 1
            self.log.error(
                "Attempted to send a bulk request but Elasticsearch appears to be unreachable or "
                "down",
                message=str(exc),
            )
            return actions
        requests["responses"][str(status)] = requests["responses"].get(str(status), 0) + 1
        if status != 200:
            requests["failures"] += 1
            log = self.log.debug if status == 429 else self.log.error
            log(
                "Encountered a retryable error (will retry with exponential backoff)",
                code=status,
                url=self._client.hosts[0] + "/_bulk",
            )
            return actions
        if not told["errors"]:
            requests["successes"] += 1
            documents["successes"] += len(actions)
            return []
        requests["with_errors"] += 1
        return [
            action
            for action, item in zip(actions, told["items"], strict=True)
            if self._again(action, item)
        ]

    def _again(self, action: tuple[Event, bytes], item: dict[str, Any]) -> bool:
        documents = self.figures["documents"]
        (kind, told), event = next(iter(item.items())), action[0]
        status = told["status"]
        if status in _SUCCESS:
            documents["successes"] += 1
        elif status == _CONFLICT:
            documents["non_retryable_failures"] += 1
            self.log.warn("Failed action", status=status, action=kind, response=told)
        elif status in self._codes:
            documents["non_retryable_failures"] += 1
            head = json.loads(action[1].split(b"\n", 1)[0])[kind]
            reason = f"Could not index event to Elasticsearch. status: {status}, "
            reason += f"action: {[kind, head, event.document()]}, response: {item}"
            self._dead(event, reason, "warn")
        else:
            documents["retryable_failures"] += 1
            self.log.info(
                "Retrying failed action", status=status, action=kind, error=told.get("error")
            )
            return True
        return False

    def _dead(self, event: Event, reason: str, level: str) -> None:
        if self.bury:
            self.bury(event, reason)
        else:
            getattr(self.log, level)(reason)


_STREAM = {"type": "logs", "dataset": "generic", "namespace": "default"}


def _data_stream(options: Options, log: Log) -> bool:
    """Decide between data stream and index as Logstash 8 does; raises Refused."""
    own = [name for name in options if name.startswith("data_stream_")]
    wrong = [
        name
        for name, value in options.items()
        if name not in _ALLOWED
        and not name.startswith("data_stream_")
        and not (name == "action" and value == "create")
        and not (name == "data_stream" and value == "true")
    ]
    given = options.get("data_stream", "auto")
    names = ", ".join(f'"{name}"' for name in (own if given == "false" else wrong))
    if given == "false":
        if own:
            raise Refused(
                f"Ambiguous configuration, please remove data stream specific settings: [{names}]"
            )
        return False
    if given == "true":
        if wrong:
            log.error(
                "Invalid data stream configuration, following parameters are not supported:",
                **{name: options[name] for name in wrong},
            )
            raise Refused(f"Invalid data stream configuration: [{names}]")
        if options.get("ecs_compatibility") == "disabled":
            raise Refused("Invalid data stream configuration: `ecs_compatibility => disabled`")
        return True
    wrong = [name for name in wrong if name != "data_stream"]
    if not wrong and options.get("ecs_compatibility") != "disabled":
        log.info("Config is compliant with data streams. `data_stream => auto` resolved to `true`")
        return True
    if own:
        listed = ", ".join(f'"{name}"' for name in own)
        raise Refused(
            f"Ambiguous configuration, please set data_stream => true or remove data stream "
            f"specific settings: [{listed}]"
        )
    log.info("Config is not compliant with data streams. `data_stream => auto` resolved to `false`")
    return False


def _client(options: Options) -> Client:
    ways = (
        ("api_key" in options)
        + ("cloud_auth" in options)
        + ("user" in options or "password" in options)
    )
    if ways > 1:
        raise Refused(
            "Multiple authentication options are specified, please only use one of "
            "user/password, cloud_auth or api_key"
        )
    secure = options.get("ssl_enabled", options.get("ssl"))
    if "api_key" in options and not secure:
        raise Refused(
            "Using api_key authentication requires SSL/TLS secured communication using the `ssl "
            "=> true` option"
        )
    hosts = [host for given in options.get("hosts", ["127.0.0.1"]) for host in given.split()]
    hosts = [
        host if "://" in host else f"{'https' if secure else 'http'}://{host}" for host in hosts
    ]
    if secure is False and any(host.startswith("https:") for host in hosts):
        raise Refused(
            "Explicit value 'https' was declared, but it is different in one of the URLs given! "
            "Please make sure your URLs are inline with explicit values."
        )
    headers = {str(k): str(v) for k, v in options.get("custom_headers", {}).items()}
    if "user" in options:
        headers |= basic(options["user"], options.get("password", ""))
    if "api_key" in options:
        headers["Authorization"] = (
            "ApiKey " + base64.b64encode(options["api_key"].encode()).decode()
        )
    authority = options.get("cacert") or (options.get("ssl_certificate_authorities") or [None])[0]
    verify = (
        options.get("ssl_certificate_verification", True)
        and options.get("ssl_verification_mode") != "none"
    )
    tls = trust(authority, verify) if any(host.startswith("https:") for host in hosts) else None
    return Client(hosts, headers, tls, float(options.get("timeout", 60)))


def _parts(actions: list[tuple[Event, bytes]]) -> list[list[tuple[Event, bytes]]]:
    """Divide them into requests that are not too large."""
    parts: list[list[tuple[Event, bytes]]] = [[]]
    size = 0
    for action in actions:
        if parts[-1] and size + len(action[1]) > _LARGEST:
            parts.append([])
            size = 0
        parts[-1].append(action)
        size += len(action[1])
    return parts


OUTPUTS: dict[str, type[Output]] = {kind.name: kind for kind in (Stdout, Elasticsearch)}
