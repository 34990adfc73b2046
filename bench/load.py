"""A small client: a handful of connections kept open, each asking again as soon as it is answered."""

from __future__ import annotations

import http.client
import re
import selectors
import socket
from dataclasses import dataclass
from time import perf_counter
from urllib.parse import urlencode

CONNECTIONS = 8


@dataclass
class _Line:
    connection: socket.socket
    answer: bytearray
    whole: int = 0


def pages_per_second(port: int, path: str, *, pages: int, cookie: str = "") -> float:
    """Ask for `path` so many times on the loopback and return how many were answered in a second.

    Raises AssertionError when an answer isn't 200: what is refused is quick, and no measure of anything.
    """
    head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: keep-alive\r\n"
    question = (head + (f"Cookie: {cookie}\r\n" if cookie else "") + "\r\n").encode()
    waiting = selectors.DefaultSelector()
    for _number in range(CONNECTIONS):
        connection = socket.create_connection(("127.0.0.1", port), timeout=30)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        waiting.register(connection, selectors.EVENT_READ, _Line(connection, bytearray()))
    asked = answered = 0
    started = perf_counter()
    for key in list(waiting.get_map().values()):
        key.data.connection.sendall(question)
        asked += 1
    while answered < asked:
        ready = waiting.select(timeout=30)
        assert ready, "the server doesn't answer"
        for key, _events in ready:
            line: _Line = key.data
            if not _complete(line):
                continue
            answered += 1
            if asked < pages:
                line.connection.sendall(question)
                asked += 1
    seconds = perf_counter() - started
    for key in list(waiting.get_map().values()):
        key.data.connection.close()
    waiting.close()
    return answered / seconds


def _complete(line: _Line) -> bool:
    piece = line.connection.recv(262_144)
    assert piece, "the server closed a connection that was to be kept"
    line.answer += piece
    if not line.whole:
        end = line.answer.find(b"\r\n\r\n")
        if end < 0:
            return False
        head = bytes(line.answer[:end]).lower()
        assert b" 200 " in head[:16], head.split(b"\r\n", 1)[0].decode()
        length = re.search(rb"content-length: *(\d+)", head)
        assert length, "the answer doesn't say how long it is"
        line.whole = end + 4 + int(length[1])
    if len(line.answer) < line.whole:
        return False
    line.answer.clear()
    line.whole = 0
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
