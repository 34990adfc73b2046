"""What nobody should send, and what happens when the ground gives way: a clear answer, nothing done, nothing told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from werkzeug.routing import Rule

from bti import db
from bti.db import open_database, reading
from bti.models import audit_entries, cases, entries, submissions, wonders
from bti.queries import worklist
from bti.usecases import worklists
from tests.cast import Cast
from tests.web.visitor import Visitor, on_both_databases

SECRET = "Ola Nordli slår seg i hodet"


def count(cast: Cast, table: sa.Table) -> int:
    with reading(cast.database) as session:
        return session.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()


@pytest.fixture
def kari(client_of: Callable[[str], Visitor]) -> Visitor:
    return client_of("kari")


def rules_of(app: Flask, method: str) -> list[Rule]:
    return [rule for rule in app.url_map.iter_rules() if method in (rule.methods or ())]


def address(app: Flask, rule: Rule) -> str:
    """Return an address that the rule matches."""
    choices = {"kind": "units", "version": 1, "place": 1}
    values: dict[str, Any] = {name: choices.get(name, "x") for name in rule.arguments}
    with app.test_request_context():
        return app.url_for(rule.endpoint, **values)


class TestEveryFormOfTheApplication:
    def test_without_the_pages_token_it_does_nothing(self, app: Flask, kari: Visitor, cast: Cast) -> None:
        before = count(cast, audit_entries)
        for rule in rules_of(app, "POST"):
            answer = kari.client.post(address(app, rule), data={"once": "x" * 20})
            assert answer.status_code == 400, rule.rule
            assert "Skjemaet er for gammelt" in answer.text, rule.rule
        assert count(cast, audit_entries) == before

    def test_with_somebody_elses_token_it_does_nothing(
        self, app: Flask, kari: Visitor, client_of: Callable[[str], Visitor]
    ) -> None:
        theirs = client_of("nils").get("/saker").value("csrf_token")
        for rule in rules_of(app, "POST"):
            answer = kari.client.post(address(app, rule), data={"once": "x" * 20, "csrf_token": theirs})
            assert answer.status_code == 400, rule.rule

    def test_by_another_method_it_is_told_so(self, app: Flask, kari: Visitor) -> None:
        for rule in app.url_map.iter_rules():
            where = address(app, rule) if rule.endpoint != "static" else "/static/app.css"
            for method in {"GET", "POST", "PUT", "DELETE", "PATCH"} - (rule.methods or set()):
                answer = kari.client.open(where, method=method)
                assert answer.status_code == 405, f"{method} {rule.rule}"

    def test_by_trace_nothing_is_sent_back(self, app: Flask, kari: Visitor) -> None:
        for rule in app.url_map.iter_rules():
            where = address(app, rule) if rule.endpoint != "static" else "/static/app.css"
            answer = kari.client.open(where, method="TRACE", headers={"X-Mark": "come back"})
            assert answer.status_code == 405, rule.rule
            assert b"come back" not in answer.data, rule.rule

    def test_a_stranger_is_asked_to_log_in(self, app: Flask, stranger: Visitor) -> None:
        from web.access import OPEN

        for rule in app.url_map.iter_rules():
            if rule.endpoint in OPEN:
                continue
            for method in (rule.methods or set()) & {"GET", "POST"}:
                answer = stranger.client.open(address(app, rule), method=method)
                assert answer.status_code == 303, f"{method} {rule.rule}"
                assert answer.headers["Location"].startswith("/logg-inn"), rule.rule


class TestEveryAnswer:
    PATHS = (
        "/logg-inn",
        "/saker",
        "/saker/finnes-ikke",
        "/modellen",
        "/administrasjon",
        "/nothing-here",
        "/personvern",
        "/sprak/xx",
        "/modellen/bti/1/figur.mmd",
        "/undringer/ny",
    )

    def test_carries_the_headers_that_protect_it(self, kari: Visitor) -> None:
        for path in self.PATHS:
            headers = kari.client.get(path).headers
            policy = headers["Content-Security-Policy"]
            assert policy.startswith("default-src 'none'"), path
            assert "unsafe" not in policy, path
            assert "frame-ancestors 'none'" in policy, path
            assert headers["X-Content-Type-Options"] == "nosniff", path
            assert headers["Referrer-Policy"] == "same-origin", path
            assert headers["Cross-Origin-Opener-Policy"] == "same-origin", path
            assert headers["Cache-Control"] == "no-store", path
            assert "Server" not in headers, path

    def test_only_what_is_the_same_for_all_may_be_kept(self, stranger: Visitor) -> None:
        assert "max-age" in stranger.client.get("/static/app.css").headers["Cache-Control"]

    def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(self, stranger: Visitor) -> None:
        cookie = stranger.client.get("/logg-inn").headers["Set-Cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie

    def test_a_page_that_is_not_there_says_so_calmly(self, kari: Visitor, stranger: Visitor) -> None:
        for visitor in (kari, stranger):
            page = visitor.get("/nothing-here", status=404)
            assert page.has("Vi finner ikke siden")
            assert not page.has("Har du vært med i saken?")

    def test_a_case_that_is_closed_to_somebody_says_no_more_than_one_that_is_not_there(
        self, cast: Cast, client_of: Callable[[str], Visitor]
    ) -> None:
        siri = client_of("siri")
        closed = siri.get(f"/saker/{cast.facts(cast.wonder()).reference}", status=404)
        nothing = siri.get("/saker/2026-XXXXX", status=404)
        assert closed.has("Har du vært med i saken? Da kan samtykket være trukket")
        assert closed.text == nothing.text


class TestStrangeWriting:
    @pytest.fixture
    def case(self, cast: Cast) -> str:
        return cast.facts(cast.wonder()).reference

    def note(self, kari: Visitor, case: str, text: str, status: int) -> Any:
        page = kari.get(f"/undringer/{case}/notat")
        return kari.send(page, {"text": text}, status=status)

    @pytest.mark.parametrize(
        "text",
        [
            "<script>alert(1)</script>",
            '"><img src=x onerror=alert(1)>',
            "{{ 7 * 7 }} {% raise %} %(name)s %s",
            "👩‍👩‍👧‍👦 Ola 🌧️ æøå čđŋšŧž",
            "שלום עולם مرحبا",
            "'; DELETE FROM cases; --",
        ],
        ids=["script", "attribute", "template", "emoji", "right-to-left", "sql"],
    )
    def test_is_shown_as_it_was_written(self, text: str, kari: Visitor, case: str) -> None:
        page = kari.follow(self.note(kari, case, text, 303))
        assert page.has(text)
        assert "<script>alert" not in page.html
        assert "<img src=x" not in page.html

    def test_marks_that_turn_the_writing_are_dropped(self, kari: Visitor, case: str) -> None:
        page = kari.follow(self.note(kari, case, "Ola \u202eneseder\u202c leser", 303))
        assert page.has("Ola neseder leser")

    def test_too_much_is_said_at_the_field_and_kept(self, kari: Visitor, case: str, cast: Cast) -> None:
        before = count(cast, entries)
        page = self.note(kari, case, "å" * 100_000, 422)
        assert page.has("Teksten er for lang. Kort den ned")
        assert len(page.value("text")) == 100_000
        assert count(cast, entries) == before

    def test_far_too_much_is_turned_away(self, kari: Visitor, case: str) -> None:
        assert self.note(kari, case, "å" * 2_000_000, 413).has("Det ble for mye")

    def test_a_thousand_fields_are_turned_away(self, kari: Visitor, case: str) -> None:
        page = kari.get(f"/undringer/{case}/notat")
        many = {"csrf_token": page.value("csrf_token"), **{f"f{n}": "x" for n in range(1000)}}
        answer = kari.client.post(page.path, data=many, content_type="multipart/form-data")
        assert answer.status_code == 413

    @pytest.mark.parametrize("token", ["", "short", "x" * 65, "x" * 5000])
    def test_a_form_without_a_token_of_its_own_does_nothing(
        self, token: str, kari: Visitor, case: str, cast: Cast
    ) -> None:
        page = kari.get(f"/undringer/{case}/notat")
        answer = kari.send(page, {"text": "Det jeg skrev", "once": token}, status=422)
        assert answer.has("Last siden på nytt og send igjen")
        assert answer.value("text") == "Det jeg skrev"
        assert count(cast, submissions) == 0


@on_both_databases
class TestStrangeAddresses:
    def test_a_null_is_turned_away(self, kari: Visitor, cast: Cast) -> None:
        cast.wonder()
        for path in ("/saker?q=%00", "/saker/%00", "/barn/sok?q=%00", "/saker?etter=2026-01-01_%00", "/saker?%00=x"):
            kari.get(path, status=400)
        page = kari.get("/undringer/ny")
        kari.post("/undringer/ny", {"seen": "a\0b"}, status=400, page=page)
        assert count(cast, wonders) == 1

    @pytest.mark.parametrize(
        "query",
        [
            "niva=99",
            "niva=-1",
            "niva=999999999999999999999",
            "niva=²",
            "niva=٣",
            "frist=aldri",
            "vis=alt",
            "vis=enhet",
            "etter=x",
            "etter=2026-01-01_",
            "etter=9999-12-31_x",
            "etter=0001-01-01_'",
            "q=%25_%27%22%5C",
            "q=" + "x" * 4000,
            "q=%F0%9F%8C%A7",
            "q=%FF%FE",
            "niva=1&niva=2",
        ],
    )
    def test_the_worklist_reads_what_it_can_and_drops_the_rest(self, query: str, kari: Visitor) -> None:
        kari.get(f"/saker?{query}")

    def test_a_long_list_is_turned_whatever_stands_in_the_address(
        self, kari: Visitor, cast: Cast, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for about in ("ola", "mia", "jon"):
            cast.wonder(about=about)
        monkeypatch.setattr(worklist, "PAGE", 2)
        page = kari.get("/saker?q=&_external=1&endpoint=x&_scheme=evil&_anchor=a&_method=POST&values=1")
        assert "etter=" in page.html
        assert "evil" not in page.html.replace("_scheme=evil", "")

    @pytest.mark.parametrize("reference", ["x" * 3000, "..", "%2e%2e", "'", "2026-XXXXX", "%F0%9F%8C%A7", "%FF"])
    def test_a_reference_that_is_none_is_not_there(self, reference: str, kari: Visitor) -> None:
        kari.get(f"/saker/{reference}/frist", status=404)

    @pytest.mark.parametrize(
        "path",
        [
            "/static/", "/static", "/static/vendor/", "/static/../app.py", "/static/..%2fapp.py", "/static//etc/passwd",
            "/.git/config", "/.env", "/setup.cfg", "/console", "/metrics", "/debug",
        ],
    )  # fmt: skip
    def test_a_folder_is_not_listed_and_nothing_beside_it_is_served(self, path: str, stranger: Visitor) -> None:
        assert stranger.client.get(path, follow_redirects=True).status_code == 404


class TestAHostThatIsNone:
    @pytest.mark.parametrize("host", ["a" * 64, "a" * 5000, "..evil", ".evil", "evil host", "evil:99999", "[::1"])
    def test_is_answered_like_any_other_and_named_nowhere(self, host: str, stranger: Visitor) -> None:
        for path, status in (("/logg-inn", 200), ("/finnes-ikke", 404), ("/saker", 303)):
            answer = stranger.client.get(path, headers={"Host": host})
            assert answer.status_code == status, path
            assert answer.headers["Content-Security-Policy"]
            assert host not in answer.text + answer.headers.get("Location", "")


class TestWhenTheGroundGivesWay:
    def test_nobody_debugs_what_people_use(self, app_behind: Callable[..., Flask]) -> None:
        app = app_behind()
        assert not app.debug
        assert not app.config["TRAP_HTTP_EXCEPTIONS"]
        assert not app.config["TRAP_BAD_REQUEST_ERRORS"]

    def test_a_fault_tells_nothing_of_itself(self, kari: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
        def broken(*_given: object, **_more: object) -> None:
            raise RuntimeError(SECRET)

        monkeypatch.setattr(worklists, "read", broken)
        page = kari.get("/saker", status=500)
        assert page.has("Noe gikk galt hos oss")
        for told in (SECRET, "Ola", "Traceback", "RuntimeError", "worklists", ".py"):
            assert told not in page.html
        assert page.response.headers["Cache-Control"] == "no-store"

    def test_a_database_that_is_held_is_said_and_nothing_is_lost(
        self, kari: Visitor, cast: Cast, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        case = cast.facts(cast.wonder()).reference
        page = kari.get(f"/undringer/{case}/notat")
        with self._impatient(cast, monkeypatch), db.writing(cast.database):
            told = kari.send(page, {"text": "Venter"}, status=503)
        assert told.has("Stafett er ikke tilgjengelig akkurat nå")
        assert told.has("Ingenting er endret. Prøv igjen om litt.")
        assert told.has("busy")
        assert kari.send(page, {"text": "Venter"}).status == 303

    @contextmanager
    def _impatient(self, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        monkeypatch.setattr(db, "SQLITE_BUSY_MS", 50)
        cast.database.dispose()
        yield
        monkeypatch.undo()
        cast.database.dispose()

    @pytest.mark.parametrize("path", ["/saker", "/", "/logg-inn", "/administrasjon", "/undringer/ny", "/nothing-here"])
    def test_a_database_that_is_gone_is_said_to_everybody(
        self, path: str, kari: Visitor, stranger: Visitor, app: Flask, tmp_path: Any
    ) -> None:
        gone = open_database(f"sqlite:///{tmp_path}/gone.db")
        (tmp_path / "gone.db").write_bytes(b"this is no database, and never was one " * 100)
        app.extensions["bti_database"] = gone
        for visitor in (kari, stranger):
            answer = visitor.client.get(path)
            if visitor is stranger and path != "/logg-inn":
                assert answer.status_code in (303, 404)
                continue
            assert answer.status_code == 503, answer.text
            assert "Stafett er ikke tilgjengelig akkurat nå" in answer.text
            assert "Traceback" not in answer.text
            assert "sqlite" not in answer.text.lower()
            assert answer.headers["Content-Security-Policy"]
        gone.dispose()

    def test_a_form_sent_to_a_database_that_is_gone_says_so(
        self, kari: Visitor, app: Flask, cast: Cast, tmp_path: Any
    ) -> None:
        page = kari.get("/undringer/ny")
        gone = open_database(f"sqlite:///{tmp_path}/gone.db")
        (tmp_path / "gone.db").write_bytes(b"this is no database, and never was one " * 100)
        app.extensions["bti_database"] = gone
        kari.post("/undringer/ny", {"seen": "x"}, status=503, page=page)
        app.extensions["bti_database"] = cast.database
        assert count(cast, cases) == 0
        gone.dispose()
