"""A Kafka broker that answers two questions, what it speaks and where the brokers are, and lies about the second."""

from __future__ import annotations

import socketserver
import struct
import threading
from typing import Any, Self

from kafka.protocol.metadata import ApiVersionsResponse, MetadataResponse

#: The newest version of each request that it speaks, by API key: produce, fetch, offsets, metadata, versions.
SPOKEN = {0: 7, 1: 11, 2: 5, 3: 7, 18: 3}


class LyingBroker(socketserver.ThreadingTCPServer):
    """Says that the topic is at `host` and `port`; `asked` counts who wanted to know.

    After so many questions as `moves_to` says first, the topic is somewhere else.
    """

    daemon_threads = True
    allow_reuse_address = True

    def __init__(
        self, host: str, port: int, *, topic: str = "t", moves_to: tuple[int, str, int] | None = None
    ) -> None:
        super().__init__(("127.0.0.1", 0), _Conversation)
        self.asked = 0
        self._elsewhere = (host, port)
        self._topic = topic
        self._moves_to = moves_to
        self.address = f"127.0.0.1:{self.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()

    def answer(self, api: int, version: int) -> bytes:
        """Return the body of the answer to a request; empty where it does not speak that."""
        if api == ApiVersionsResponse.API_KEY:
            return _spoken(version)
        if api == MetadataResponse.API_KEY:
            self.asked += 1
            if self._moves_to is not None and self.asked > self._moves_to[0]:
                self._elsewhere = self._moves_to[1:]
            return _metadata(version, self._topic, *self._elsewhere)
        return b""


class _Conversation(socketserver.StreamRequestHandler):
    server: LyingBroker

    def handle(self) -> None:
        while head := self.rfile.read(4):
            request = self.rfile.read(*struct.unpack(">i", head))
            api, version, correlation = struct.unpack(">hhi", request[:8])
            body = self.server.answer(api, version)
            if not body:
                return
            self.wfile.write(struct.pack(">ii", 4 + len(body), correlation) + body)


def _spoken(version: int) -> bytes:
    keys = [
        ApiVersionsResponse.ApiVersion(api_key=key, min_version=0, max_version=newest)
        for key, newest in SPOKEN.items()
    ]
    return bytes(ApiVersionsResponse(version=version, error_code=0, api_keys=keys).encode(version=version))


def _metadata(version: int, topic: str, host: str, port: int) -> bytes:
    topics: Any = MetadataResponse.MetadataResponseTopic
    partition = topics.MetadataResponsePartition(
        partition_index=0, leader_id=1, replica_nodes=[1], isr_nodes=[1], offline_replicas=[]
    )
    response = MetadataResponse(
        version=version,
        brokers=[MetadataResponse.MetadataResponseBroker(node_id=1, host=host, port=port, rack=None)],
        cluster_id="lies",
        controller_id=1,
        topics=[topics(name=topic, partitions=[partition])],
    )
    return bytes(response.encode(version=version))
