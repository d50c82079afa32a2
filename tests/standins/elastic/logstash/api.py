# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The API on port 9600: who it is, and figures of the pipelines."""

import hashlib
import os
import resource
import socket
from typing import Any

from elastic.common import Refused
from elastic.common.elasticsearch import basic
from elastic.common.web import Answer, Request, Web
from elastic.logstash.agent import Agent
from elastic.logstash.logs import Log

_LOG = Log("logstash.agent")


def serve(agent: Agent, version: str) -> Web | None:
    """Listen on the first free port of the range; raises Refused if there is none."""
    settings = agent.settings
    if not settings["api.enabled"]:
        _LOG.info("HTTP API is disabled (`api.enabled=false`); webserver will not be started.")
        return None
    if settings["api.ssl.enabled"]:
        raise Refused("the stand-in's API has no TLS")
    host, ports = settings["api.http.host"], settings["api.http.port"]
    answers = _Answers(agent, version)
    for port in ports:
        try:
            web = Web(host, port, answers.answer)
        except OSError:
            continue
        answers.address = f"{host}:{port}"
        _LOG.info("Successfully started Logstash API endpoint", port=port, ssl_enabled=False)
        return web
    if len(ports) == 1:
        raise Refused(
            f"Logstash tried to bind to port {ports[0]}, but the port is already in use. You can "
            f"specify a new port by launching logstash with the --api.http.port option."
        )
    raise Refused(
        f"Logstash tried to bind to port range {ports[0]}..{ports[-1]}, but all the ports are "
        f"already in use. You can specify a new port by launching logstash with the "
        f"--api.http.port option."
    )


class _Answers:
    def __init__(self, agent: Agent, version: str) -> None:
        self._agent, self._version, self.address = agent, version, ""
        self._id = hashlib.sha1(str(agent.settings["path.data"]).encode()).hexdigest()

    def answer(self, request: Request) -> Answer:
        settings = self._agent.settings
        if settings["api.auth.type"] == "basic":
            user, password = (
                settings["api.auth.basic.username"],
                settings["api.auth.basic.password"],
            )
            if request.headers.get("authorization") != basic(user, password)["Authorization"]:
                return Answer(401, {"message": "Unauthorized"}, {"WWW-Authenticate": "Basic"})
        path = request.path.rstrip("/") or "/"
        found = self._found(path)
        if found is None or request.method not in ("GET", "HEAD"):
            body = {"path": path, "status": 404, "error": {"message": "Not Found"}}
            return Answer(404, body)
        return Answer(200, {**self._common(), **found})

    def _found(self, path: str) -> dict[str, Any] | None:
        agent = self._agent
        if path == "/":
            return {"build_flavor": "stand-in", "build_snapshot": False, "stand-in": True}
        if path in ("/_node", "/_node/pipelines"):
            return {"pipelines": {name: self._settings(name) for name in agent.pipelines}}
        if path == "/_node/stats":
            totals = {
                k: sum(p.events[k] for p in agent.pipelines.values())
                for k in ("in", "filtered", "out")
            }
            return {
                "events": totals,
                "process": _process(),
                "reloads": agent.total,
                "pipelines": self._pipelines(),
                "jvm": {"uptime_in_millis": 1},
            }
        if path == "/_node/stats/events":
            return {
                "events": {
                    k: sum(p.events[k] for p in agent.pipelines.values())
                    for k in ("in", "filtered", "out")
                }
            }
        if path == "/_node/stats/reloads":
            return {"reloads": agent.total}
        if path == "/_node/stats/process":
            return {"process": _process()}
        if path == "/_node/stats/pipelines":
            return {"pipelines": self._pipelines()}
        if path.startswith("/_node/stats/pipelines/"):
            name = path.rpartition("/")[2]
            every = self._pipelines()
            return {"pipelines": {name: every[name]}} if name in every else None
        return None

    def _common(self) -> dict[str, Any]:
        settings = self._agent.settings
        return {
            "host": socket.gethostname(),
            "version": self._version,
            "http_address": self.address,
            "id": self._id,
            "name": settings["node.name"],
            "ephemeral_id": str(os.getpid()),
            "status": "green",
            "snapshot": False,
            "pipeline": {
                "workers": settings["pipeline.workers"],
                "batch_size": settings["pipeline.batch.size"],
                "batch_delay": settings["pipeline.batch.delay"],
            },
        }

    def _settings(self, name: str) -> dict[str, Any]:
        settings = self._agent.pipelines[name].settings
        return {
            "ephemeral_id": self._agent.pipelines[name].ephemeral,
            "workers": settings["pipeline.workers"],
            "batch_size": settings["pipeline.batch.size"],
            "batch_delay": settings["pipeline.batch.delay"],
            "config_reload_automatic": settings["config.reload.automatic"],
            "dead_letter_queue_enabled": settings["dead_letter_queue.enable"],
        }

    def _pipelines(self) -> dict[str, dict[str, Any]]:
        """Return the figures; one that never started has figures of its reloads alone."""
        told = {}
        for name, reloads in self._agent.reloads.items():
            pipeline = self._agent.pipelines.get(name)
            told[name] = {**(pipeline.told() if pipeline else {}), "reloads": reloads}
        return told


def _process() -> dict[str, Any]:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "open_file_descriptors": len(os.listdir("/proc/self/fd")),
        "max_file_descriptors": resource.getrlimit(resource.RLIMIT_NOFILE)[0],
        "cpu": {"total_in_millis": int((used.ru_utime + used.ru_stime) * 1000)},
    }
