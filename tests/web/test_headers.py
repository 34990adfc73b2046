"""The security headers of every page there is, as a table. Source: OWASP ASVS 5.0, chapters 3.4 and 14.3, level 2."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from tests.cast import Cast
from tests.web.test_every_route import DOORS, Scene, _path
from tests.web.test_every_route import scene as scene
from tests.web.visitor import Visitor

ALWAYS = {
    "X-Content-Type-Options": "nosniff",  # 3.4.4
    "Referrer-Policy": "same-origin",  # 3.4.5
    "Cross-Origin-Opener-Policy": "same-origin",  # 3.4.8
    "Cross-Origin-Resource-Policy": "same-origin",  # 3.5.8
    "Cache-Control": "no-store",  # 14.3.2
}
# 3.4.3 and 3.4.6: nothing from elsewhere, nothing inline, in nobody's frame.
POLICY = {
    "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:", "font-src 'self'",
    "connect-src 'self'", "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'", "object-src 'none'",
}  # fmt: skip
HSTS = "max-age=31536000; includeSubDomains"  # 3.4.1
AT_HTTPS = "https://stafett.example"


def wrong(answer: TestResponse, where: str, *, https: bool = False) -> list[str]:
    """Return what is missing, one sentence each."""
    headers = answer.headers
    found = [
        f"{where}: {name} is {headers.get(name)!r}" for name, value in ALWAYS.items() if headers.get(name) != value
    ]
    if set(headers["Content-Security-Policy"].split("; ")) != POLICY:
        found.append(f"{where}: the content policy is {headers['Content-Security-Policy']}")
    if headers.get("Strict-Transport-Security") != (HSTS if https else None):
        found.append(f"{where}: HSTS is {headers.get('Strict-Transport-Security')!r}")
    if (answer.mimetype or "").startswith("text/") and "charset=utf-8" not in headers["Content-Type"]:
        found.append(f"{where}: {headers['Content-Type']} without a charset")
    if any(name.lower().startswith("access-control") for name in headers.keys()):  # noqa: SIM118 – headers aren't a dict
        found.append(f"{where}: opens itself to other sites")
    for cookie in headers.getlist("Set-Cookie"):
        if not all(part in cookie for part in ("HttpOnly", "SameSite=Lax", "Path=/")) or "Domain" in cookie:
            found.append(f"{where}: a cookie is {cookie}")
    return found


@pytest.fixture
def everybody(client_of: Callable[[str], Visitor]) -> list[Visitor]:
    """Those who between them may open nearly every page."""
    return [client_of(name) for name in ("kari", "rune", "siri", "per", "amir", "berit", "tove", "arne", "liv")]


class TestEveryRoute:
    def test_has_its_headers_for_those_who_may_and_those_who_may_not(
        self, app: Flask, scene: Scene, everybody: list[Visitor], stranger: Visitor
    ) -> None:
        found: list[str] = []
        opened: set[str] = set()
        for endpoint in sorted(DOORS):
            path = _path(app, endpoint, scene)
            for visitor in [stranger, *everybody]:
                answer = visitor.client.get(path)
                found += wrong(answer, f"{endpoint} for {visitor.name or 'a stranger'} ({answer.status_code})")
                opened |= {endpoint} if visitor.name and answer.status_code in (200, 303) else set()
        assert not found, "\n".join(found[:20])
        assert {endpoint for endpoint, door in DOORS.items() if door.open_to} <= opened

    def test_has_them_when_a_form_is_refused(self, app: Flask, scene: Scene, stranger: Visitor) -> None:
        posts = {rule.endpoint for rule in app.url_map.iter_rules() if "POST" in (rule.methods or ())}
        found = [
            line
            for endpoint in sorted(posts)
            for line in wrong(stranger.client.post(_path(app, endpoint, scene), data={}), endpoint)
        ]
        assert not found, "\n".join(found[:20])

    @pytest.mark.parametrize("path", ["/nothing-here", "/saker/%00", "/administrasjon", "/konto/logg-ut-overalt"])
    def test_has_them_when_something_is_wrong(self, path: str, client_of: Callable[[str], Visitor]) -> None:
        answer = client_of("kari").client.get(path)
        assert answer.status_code >= 400
        assert wrong(answer, path) == []

    def test_asks_for_https_where_people_come_by_it(
        self, app_behind: Callable[..., Flask], scene: Scene, cast: Cast
    ) -> None:
        app = app_behind(https=True)
        client = app.test_client()
        found = [
            line
            for endpoint in sorted(DOORS)
            for line in wrong(client.get(_path(app, endpoint, scene), base_url=AT_HTTPS), endpoint, https=True)
        ]
        assert not found, "\n".join(found[:20])


class TestWhatIsTheSameForAll:
    @pytest.mark.parametrize("file", ["app.css", "app.js", "icon.svg", "nothing.css"])
    def test_may_be_kept_but_is_no_less_protected(self, file: str, stranger: Visitor) -> None:
        headers = stranger.client.get(f"/static/{file}").headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert "Set-Cookie" not in headers
