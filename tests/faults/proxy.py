"""A TCP proxy that misbehaves on demand: between a worker and its broker, its database, its targets."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Coroutine
from contextlib import suppress
from enum import StrEnum, auto
from typing import Any

#: SO_LINGER of no time at all: closing sends RST instead of FIN.
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_LOOK_SECONDS = 0.05


class Mode(StrEnum):
    """What happens to what passes."""

    PASS = auto()
    #: Each piece comes `delay` seconds late.
    DELAY = auto()
    #: One byte each `delay` seconds.
    DRIP = auto()
    #: Every connection, old or new, ends with RST.
    RESET = auto()
    #: Connections are accepted and nothing passes; it passes later, as after a cut cable, if both ends still wait.
    BLACKHOLE = auto()
    #: Nobody listens, and what was open has ended.
    REFUSE = auto()


class Proxy:
    """Listens on `port` of loopback and passes on to `target`; `set` changes its mode for what is open, too."""

    def __init__(self, target: tuple[str, int]) -> None:
        """Listen at once, in a thread of its own."""
        self.target = target
        self.mode = Mode.PASS
        self.delay = 0.05
        self.cuts = 0
        self._to_lose: list[tuple[bytes, bool]] = []
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._thread.start()
        self.port = 0
        self._do(self._listen())

    def set(self, mode: Mode, *, delay: float = 0.05) -> None:
        """Behave so from now on; `delay` in seconds is for DELAY and DRIP."""
        self.mode, self.delay = mode, delay
        self._do(self._close() if mode is Mode.REFUSE else self._listen())
        if mode in (Mode.RESET, Mode.REFUSE):
            self.cut()

    def cut(self) -> None:
        """End every connection that is open now with RST; new ones pass."""
        self._do(self._cut())

    def lose(self, pattern: bytes, *, delivered: bool) -> None:
        """Cut the connection of the next client that sends `pattern`: after that was `delivered`, or before.

        The client cannot tell whether what it asked for was done. Asked for n times, it happens to n connections.
        """
        self._to_lose.append((pattern, delivered))

    def stop(self) -> None:
        """End everything, and the thread."""
        self._do(self._close())
        self.cut()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _listen(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, backlog=256)
            self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    async def _cut(self) -> None:
        for writer in list(self._writers):
            _reset(writer)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection(*self.target)
        except OSError:
            _reset(writer)
            return
        pair = {writer, far_writer}
        self._writers |= pair
        lost = asyncio.Event()
        ways = [
            asyncio.create_task(self._ask(reader, far_writer, lost)),
            asyncio.create_task(self._answer(far_reader, writer, lost)),
        ]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        for each in pair:
            _reset(each) if self.mode is Mode.RESET else each.close()
        self._writers -= pair

    async def _ask(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, lost: asyncio.Event
    ) -> None:
        with suppress(OSError):
            while data := await reader.read(65_536):
                delivered = self._lost_with(data)
                if delivered is False:
                    return
                if delivered:
                    lost.set()
                await self._pass(data, writer)
                if delivered:
                    await asyncio.sleep(_LOOK_SECONDS)  # the server has it by then
                    return

    async def _answer(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, lost: asyncio.Event
    ) -> None:
        with suppress(OSError):
            while data := await reader.read(65_536):
                if lost.is_set():
                    return
                await self._pass(data, writer)

    def _lost_with(self, data: bytes) -> bool | None:
        """Return whether the data is to be lost after its delivery (True), before it (False), or not (None)."""
        for each in self._to_lose:
            pattern, delivered = each
            if pattern in data:
                self._to_lose.remove(each)
                self.cuts += 1
                return delivered
        return None

    async def _pass(self, data: bytes, writer: asyncio.StreamWriter) -> None:
        while self.mode is Mode.BLACKHOLE:
            await asyncio.sleep(_LOOK_SECONDS)
        if self.mode is Mode.DELAY:
            await asyncio.sleep(self.delay)
        if self.mode is Mode.RESET:
            raise ConnectionResetError
        pieces = [data]
        if self.mode is Mode.DRIP:
            pieces = [data[index : index + 1] for index in range(len(data))]
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            if len(pieces) > 1 and self.mode is Mode.DRIP:
                await asyncio.sleep(self.delay)


def _reset(writer: asyncio.StreamWriter) -> None:
    raw = writer.get_extra_info("socket")
    if raw is not None:
        with suppress(OSError):
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    writer.transport.abort()
