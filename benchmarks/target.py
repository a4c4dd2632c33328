"""The HTTP server that is called: kept connections, one fixed answer, and so little work that it hardly counts.

`python -m benchmarks.target PORT`. Any path is answered with an order, `/after/MS` so many milliseconds later; `/calls`
says how many calls there were, and `/calls/N` does so once there were N.
"""

from __future__ import annotations

import asyncio
import sys

ORDER = b'{"id": 42, "sku": "tea", "quantity": 2, "status": "FULFILLED"}'


def _answer(body: bytes) -> bytes:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


ORDER_ANSWER = _answer(ORDER)


class Calls:
    """Counts calls, and tells those who wait for a number of them."""

    def __init__(self) -> None:
        self.count = 0
        self._waiting: list[tuple[int, asyncio.Transport]] = []

    def one_more(self) -> None:
        """Count a call."""
        self.count += 1
        if self._waiting:
            self._tell()

    def tell_at(self, number: int, client: asyncio.Transport) -> None:
        """Answer the client as soon as there were `number` calls."""
        self._waiting.append((number, client))
        self._tell()

    def _tell(self) -> None:
        due = [each for each in self._waiting if each[0] <= self.count]
        self._waiting = [each for each in self._waiting if each[0] > self.count]
        for _, client in due:
            client.write(_answer(str(self.count).encode()))


class Connection(asyncio.Protocol):
    """One kept connection; requests have no body."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._unread = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where answers go."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101  # TCP gives nothing else
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer every whole request."""
        *requests, self._unread = (self._unread + data).split(b"\r\n\r\n")
        for request in requests:
            path = request.split(b" ", 2)[1]
            if path.startswith(b"/after/"):
                seconds = int(path.removeprefix(b"/after/")) / 1000
                asyncio.get_running_loop().call_later(seconds, self._transport.write, ORDER_ANSWER)
                self._calls.one_more()
            elif path.startswith(b"/calls"):
                self._calls.tell_at(int(path.removeprefix(b"/calls").strip(b"/") or 0), self._transport)
            else:
                self._transport.write(ORDER_ANSWER)
                self._calls.one_more()


async def _serve(port: int) -> None:
    calls = Calls()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(calls), "127.0.0.1", port, backlog=512)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
