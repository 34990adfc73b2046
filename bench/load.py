"""A small client: a handful of questions under way at once, each on a connection of its own.

A proxy with its usual settings asks so. Connections that are kept stick to whichever process took them, so that the
same server is twice as fast in one run as in the next.
"""

from __future__ import annotations

import http.client
import re
import selectors
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import cycle
from time import perf_counter
from urllib.parse import urlencode

AT_ONCE = 8


@dataclass
class _Asked:
    connection: socket.socket
    answer: bytearray = field(default_factory=bytearray)


def pages_per_second(port: int, asked_for: Sequence[tuple[str, str]], *, pages: int) -> float:
    """Ask for paths, each with the cookies of whoever opens it, in turn and `pages` times in all, on the loopback;
    return how many were answered in a second.

    Raises AssertionError when an answer isn't 200: what is refused is quick, and no measure of anything.
    """
    head = f"Host: 127.0.0.1:{port}\r\nConnection: close\r\n"
    questions = cycle(f"GET {path} HTTP/1.1\r\n{head}Cookie: {cookie}\r\n\r\n".encode() for path, cookie in asked_for)
    asked = answered = 0
    started = perf_counter()
    with selectors.DefaultSelector() as waiting:
        while answered < pages:
            while asked < pages and asked - answered < AT_ONCE:
                one = _Asked(_ask(port, next(questions)))
                waiting.register(one.connection, selectors.EVENT_READ, one)
                asked += 1
            ready = waiting.select(timeout=30)
            assert ready, "the server doesn't answer"
            for key, _events in ready:
                if _is_whole(key.data):
                    waiting.unregister(key.data.connection)
                    key.data.connection.close()
                    answered += 1
    return answered / (perf_counter() - started)


def _ask(port: int, question: bytes) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=30)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.sendall(question)
    return connection


def _is_whole(one: _Asked) -> bool:
    """Take in what has come, and return whether that was all; it ends where the server hangs up."""
    piece = one.connection.recv(262_144)
    one.answer += piece
    if piece:
        return False
    head, _gap, body = bytes(one.answer).partition(b"\r\n\r\n")
    assert b" 200 " in head[:16], head.split(b"\r\n", 1)[0].decode()
    length = re.search(rb"content-length: *(\d+)", head.lower())
    assert length, "the answer doesn't say how long it is"
    assert len(body) == int(length[1]), "the answer broke off"
    return True


def log_in(port: int, municipality_id: str, person_id: str) -> str:
    """Log in as anybody of a demo, through its page; return the cookies of the session."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", "/logg-inn")
    page = connection.getresponse()
    cookie = _cookie(page)
    token = re.search(r'name="csrf_token" value="([^"]+)"', page.read().decode())
    assert token, "the login page has no token"
    form = urlencode({"csrf_token": token[1], "person": f"{municipality_id}:{person_id}"})
    headers = {"Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded"}
    connection.request("POST", "/logg-inn-som", form, headers)
    answer = connection.getresponse()
    answer.read()
    assert answer.status == 303, f"logging in was answered {answer.status}"
    cookie = _cookie(answer)
    connection.close()
    return cookie


def _cookie(answer: http.client.HTTPResponse) -> str:
    """Return the cookies that an answer sets: the session's token, and what the forms need."""
    set_here = (one.partition(";")[0] for one in answer.headers.get_all("Set-Cookie") or ())
    return "; ".join(one for one in set_here if not one.endswith("="))
