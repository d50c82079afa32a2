# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a shipper through queue and worker into Elasticsearch, and what happens when one of them is away."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from ansible_collections.barehost.monitoring.tests.unit.standins.conftest import Run
from ansible_collections.barehost.monitoring.tests.unit.standins.fakes import Elasticsearch, wait
from pylogbeat import ConnectionException, PyLogBeatClient

from elastic.common import Refused
from elastic.logstash.agent import Agent
from elastic.logstash.pipeline import Pipeline
from elastic.logstash.settings import Settings
from elastic.logstash.sources import Source

BEATS = {"@metadata": {"beat": "filebeat"}, "@timestamp": "2024-01-02T03:04:05.678Z"}
STREAM = 'data_stream => true data_stream_dataset => "app" retry_initial_interval => 1'


def text(
    port: int, node: Elasticsearch, more: str = STREAM, filters: str = "", beats: str = ""
) -> str:
    """Write a pipeline's text."""
    return f"""input {{ beats {{ host => "127.0.0.1" port => {port} {beats} }} }}
    filter {{ {filters} }}
    output {{ elasticsearch {{ hosts => ["{node.url}"] {more} }} }}
    """


def send(port: int, *messages: Any, **client: Any) -> None:
    """Send as Filebeat does; returns when all is acknowledged."""
    wait(lambda: _open(port))
    with PyLogBeatClient("127.0.0.1", port, 10, **client) as beat:
        beat.send([{**BEATS, "message": message} for message in messages])


def _open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def messages(node: Elasticsearch, index: str = "logs-app-default") -> list[str]:
    return [document["message"] for document in node.found(index)]


def test_a_line_becomes_a_document_of_the_data_stream(
    run: Run, port: int, elasticsearch: Elasticsearch
) -> None:
    pipeline = run(
        text(
            port,
            elasticsearch,
            filters='mutate { add_field => { "ip" => "%{[@metadata][input][beats][host][ip]}" } }',
        )
    )
    send(port, "é", "b")
    assert wait(elasticsearch.found)[0] == {
        "@timestamp": "2024-01-02T03:04:05.678Z",
        "@version": "1",
        "message": "é",
        "event": {"original": "é"},
        "tags": ["beats_input_codec_plain_applied"],
        "ip": "127.0.0.1",
        "data_stream": {"type": "logs", "dataset": "app", "namespace": "default"},
    }
    assert elasticsearch.actions == ["create", "create"]
    wait(lambda: pipeline.told()["events"] == {"in": 2, "filtered": 2, "out": 2})


def test_an_index_an_id_and_no_tag(run: Run, port: int, elasticsearch: Elasticsearch) -> None:
    more = 'index => "i-%{+YYYY.MM.dd}" document_id => "%{message}" action => "create" manage_template => false'
    run(text(port, elasticsearch, more, beats="include_codec_tag => false"))
    send(port, "a", "a", "b")
    assert wait(lambda: len(messages(elasticsearch, "i-2024.01.02")) == 2)
    assert "tags" not in elasticsearch.found("i-2024.01.02")[0]


def test_nothing_is_lost_and_nothing_doubled_while_elasticsearch_is_away(
    run: Run, port: int, elasticsearch: Elasticsearch
) -> None:
    run(text(port, elasticsearch), queue__type="persisted")
    elasticsearch.stop()
    send(port, *map(str, range(300)))  # acknowledged all the same
    elasticsearch.start()
    wait(lambda: len(elasticsearch.found()) == 300)
    elasticsearch.status = 503
    send(port, "later")
    time.sleep(0.3)
    elasticsearch.status = 200
    wait(lambda: "later" in messages(elasticsearch))
    assert messages(elasticsearch) == [*map(str, range(300)), "later"]


def test_a_queue_on_disk_outlives_its_pipeline(
    source: Callable[..., Source], port: int, elasticsearch: Elasticsearch
) -> None:
    made = source(text(port, elasticsearch), queue__type="persisted")
    elasticsearch.status = 429
    first = Pipeline(made)
    first.start()
    send(port, "kept")
    first.shutdown()
    assert not elasticsearch.found()
    elasticsearch.status = 200
    second = Pipeline(made)
    second.start()
    wait(elasticsearch.found)
    second.shutdown()
    assert messages(elasticsearch) == ["kept"]


def test_429_is_sent_again_400_is_buried_409_forgotten(
    run: Run, port: int, elasticsearch: Elasticsearch, tmp_path: Path
) -> None:
    elasticsearch.verdicts = {"busy": 429, "poison": 400, "known": 409}
    main = run(
        text(port, elasticsearch),
        dead_letter_queue__enable=True,
        dead_letter_queue__flush_interval=1000,
    )
    run(
        f"""input {{ dead_letter_queue {{
          path => "{tmp_path}/data/dead_letter_queue" commit_offsets => true clean_consumed => true }} }}
        filter {{ mutate {{
          rename => {{ "[@metadata][dead_letter_queue][reason]" => "[error][message]" }}
          remove_field => ["message", "event"] }} }}
        output {{ elasticsearch {{
          hosts => ["{elasticsearch.url}"]
          data_stream => true data_stream_dataset => "dlq" data_stream_auto_routing => false }} }}""",
        name="dlq",
    )
    send(port, "busy", "poison", "known", "fine")
    wait(lambda: sorted(messages(elasticsearch)) == ["busy", "fine"])
    elasticsearch.verdicts = {}
    (buried,) = wait(lambda: elasticsearch.found("logs-dlq-default"))
    assert "Could not index event to Elasticsearch. status: 400" in buried["error"]["message"]
    assert "poison" in buried["error"]["message"]
    assert "message" not in buried
    folder = tmp_path / "data" / "dead_letter_queue" / "main"
    wait(lambda: not list(folder.glob("*.log")))
    assert main.told()["dead_letter_queue"]["dropped_events"] == 0


def test_the_start_refuses(
    source: Callable[..., Source], port: int, elasticsearch: Elasticsearch
) -> None:
    for more, told in {
        'data_stream => true index => "a"': 'Invalid data stream configuration: ["index"]',
        "data_stream => true manage_template => false": 'Invalid data stream configuration: ["manage_template"]',
        'data_stream => false data_stream_type => "logs"': "Ambiguous configuration",
        'user => "a" password => "b" api_key => "c:d" ssl => true': "Multiple authentication options",
        'api_key => "c:d"': "requires SSL/TLS",
        'index => "a" action => "make"': "Action 'make' is invalid!",
    }.items():
        pipeline = Pipeline(source(text(port, elasticsearch, more)))
        with pytest.raises(Refused) as refusal:
            pipeline.start()
        assert told in str(refusal.value)


def test_a_field_in_the_name_of_a_dataset_loses_every_event(
    run: Run, port: int, elasticsearch: Elasticsearch, capfd: pytest.CaptureFixture[str]
) -> None:
    pipeline = run(text(port, elasticsearch, 'data_stream => true data_stream_dataset => "%{[x]}"'))
    send(port, "a")
    wait(lambda: pipeline.told()["events"]["out"] == 1)
    assert not elasticsearch.documents
    assert "Could not resolve dynamic index" in capfd.readouterr().out


def test_a_numeric_comparison_of_nothing_stops_the_pipeline(
    run: Run, port: int, elasticsearch: Elasticsearch
) -> None:
    pipeline = run(text(port, elasticsearch, filters="if [n] > 3 { drop {} }"))
    send(port, "a")
    assert pipeline.stopped.wait(5)
    assert pipeline.crashed


# -- the protocol ---------------------------------------------------------------


def test_a_window_without_compression_is_acknowledged(
    run: Run, port: int, elasticsearch: Elasticsearch
) -> None:
    run(text(port, elasticsearch))
    wait(lambda: _open(port))
    frames = b"".join(
        b"2J" + struct.pack(">II", n, len(p)) + p
        for n, p in enumerate((b'{"message":"a"}', b'{"x":1}'), 1)
    )
    with socket.create_connection(("127.0.0.1", port), 5) as peer:
        peer.sendall(b"2W" + struct.pack(">I", 2) + frames)
        assert peer.recv(6) == b"2A" + struct.pack(">I", 2)
    wait(lambda: len(elasticsearch.found()) == 2)
    assert "beats_input_raw_event" in elasticsearch.found()[1]["tags"]


@pytest.mark.parametrize(
    "garbage",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"2C" + struct.pack(">I", 3) + b"abc",
        b"2J" + struct.pack(">II", 1, 3) + b"{x}",
    ],
)
def test_what_is_no_frame_ends_the_connection(
    run: Run, port: int, elasticsearch: Elasticsearch, garbage: bytes
) -> None:
    run(text(port, elasticsearch))
    wait(lambda: _open(port))
    with socket.create_connection(("127.0.0.1", port), 5) as peer:
        peer.sendall(b"2W" + struct.pack(">I", 1) + garbage if garbage[:1] == b"2" else garbage)
        assert peer.recv(6) == b""
    send(port, "fine")
    wait(lambda: messages(elasticsearch) == ["fine"])


@pytest.fixture
def tls(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Make an authority and a certificate; the key as Logstash wants it."""
    from cryptography.hazmat.primitives import serialization

    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1", "localhost")
    key = serialization.load_pem_private_key(certificate.private_key_pem.bytes(), None)
    kinds = {
        "pkcs8": serialization.PrivateFormat.PKCS8,
        "old": serialization.PrivateFormat.TraditionalOpenSSL,
    }
    for name, kind in kinds.items():
        pem = key.private_bytes(serialization.Encoding.PEM, kind, serialization.NoEncryption())
        (tmp_path / f"{name}.pem").write_bytes(pem)
    certificate.cert_chain_pems[0].write_to_path(str(tmp_path / "cert.pem"))
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    yield {name: str(tmp_path / f"{name}.pem") for name in ("pkcs8", "old", "cert", "ca")}


def test_tls_with_certificates_on_both_sides(
    run: Run, port: int, elasticsearch: Elasticsearch, tls: dict[str, str]
) -> None:
    run(
        text(
            port,
            elasticsearch,
            beats=f'''ssl => true ssl_certificate => "{tls["cert"]}" ssl_key => "{tls["pkcs8"]}"
        ssl_certificate_authorities => ["{tls["ca"]}"] ssl_verify_mode => "force_peer"''',
        )
    )
    client: dict[str, Any] = {"ssl_enable": True, "ca_certs": tls["ca"]}
    with pytest.raises((OSError, ConnectionException)):
        send(port, "unknown", **client)
    send(port, "known", **client, certfile=tls["cert"], keyfile=tls["pkcs8"])
    wait(lambda: messages(elasticsearch) == ["known"])


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ("ssl => true", "ssl_key => is a required setting"),
        (
            'ssl => true ssl_certificate => "{cert}" ssl_key => "{old}"',
            "File does not contain valid private key",
        ),
        (
            'ssl => true ssl_certificate => "{cert}" ssl_key => "{pkcs8}" ssl_verify_mode => '
            '"force_peer"',
            "ssl_certificate_authorities => is a required",
        ),
    ],
)
def test_tls_that_the_start_refuses(
    source: Callable[..., Source],
    port: int,
    elasticsearch: Elasticsearch,
    tls: dict[str, str],
    options: str,
    told: str,
) -> None:
    pipeline = Pipeline(source(text(port, elasticsearch, beats=options.format(**tls))))
    with pytest.raises(Refused) as refusal:
        pipeline.start()
    assert told in str(refusal.value)


# -- reload ---------------------------------------------------------------------


def test_a_bad_file_leaves_the_old_pipeline_running(
    tmp_path: Path, port: int, elasticsearch: Elasticsearch
) -> None:
    config = tmp_path / "main.conf"
    config.write_text(text(port, elasticsearch))
    (tmp_path / "pipelines.yml").write_text(f"- {{pipeline.id: main, path.config: {config}}}\n")
    settings = Settings("8.5.0")
    settings.set("path.data", str(tmp_path / "data"))
    agent = Agent(settings, tmp_path)
    agent.converge()
    try:
        config.write_text("input { beats { port = 1 } }\n")
        agent.converge()
        assert agent.reloads["main"]["failures"] == 1
        assert "Expected" in agent.reloads["main"]["last_error"]["message"]
        send(port, "old")
        wait(lambda: messages(elasticsearch) == ["old"])
        config.write_text(
            text(port, elasticsearch, filters='mutate { replace => { "message" => "new" } }')
        )
        agent.converge()
        assert agent.reloads["main"]["successes"] == 1
        assert agent.reloads["main"]["last_error"] is None
        send(port, "x")
        wait(lambda: messages(elasticsearch) == ["old", "new"])
    finally:
        for pipeline in agent.pipelines.values():
            pipeline.shutdown()
