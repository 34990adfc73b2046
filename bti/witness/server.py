"""A witness as a server: one request, POST /add-checkpoint, over plain HTTP.

It listens on this machine unless told otherwise; whoever lets others reach it puts a proxy with TLS before it. Nobody
logs in: what isn't signed by a known log is refused, and a head holds nothing but a number and a hash.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from bti.witness.judge import Refusal, Witness

PATH = "/add-checkpoint"
SIZE_TYPE = "text/x.tlog.size"
LARGEST_REQUEST = 64 * 1024
# Somebody who opens a connection and says nothing must not hold it for ever.
PATIENCE_SECONDS = 30


class WitnessServer(ThreadingHTTPServer):
    """A server that asks `witness`, and `clock` for the time to sign with. `address` is host and port; port 0: any."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], *, witness: Witness, clock: Callable[[], datetime]) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, _Handler)
        self.witness = witness
        self.clock = clock

    @property
    def url(self) -> str:
        """Where it listens."""
        host, port = str(self.server_address[0]), self.server_address[1]
        return f"http://{f'[{host}]' if ':' in host else host}:{port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "witness", ""
    timeout = PATIENCE_SECONDS
    server: WitnessServer

    def do_POST(self) -> None:
        request = self._request()
        if request is None:
            return
        try:
            if self.path != PATH:
                raise Refusal(404, f"There is nothing but {PATH} here.")
            at = int(self.server.clock().timestamp())
            signature = self.server.witness.add_checkpoint(request, at=at)
        except Refusal as refusal:
            self._refuse(refusal)
        except Exception as fault:
            # A damaged memory or a full disk: nothing is signed, and whoever runs the witness must see why.
            print(f"{type(fault).__name__}: {fault}", file=sys.stderr)
            self._answer(500, "The witness can't remember heads now and signs nothing.\n")
        else:
            self._answer(200, str(signature))

    def _request(self) -> bytes | None:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > LARGEST_REQUEST:
            # What isn't read would be taken for the next request.
            self.close_connection = True
            self._answer(413 if length.isdecimal() else 411, "A request has a length, of 64 KiB at most.\n")
            return None
        return self.rfile.read(int(length))

    def _refuse(self, refusal: Refusal) -> None:
        if refusal.size is not None:
            self._answer(refusal.status, f"{refusal.size}\n", SIZE_TYPE)
        else:
            self._answer(refusal.status, f"{refusal}\n")

    def _answer(self, status: int, text: str, kind: str = "text/plain; charset=utf-8") -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
