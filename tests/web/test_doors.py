"""What somebody tries at the doors: planted, copied and forged cookies, guessed passwords, other people's waiting."""

from __future__ import annotations

import json
from collections.abc import Callable
from unittest.mock import patch

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from flask import Flask
from itsdangerous import URLSafeTimedSerializer, base64_decode

from bti.crypto import passwords
from bti.models import audit_entries, drafts, municipalities, people
from bti.usecases import people as staff
from tests.cast import NEXT_DOOR, Cast, settle_neighbour
from tests.doors import PASSWORD, begun, how_ended, trail
from tests.web.visitor import Page, Visitor, on_both_databases

TOKEN = "stafett"
WRONG = "et galt passord"


@pytest.fixture
def there(cast: Cast, app: Flask) -> Cast:
    """The town next door: no demo, and two people have passwords there. The pages' clock is this town's."""
    there = settle_neighbour(cast.database)
    app.extensions["bti_clock"] = lambda: there.now
    for name in ("kari", "siri"):
        there.act(staff.set_password, by="arne", person_id=name, password=PASSWORD)
    with cast.writing() as session:
        session.execute(sa.update(municipalities).where(municipalities.c.id == NEXT_DOOR).values(is_demo=False))
    return there


def log_in(visitor: Visitor, name: str = "kari", password: str = PASSWORD, status: int = 303) -> Page:
    page = visitor.get("/logg-inn")
    return visitor.send(page, {"kommune": NEXT_DOOR, "brukernavn": name, "passord": password}, status=status)


def token_of(visitor: Visitor) -> str:
    cookie = visitor.client.get_cookie(TOKEN)
    assert cookie is not None, "there is no token"
    return cookie.value


def with_token(app: Flask, token: str) -> Visitor:
    """Return a browser that came by a token somehow."""
    thief = Visitor(app)
    thief.client.set_cookie(TOKEN, token)
    return thief


def is_in(visitor: Visitor) -> bool:
    return visitor.client.get("/konto").status_code == 200


class TestACookie:
    def test_planted_before_the_login_is_worth_nothing_after_it(self, app: Flask, there: Cast) -> None:
        planted = f"{NEXT_DOOR}.{'A' * 43}"
        victim = with_token(app, planted)
        attacker = Visitor(app)
        attacker.get("/logg-inn")
        before = attacker.client.get_cookie("stafett-skjema")
        assert before is not None
        victim.client.set_cookie("stafett-skjema", before.value)
        log_in(victim)
        assert token_of(victim) != planted
        assert is_in(victim)
        assert not is_in(attacker)
        assert not is_in(with_token(app, planted))

    @pytest.mark.parametrize("how", ["logout", "role ended", "role granted", "person", "password", "everywhere"])
    def test_that_was_copied_is_dead_at_once(self, how: str, app: Flask, there: Cast) -> None:
        kari = Visitor(app)
        log_in(kari)
        thief = with_token(app, token_of(kari))
        assert is_in(thief)
        page = kari.get("/konto")
        if how == "logout":
            kari.post("/logg-ut", page=page)
        elif how == "everywhere":
            kari.send(page, action="/logg-ut-overalt")
        elif how == "role ended":
            there.end_role("kari", "school")
        elif how == "role granted":
            there.grant("kari", "ppt")
        elif how == "person":
            there.end("kari")
        else:
            there.act(staff.set_password, by="arne", person_id="kari", password="et helt nytt passord")
        for visitor in (thief, kari):
            assert visitor.get("/saker", status=303).goes_to.startswith("/logg-inn")
            assert visitor.client.get_cookie(TOKEN) is None

    @pytest.mark.parametrize(
        "value",
        [
            "", ".", "nabovik.", "nabovik", f"fjordvik.{'A' * 43}", f"nabovik.{'A' * 43}", "nabovik.kari", "x" * 3000,
            f"nabovik.{'æ' * 43}", "nabovik.\\000AAAAAAAAAAAAAAAAAAAAAAA", f"' OR 1=1 --.{'A' * 43}", "a.b.c",
        ],
    )  # fmt: skip
    def test_that_was_made_up_is_nobody(self, value: str, app: Flask, there: Cast) -> None:
        assert not is_in(with_token(app, value))
        assert with_token(app, value).get("/meld-fra").status == 200

    def test_belongs_to_its_own_municipality(self, app: Flask, there: Cast) -> None:
        kari = Visitor(app)
        log_in(kari)
        assert not is_in(with_token(app, token_of(kari).replace(NEXT_DOOR, "fjordvik")))

    def test_of_flask_says_nothing_about_who_one_is(self, app: Flask, there: Cast) -> None:
        kari = Visitor(app)
        log_in(kari)
        kari.get("/konto")
        cookie = kari.client.get_cookie("stafett-skjema")
        assert cookie is not None
        held = json.loads(base64_decode(cookie.value.lstrip(".").split(".")[0]))
        assert set(held) <= {"csrf_token", "language", "_flashes"}
        assert not is_in_with(app, "stafett-skjema", cookie.value)

    def test_signed_with_our_key_for_flask_login_is_nobody(self, app: Flask, there: Cast) -> None:
        signed = URLSafeTimedSerializer(app.config["SECRET_KEY"], salt="cookie-session").dumps(
            {"_user_id": f"{NEXT_DOOR}:kari", "_fresh": True, "seen_at": 9e9, "began_at": 9e9}
        )
        assert not is_in_with(app, "stafett-skjema", signed)

    def test_to_be_remembered_by_disturbs_nobody(self, app: Flask, there: Cast) -> None:
        kari = Visitor(app)
        log_in(kari)
        kari.client.set_cookie("remember_token", "kari|0000")
        assert is_in(kari)

    def test_over_https_is_bound_to_this_host_and_out_of_reach(
        self, app_behind: Callable[..., Flask], cast: Cast
    ) -> None:
        client = app_behind(https=True).test_client()
        at = {"base_url": "https://stafett.example", "headers": {"Referer": "https://stafett.example/logg-inn"}}
        page = client.get("/logg-inn", **at).get_data(as_text=True)
        csrf = page.partition('name="csrf_token" value="')[2].partition('"')[0]
        answer = client.post("/logg-inn-som", data={"csrf_token": csrf, "person": "fjordvik:kari"}, **at)
        assert answer.status_code == 303
        cookies = {one.partition("=")[0]: one for one in answer.headers.getlist("Set-Cookie")}
        assert "__Host-stafett" in cookies
        for name, cookie in cookies.items():
            parts = {part.strip().partition("=")[0] for part in cookie.split(";")[1:]}
            assert name.startswith("__Host-"), cookie
            assert {"Secure", "HttpOnly", "SameSite", "Path"} <= parts, cookie
            assert "Path=/" in cookie
            assert "Domain" not in parts
        assert "Max-Age" not in cookies["__Host-stafett"]
        assert "Expires" not in cookies["__Host-stafett"]
        assert client.get("/konto", **at).status_code == 200


def is_in_with(app: Flask, name: str, value: str) -> bool:
    visitor = Visitor(app)
    visitor.client.set_cookie(name, value)
    return is_in(visitor)


class TestWhatIsBeingWritten:
    def test_is_kept_when_a_role_comes_in_between(self, client_of: Callable[[str], Visitor], cast: Cast) -> None:
        kari = client_of("kari")
        page = kari.get("/undringer/ny")
        cast.grant("kari", "ppt")
        asked = kari.follow(kari.post("/undringer/ny", {"seen": "Sitter alene"}, page=page))
        assert asked.has("Rollene dine er endret. Logg inn igjen, så gjelder de nye.")
        assert asked.has("Det du skrev, er lagret som kladd.")
        back = kari.send(asked, {"person": f"{cast.municipality_id}:kari"}, action="/logg-inn-som")
        assert kari.follow(back).has("Sitter alene")

    def test_is_kept_after_tidying_too(self, client_of: Callable[[str], Visitor], cast: Cast) -> None:
        from bti.usecases import sessions
        from bti.usecases.system import System

        kari = client_of("kari")
        page = kari.get("/undringer/ny")
        cast.later(minutes=45)
        with cast.writing() as session:
            assert sessions.tidy(session, actor=System(cast.municipality_id), now=cast.now) == (1, 0)
        asked = kari.follow(kari.post("/undringer/ny", {"seen": "Sitter alene"}, page=page))
        assert asked.has("Det du skrev, er lagret som kladd.")

    @pytest.mark.parametrize("how", ["logout", "person", "password"])
    def test_is_nothing_a_thief_can_plant(
        self, how: str, client_of: Callable[[str], Visitor], app: Flask, cast: Cast
    ) -> None:
        kari = client_of("kari")
        page = kari.get("/undringer/ny")
        thief = with_token(app, token_of(kari))
        flask_cookie = kari.client.get_cookie("stafett-skjema")
        assert flask_cookie is not None
        thief.client.set_cookie("stafett-skjema", flask_cookie.value)
        if how == "logout":
            kari.post("/logg-ut", page=page)
        elif how == "person":
            cast.end("kari")
        else:
            cast.act(staff.set_password, by="arne", person_id="kari", password=PASSWORD)
        thief.post("/undringer/ny", {"seen": "plantet"}, page=page)
        with cast.reading() as session:
            assert session.execute(sa.select(drafts)).all() == []


class TestAPageAskedForWithTheTokenBefore:
    """Two tabs, or two clicks: the answer to the slower one must not undo what the faster one did."""

    def test_doesnt_take_the_new_token_away(self, app: Flask, there: Cast) -> None:
        kari = Visitor(app)
        log_in(kari)
        slow = with_token(app, token_of(kari))
        kari.send(kari.get("/konto/bekreft"), {"password": PASSWORD})
        for path in ("/saker", "/meld-fra"):
            cookies = slow.client.get(path).headers.getlist("Set-Cookie")
            assert not [one for one in cookies if one.startswith(f"{TOKEN}=")], path
        led = slow.get("/konto", status=303)
        slow.client.set_cookie(TOKEN, token_of(kari))
        assert slow.follow(led, status=303).goes_to == "/konto"
        assert is_in(slow)


class TestASessionThatRunsOut:
    def test_is_told_once(self, client_of: Callable[[str], Visitor], cast: Cast) -> None:
        kari = client_of("kari")
        cast.later(minutes=31)
        token = token_of(kari)
        for _twice in range(2):
            kari.client.set_cookie(TOKEN, token)
            kari.get("/saker", status=303)
        (told,) = trail(cast, "session.end")
        assert (told.actor_id, json.loads(told.fields)) == ("kari", {"person": "kari", "cause": "idle"})

    def test_lets_somebody_log_in_from_the_page_that_stood_open(
        self, client_of: Callable[[str], Visitor], cast: Cast
    ) -> None:
        kari = client_of("kari")
        page = kari.get("/meld-fra")
        cast.later(minutes=31)
        values = {"csrf_token": page.value("csrf_token"), "person": f"{cast.municipality_id}:kari"}
        assert kari.client.post("/logg-inn-som", data=values).status_code == 303
        assert is_in(kari)

    def test_costs_one_statement_a_page_and_one_more_a_minute(
        self, client_of: Callable[[str], Visitor], cast: Cast, queries: Callable[[], object]
    ) -> None:
        kari = client_of("kari")
        kari.get("/modellen")
        found = []
        for seconds in (0, 30, 31, 0):
            cast.later(seconds=seconds)
            with queries() as said:  # type: ignore[attr-defined]
                kari.get("/tilgjengelighet")
            found.append([one.partition(" ")[0] for one in said])
        assert found == [["SELECT"], ["SELECT"], ["SELECT", "UPDATE"], ["SELECT"]]


@on_both_databases
class TestGuessing:
    def guess(self, visitor: Visitor, name: str = "kari", times: int = 5) -> Page:
        for _guess in range(times):
            page = log_in(visitor, name, WRONG, 403)
        return page

    def test_is_told_to_wait_in_words_and_for_programs(self, stranger: Visitor, there: Cast) -> None:
        self.guess(stranger)
        page = log_in(stranger, "kari", PASSWORD, 429)
        assert page.has("Det er prøvd for mange ganger. Prøv igjen om 2 minutter.")
        assert page.title.startswith("Feil:")
        assert page.response.headers["Retry-After"] == "120"
        assert page.form().fields["brukernavn"] == ["kari"]
        there.later(seconds=90)
        assert log_in(stranger, "kari", PASSWORD, 429).has("Prøv igjen om 1 minutt.")
        there.later(seconds=30)
        log_in(stranger)
        assert is_in(stranger)

    def test_is_told_the_same_whether_or_not_there_is_such_a_person(self, app: Flask, there: Cast) -> None:
        seen = []
        for number, name in enumerate(("kari", "nobody", "per")):
            visitor = Visitor(app, address=f"192.0.2.{number}")
            pages = [self.guess(visitor, name), log_in(visitor, name, WRONG, 429)]
            seen.append([page.text for page in pages])
        assert seen[0] == seen[1] == seen[2]

    def test_isnt_looked_at_while_it_waits(self, stranger: Visitor, there: Cast) -> None:
        self.guess(stranger)
        with patch.object(passwords, "Argon2id", None):
            log_in(stranger, "kari", PASSWORD, 429)

    def test_makes_nobody_else_wait(self, app: Flask, there: Cast) -> None:
        self.guess(Visitor(app, address="192.0.2.1"))
        kari = Visitor(app, address="198.51.100.7")
        log_in(kari)
        assert is_in(kari)

    def test_doesnt_stop_a_device_that_was_here_before(self, app: Flask, there: Cast) -> None:
        kari, attacker = Visitor(app, address="192.0.2.1"), Visitor(app, address="192.0.2.1")
        log_in(kari)
        kari.post("/logg-ut", page=kari.get("/konto"))
        for number in range(30):
            self.guess(attacker, f"name{number}", times=1)
        for name in ("siri", "nobody", "kari"):
            log_in(attacker, name, WRONG, 429)
        log_in(Visitor(app, address="192.0.2.1"), "siri", PASSWORD, 429)
        log_in(kari)
        assert is_in(kari)

    def test_a_device_is_known_only_for_those_who_came_in_by_it(self, app: Flask, there: Cast) -> None:
        siri, attacker = Visitor(app, address="192.0.2.1"), Visitor(app, address="192.0.2.1")
        log_in(siri, "siri")
        siri.post("/logg-ut", page=siri.get("/konto"))
        self.guess(attacker)
        log_in(siri, "kari", PASSWORD, 429)
        cookie = siri.client.get_cookie("stafett-kjent")
        assert cookie is not None
        assert "siri" not in cookie.value
        name, _sign = cookie.value.split(".")
        for forged in (f"{name}.{'0' * 32}", name, "", "x" * 3000, f"{'A' * 22}.{_sign}"):
            siri.client.set_cookie("stafett-kjent", forged)
            log_in(siri, "kari", PASSWORD, 429)

    def test_leaves_no_name_in_the_trail(self, stranger: Visitor, there: Cast) -> None:
        self.guess(stranger, "my-secret-as-user-name")
        log_in(stranger, "my-secret-as-user-name", WRONG, 429)
        log_in(stranger, "my-secret-as-user-name", WRONG, 429)
        told = trail(there, "session.throttle")
        assert [(one.actor_id, one.decision, one.fields) for one in told] == [
            (None, "refused", '{"door":"password"}')
        ] * 2
        with there.reading() as session:
            assert "my-secret" not in repr(session.execute(sa.select(audit_entries)).all())

    def test_in_a_municipality_that_isnt_there_is_wrong_and_no_more(self, stranger: Visitor, there: Cast) -> None:
        page = stranger.get("/logg-inn")
        values = {"kommune": "nowhere", "brukernavn": "kari", "passord": PASSWORD}
        for _guess in range(8):
            assert stranger.post("/logg-inn", values, 403, page=page).has("Brukernavnet eller passordet stemmer ikke.")


class TestGuessingThroughAProxy:
    def guess(self, visitor: Visitor, forwarded: str, status: int) -> None:
        page = visitor.get("/logg-inn")
        values = {"csrf_token": page.value("csrf_token"), "kommune": NEXT_DOOR, "brukernavn": "kari", "passord": WRONG}
        answer = visitor.client.post("/logg-inn", data=values, headers={"X-Forwarded-For": forwarded})
        assert answer.status_code == status

    def test_by_an_address_of_ones_own_making_is_counted_all_the_same(
        self, app_behind: Callable[..., Flask], there: Cast
    ) -> None:
        direct, behind = Visitor(app_behind(), address="192.0.2.1"), Visitor(app_behind(proxies=1), address="10.0.0.1")
        for visitor, first in ((direct, "198.51.100."), (behind, "203.0.113.")):
            tail = "" if visitor is direct else ", 192.0.2.99"
            for number in range(5):
                self.guess(visitor, f"{first}{number}{tail}", 403)
            self.guess(visitor, f"{first}77{tail}", 429)

    def test_is_counted_where_the_proxy_saw_it_come_from(self, app_behind: Callable[..., Flask], there: Cast) -> None:
        behind = Visitor(app_behind(proxies=1), address="10.0.0.1")
        for _guess in range(5):
            self.guess(behind, "192.0.2.1", 403)
        self.guess(behind, "192.0.2.1", 429)
        self.guess(behind, "192.0.2.2", 403)

    def test_from_one_ipv6_network_is_one_source(self, app_behind: Callable[..., Flask], there: Cast) -> None:
        app = app_behind()
        for number in range(5):
            self.guess(Visitor(app, address=f"2001:db8:1:2:{number}::1"), "", 403)
        self.guess(Visitor(app, address="2001:db8:1:2:ffff::9"), "", 429)
        self.guess(Visitor(app, address="2001:db8:1:3::1"), "", 403)


class TestAnUnknownUser:
    @pytest.mark.parametrize("name", ["kari", "nobody", "per", ""], ids=["known", "unknown", "without", "nothing"])
    def test_costs_one_look_at_a_password_as_everybody(self, name: str, stranger: Visitor, there: Cast) -> None:
        spent = []
        real = Argon2id

        class Counting:
            @staticmethod
            def verify_phc_encoded(key: bytes, phc: str) -> None:
                spent.append(phc.split("$")[1:4])
                real.verify_phc_encoded(key, phc)

        with patch.object(passwords, "Argon2id", Counting):
            log_in(stranger, name, WRONG, 403)
        assert spent == [["argon2id", "v=19", "m=32768,t=3,p=1"]]

    def test_is_looked_up_by_as_many_statements(
        self, stranger: Visitor, there: Cast, queries: Callable[[], object]
    ) -> None:
        found = []
        for name in ("kari", "nobody"):
            with queries() as said:  # type: ignore[attr-defined]
                log_in(stranger, name, WRONG, 403)
            found.append([one.split("\n")[0][:40] for one in said])
        assert found[0] == found[1]


class TestTheLock:
    def test_isnt_held_while_a_password_is_looked_at(self, stranger: Visitor, there: Cast) -> None:
        real, seen = passwords.verify_password, []

        def looking(stored: str | None, password: str) -> bool:
            # Another change goes through meanwhile: it would wait for ever on a lock of ours.
            there.act(staff.set_language, by="siri", language="nn")
            with there.reading() as session:
                query = sa.select(people.c.language).where(people.c.municipality_id == NEXT_DOOR, people.c.id == "siri")
                seen.append(session.execute(query).scalar_one())
            return real(stored, password)

        with patch("bti.usecases.logins.verify_password", looking):
            log_in(stranger)
        assert seen == ["nn"]


def test_a_login_in_the_place_of_another_ends_it(client_of: Callable[[str], Visitor], cast: Cast, app: Flask) -> None:
    old = begun(cast, "siri")
    visitor = with_token(app, f"{cast.municipality_id}.{old.token}")
    page = visitor.get("/meld-fra")
    visitor.post("/logg-inn-som", {"person": f"{cast.municipality_id}:kari"}, page=page)
    assert how_ended(cast, old) == "replaced"
    assert visitor.get("/konto").has("Kari Nordmann")
