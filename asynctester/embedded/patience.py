"""uvicorn's HTTP/1.1 with an end to its patience: with clients that do not finish a request's head, or do not read.

uvicorn itself limits only how long a kept connection is idle (`timeout_keep_alive`), and forgets even that at the first
byte of the next request: a client that sends a byte a second, or nothing at all, stays for ever. A class passed as
`http=` is how uvicorn lets a protocol be replaced; the methods overridden here are asyncio's (`connection_made`,
`pause_writing` …) and four of uvicorn's own, all without underscore (pyproject.toml pins its version). Bodies are
`asynctester.middleware.body_deadline`'s, which answers as the API does.
"""

from __future__ import annotations

import asyncio

import h11
from django.conf import settings
from uvicorn.protocols.http.h11_impl import STATUS_PHRASES, H11Protocol

from asynctester.middleware.refusals import TOO_SLOW, body_of, headers_of

#: Seconds in which what was written last has to be taken, once the connection is to be closed.
LINGER_SECONDS = 10.0


class PatientProtocol(H11Protocol):
    """A connection; `_head` runs while a request's head is awaited, `_reader` while the client takes nothing."""

    _head: asyncio.TimerHandle | None = None
    _reader: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Wait for a head."""
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        self._forget()
        super().connection_lost(exc)

    def handle_events(self) -> None:
        """Take what came; a request that is under way is no longer awaited."""
        super().handle_events()
        if self.cycle is not None and not self.cycle.response_complete and self._head is not None:
            self._head.cancel()
            self._head = None

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """Hand the connection over; the other protocol has limits of its own."""
        self._forget()
        super().handle_websocket_upgrade(event)

    def on_response_complete(self) -> None:
        """Wait for the next head: also where the rest of a body that nobody wants still drips in."""
        self._await_head()
        super().on_response_complete()

    def pause_writing(self) -> None:
        """Begin to wait for the client to read."""
        super().pause_writing()
        self._reader = self.loop.call_later(settings.RESPONSE_STALL_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """Know that it reads."""
        super().resume_writing()
        if self._reader is not None:
            self._reader.cancel()
            self._reader = None

    def _await_head(self) -> None:
        if self._head is not None:
            self._head.cancel()
        self._head = self.loop.call_later(settings.REQUEST_HEAD_SECONDS, self._head_is_late)

    def _forget(self) -> None:
        for timer in (self._head, self._reader):
            if timer is not None:
                timer.cancel()
        self._head = self._reader = None

    def _head_is_late(self) -> None:
        """Say so where a part of it came (who sent nothing asked nothing), and close."""
        if not self.transport.is_closing():
            if self.conn.our_state is h11.IDLE and self.conn.trailing_data[0]:
                self._answer_408()
            self.transport.close()
        if (
            self.transport.get_write_buffer_size()
        ):  # else a client that reads nothing would keep it from closing
            self._reader = self.loop.call_later(LINGER_SECONDS, self.transport.abort)

    def _answer_408(self) -> None:
        status = TOO_SLOW[0]
        head = h11.Response(status_code=status, headers=headers_of(TOO_SLOW), reason=STATUS_PHRASES[status])
        for event in (head, h11.Data(data=body_of(TOO_SLOW)), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
