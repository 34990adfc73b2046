"""One's own account: a second factor on the way in, one's sessions, the password, showing again who one is."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from bti.crypto.totp import STEP_SECONDS
from bti.models import municipalities, second_factors, sessions
from bti.usecases import people
from tests.cast import NEXT_DOOR, Cast, settle_neighbour
from tests.doors import PASSWORD, code_now, trail, with_factor
from tests.web.visitor import Page, Visitor, on_both_databases


@pytest.fixture
def there(cast: Cast, app: Flask) -> Cast:
    """The town next door, in the same database: no demo, and three people have passwords there. The pages' clock is
    this town's."""
    there = settle_neighbour(cast.database)
    app.extensions["bti_clock"] = lambda: there.now
    for name in ("kari", "arne", "tove"):
        there.act(people.set_password, by="arne", person_id=name, password=PASSWORD)
    with cast.writing() as session:
        session.execute(sa.update(municipalities).where(municipalities.c.id == NEXT_DOOR).values(is_demo=False))
    return there


def log_in(visitor: Visitor, name: str, password: str = PASSWORD, status: int = 303) -> Page:
    page = visitor.get("/logg-inn")
    values = {"kommune": NEXT_DOOR, "brukernavn": name, "passord": password}
    return visitor.send(page, values, status=status)


def secret_on(page: Page) -> str:
    shown = re.search(r'<code class="strong">([A-Z2-7 ]+)</code>', page.html)
    assert shown, "the page shows no secret"
    return shown[1].replace(" ", "")


def enrol(visitor: Visitor, there: Cast, page: Page) -> tuple[str, list[str]]:
    """Send the right code from a page that begins a second factor; return the secret and the recovery codes."""
    secret = secret_on(page)
    done = visitor.send(page, {"code": code_now(there, secret)}, status=200)
    codes = re.findall(r"<li><code>([a-z0-9-]{19})</code></li>", done.html)
    assert len(codes) == 10
    assert done.has("De vises bare nå.")
    return secret, codes


def is_in(visitor: Visitor) -> bool:
    return visitor.client.get("/konto").status_code == 200


def count(cast: Cast, table: sa.Table, *conditions: Any) -> int:
    with cast.reading() as session:
        return int(session.execute(sa.select(sa.func.count()).select_from(table).where(*conditions)).scalar_one())


@on_both_databases
class TestAnAdministratorOutsideADemo:
    def test_begins_a_second_factor_before_anything_opens(self, stranger: Visitor, there: Cast) -> None:
        led = log_in(stranger, "arne")
        assert led.goes_to == "/konto/totrinn"
        for path in ("/administrasjon", "/konto", "/saker", "/modellen", "/logg-inn/kode", "/konto/passord"):
            assert stranger.get(path, status=303).goes_to.startswith("/konto/totrinn"), path
        page = stranger.get("/konto/totrinn")
        assert not page.has("Arne Dal")
        assert 'src="data:image/svg+xml' in page.html
        assert f"otpauth://totp/Stafett%20Nabovik%20kommune:arne?secret={secret_on(page)}" in html.unescape(page.html)
        wrong = stranger.send(page, {"code": "000000"}, status=422)
        assert wrong.title.startswith("Feil:")
        assert secret_on(wrong) == secret_on(page)
        assert trail(there, "session.login") == []
        enrol(stranger, there, wrong)
        assert stranger.get("/administrasjon").has("Arne Dal")
        assert json.loads(trail(there, "session.login")[0].fields) == {"level": "password+totp", "method": "totp"}

    def test_comes_in_by_password_and_code(self, stranger: Visitor, there: Cast) -> None:
        secret, _codes = with_factor(there, "arne")
        led = log_in(stranger, "arne")
        assert led.goes_to == "/logg-inn/kode"
        assert stranger.get("/administrasjon", status=303).goes_to.startswith("/logg-inn/kode")
        page = stranger.follow(led)
        again = stranger.send(page, {"code": "123456"}, status=403)
        assert again.has("Koden stemmer ikke, eller den er brukt før.")
        stranger.send(again, {"code": code_now(there, secret)})
        assert stranger.get("/administrasjon").has("Arne Dal")
        (failed,) = trail(there, "session.fail")
        assert (failed.actor_id, json.loads(failed.fields)) == ("arne", {"method": "code"})

    def test_comes_back_to_where_they_wanted(self, stranger: Visitor, there: Cast) -> None:
        secret, _codes = with_factor(there, "arne")
        page = stranger.follow(stranger.get("/administrasjon/ansatte", status=303))
        led = stranger.send(page, {"kommune": NEXT_DOOR, "brukernavn": "arne", "passord": PASSWORD})
        done = stranger.send(stranger.follow(led), {"code": code_now(there, secret)})
        assert done.goes_to == "/administrasjon/ansatte"

    def test_comes_in_with_a_recovery_code_once(self, app: Flask, there: Cast) -> None:
        _secret, codes = with_factor(there, "arne")
        first, second = Visitor(app), Visitor(app)
        first.send(first.follow(log_in(first, "arne")), {"code": codes[0]})
        assert is_in(first)
        second.send(second.follow(log_in(second, "arne")), {"code": codes[0]}, status=403)
        assert not is_in(second)
        assert json.loads(trail(there, "session.login")[0].fields)["method"] == "recovery"
        assert first.get("/konto").has("9 gjenopprettingskoder er igjen.")

    def test_sends_no_code_twice(self, app: Flask, there: Cast) -> None:
        secret, _codes = with_factor(there, "arne")
        code, first, second = code_now(there, secret), Visitor(app), Visitor(app)
        first.send(first.follow(log_in(first, "arne")), {"code": code})
        second.send(second.follow(log_in(second, "arne")), {"code": code}, status=403)
        assert (is_in(first), is_in(second)) == (True, False)

    def test_guesses_five_codes_and_then_waits(self, stranger: Visitor, there: Cast) -> None:
        secret, _codes = with_factor(there, "arne")
        page = stranger.follow(log_in(stranger, "arne"))
        for _guess in range(5):
            page = stranger.send(page, {"code": "000000"}, status=403)
        page = stranger.send(page, {"code": code_now(there, secret)}, status=429)
        assert page.has("Det er prøvd for mange ganger. Prøv igjen om 2 minutter.")
        assert page.response.headers["Retry-After"] == "120"
        (told,) = trail(there, "session.throttle")
        assert (told.actor_id, json.loads(told.fields)) == ("arne", {"door": "code"})
        there.later(seconds=120)
        stranger.send(page, {"code": code_now(there, secret)})
        assert is_in(stranger)

    def test_has_ten_minutes_for_it(self, stranger: Visitor, there: Cast) -> None:
        secret, _codes = with_factor(there, "arne")
        page = stranger.follow(log_in(stranger, "arne"))
        there.later(minutes=10, seconds=1)
        late = stranger.send(page, {"code": code_now(there, secret)})
        assert late.goes_to.startswith("/logg-inn")
        assert not is_in(stranger)

    def test_may_give_up_halfway(self, stranger: Visitor, there: Cast) -> None:
        log_in(stranger, "arne")
        page = stranger.get("/konto/totrinn")
        stranger.client.post("/logg-ut", data={"csrf_token": page.value("csrf_token")})
        assert stranger.get("/konto/totrinn", status=303).goes_to.startswith("/logg-inn?")
        assert count(there, sessions, sessions.c.ended_at.is_(None)) == 0

    def test_cant_turn_it_off(self, stranger: Visitor, there: Cast) -> None:
        secret, _codes = with_factor(there, "arne")
        stranger.send(stranger.follow(log_in(stranger, "arne")), {"code": code_now(there, secret)})
        page = stranger.get("/konto/totrinn/av")
        assert stranger.send(page, status=403).has("Rollen din krever totrinnsbekreftelse.")
        assert not stranger.get("/konto").has("Slå av")

    def test_sent_from_another_sessions_page_begins_nothing(self, app: Flask, there: Cast) -> None:
        first, second = Visitor(app), Visitor(app)
        log_in(first, "arne")
        log_in(second, "tove")
        page = first.get("/konto/totrinn")
        sent = {"secret": page.value("secret"), "code": code_now(there, secret_on(page))}
        assert second.post("/konto/totrinn", sent, 422).has("Siden var for gammel.")
        for forged in ("", "JBSWY3DPEHPK3PXP", page.value("secret")[:-2] + "xx"):
            second.post("/konto/totrinn", {"secret": forged, "code": "000000"}, 422)
        assert count(there, second_factors) == 0


class TestInADemo:
    def test_nobody_is_asked_for_a_code(self, client_of: Callable[[str], Visitor]) -> None:
        arne = client_of("arne")
        assert arne.get("/administrasjon").has("Arne Dal")
        assert arne.get("/konto").has("Dette er en demo: du kan prøve hvordan det er")

    def test_anybody_may_try_it_and_turn_it_off(self, client_of: Callable[[str], Visitor], cast: Cast) -> None:
        arne = client_of("arne")
        enrol(arne, cast, arne.get("/konto/totrinn"))
        page = arne.get("/konto")
        assert page.has("Slått på 16.11.2026. 10 gjenopprettingskoder er igjen.")
        done = arne.send(arne.get("/konto/totrinn/av"))
        assert arne.follow(done).has("Totrinnsbekreftelse er slått av.")
        assert (
            Visitor(arne.client.application).log_in(cast.municipality_id, "arne").get("/administrasjon").status == 200
        )

    def test_showing_again_who_one_is_takes_a_click(self, client_of: Callable[[str], Visitor], cast: Cast) -> None:
        arne = client_of("arne")
        cast.later(minutes=11)
        asked = arne.get("/administrasjon/ansatte/per/avslutt", status=303)
        assert asked.goes_to == "/konto/bekreft?neste=/administrasjon/ansatte/per/avslutt"
        page = arne.follow(asked)
        assert page.has("Dette er en demo, så du trenger ikke passord eller kode.")
        back = arne.send(page)
        assert back.goes_to == "/administrasjon/ansatte/per/avslutt"
        arne.send(arne.follow(back))
        assert json.loads(trail(cast, "session.step_up")[0].fields)["method"] == "demo"


@on_both_databases
class TestShowingAgainWhoOneIs:
    def test_by_password_where_there_is_no_second_factor(self, stranger: Visitor, there: Cast) -> None:
        log_in(stranger, "kari")
        there.later(minutes=11)
        page = stranger.follow(stranger.get("/konto/totrinn", status=303))
        assert stranger.send(page, {"password": "noe galt her"}, status=403).has("Passordet stemmer ikke.")
        old = stranger.client.get_cookie("stafett")
        back = stranger.send(page, {"password": PASSWORD})
        assert back.goes_to == "/konto/totrinn"
        new = stranger.client.get_cookie("stafett")
        assert old is not None
        assert new is not None
        assert old.value != new.value
        stranger.follow(back)
        stranger.client.set_cookie("stafett", old.value)
        assert not is_in(stranger)

    def test_by_code_where_there_is_one(self, stranger: Visitor, there: Cast) -> None:
        secret, _codes = with_factor(there, "arne")
        stranger.send(stranger.follow(log_in(stranger, "arne")), {"code": code_now(there, secret)})
        there.later(minutes=11)
        page = stranger.follow(stranger.get("/administrasjon/ansatte/per/avslutt", status=303))
        page = stranger.send(page, {"code": "000000"}, status=403)
        assert stranger.send(page, {"code": ""}, status=422).has("Skriv koden")
        stranger.follow(stranger.send(page, {"code": code_now(there, secret)}))

    def test_is_asked_of_an_auditor_who_takes_a_copy(self, stranger: Visitor, there: Cast) -> None:
        secret, _codes = with_factor(there, "tove")
        stranger.send(stranger.follow(log_in(stranger, "tove")), {"code": code_now(there, secret)})
        assert stranger.client.get("/revisjon/logg.csv").mimetype == "text/csv"
        there.later(minutes=11)
        for path in ("/revisjon/logg.csv", "/revisjon/samtykker.csv", "/revisjon/sporsmal/overstyringer.csv"):
            asked = stranger.client.get(path)
            assert (asked.status_code, asked.headers["Location"][:15]) == (303, "/konto/bekreft?"), path
        page = stranger.follow(stranger.get("/revisjon/logg.csv?hendelse=logins", status=303))
        back = stranger.send(page, {"code": code_now(there, secret)})
        assert back.goes_to == "/revisjon/logg?hendelse=logins"
        assert stranger.follow(back).has("Takk. Nå kan du fortsette.")
        assert stranger.client.get("/revisjon/logg.csv").mimetype == "text/csv"

    def test_makes_the_day_no_longer(self, stranger: Visitor, there: Cast) -> None:
        log_in(stranger, "kari")
        for _quarter in range(31):
            there.later(minutes=15)
            stranger.get("/konto")
        stranger.send(stranger.get("/konto/bekreft"), {"password": PASSWORD})
        there.later(minutes=16)
        assert not is_in(stranger)

    def test_is_slowed_down_as_well(self, stranger: Visitor, there: Cast) -> None:
        log_in(stranger, "kari")
        page = stranger.get("/konto/bekreft")
        for _guess in range(5):
            page = stranger.send(page, {"password": "et galt passord"}, status=403)
        assert stranger.send(page, {"password": PASSWORD}, status=429).has("Prøv igjen om 2 minutter.")
        assert [one.actor_id for one in trail(there, "session.throttle")] == ["kari"]

    @pytest.mark.parametrize("target", ["//evil.example", "https://evil.example", "/\\evil.example", "evil"])
    def test_leads_nobody_away(self, target: str, stranger: Visitor, there: Cast) -> None:
        log_in(stranger, "kari")
        page = stranger.get("/konto/bekreft")
        sent = {"password": PASSWORD, "neste": target}
        assert stranger.post("/konto/bekreft", sent, page=page).goes_to == "/konto"


class TestMyAccount:
    def test_lists_where_one_is_logged_in(self, app: Flask, there: Cast) -> None:
        here, other = Visitor(app), Visitor(app)
        log_in(other, "kari")
        there.later(minutes=20)
        log_in(here, "kari")
        page = here.get("/konto")
        assert page.has("Logget inn 16.11.2026 kl. 10.00")
        assert page.has("Logget inn 16.11.2026 kl. 10.20 Her")
        assert page.has("med passord · sist brukt 16.11.2026 kl. 10.00")
        there.later(minutes=11)
        assert not here.get("/konto").has("kl. 10.00")

    def test_ends_one_of_them(self, app: Flask, there: Cast) -> None:
        here, other = Visitor(app), Visitor(app)
        log_in(other, "kari")
        log_in(here, "kari")
        page = here.get("/konto")
        with there.reading() as session:
            ids = session.execute(sa.select(sessions.c.id).order_by(sessions.c.began_at)).scalars().all()
        mine = [one for one in ids if f"/konto/innlogginger/{one}/avslutt" in page.html]
        assert sorted(mine) == sorted(ids)
        for one in mine:
            here.post(f"/konto/innlogginger/{one}/avslutt", page=page)
            if not is_in(other):
                break
        assert not is_in(other)

    def test_ends_nobody_elses(self, app: Flask, there: Cast) -> None:
        kari, arne = Visitor(app), Visitor(app)
        log_in(kari, "kari")
        with there.reading() as session:
            theirs = session.execute(sa.select(sessions.c.id)).scalar_one()
        secret, _codes = with_factor(there, "arne")
        arne.send(arne.follow(log_in(arne, "arne")), {"code": code_now(there, secret)})
        page = arne.get("/konto")
        arne.post(f"/konto/innlogginger/{theirs}/avslutt", status=404, page=page)
        assert is_in(kari)

    def test_ends_all_of_them(self, app: Flask, there: Cast) -> None:
        visitors = [Visitor(app) for _ in range(3)]
        for one in visitors:
            log_in(one, "kari")
        out = visitors[0].send(visitors[0].get("/konto"), action="/logg-ut-overalt")
        assert visitors[0].follow(out).has("Du er logget ut overalt.")
        assert [is_in(one) for one in visitors] == [False] * 3
        assert {json.loads(one.fields)["cause"] for one in trail(there, "session.end")} == {"owner"}

    def test_changes_the_password_and_ends_the_others(self, app: Flask, there: Cast) -> None:
        here, other = Visitor(app), Visitor(app)
        log_in(here, "kari")
        log_in(other, "kari")
        new = "et nytt langt passord"
        page = here.get("/konto/passord")
        wrong = {"old": "noe galt", "password": new, "again": new}
        assert here.send(page, wrong, status=403).has("Passordet stemmer ikke.")
        unlike = {"old": PASSWORD, "password": new, "again": new + "x"}
        assert here.send(page, unlike, status=422).has("De to passordene er ikke like.")
        short = {"old": PASSWORD, "password": "kort", "again": "kort"}
        assert here.send(page, short, status=422).has("Passordet må ha minst 12 tegn")
        before = here.client.get_cookie("stafett")
        here.send(page, {"old": PASSWORD, "password": new, "again": new})
        assert (is_in(here), is_in(other)) == (True, False)
        assert before is not None
        assert here.client.get_cookie("stafett").value != before.value  # type: ignore[union-attr]
        log_in(Visitor(app), "kari", PASSWORD, 403)
        log_in(Visitor(app), "kari", new)

    def test_replaces_the_app_and_ends_the_others(self, app: Flask, there: Cast) -> None:
        secret, _codes = with_factor(there, "arne")
        here, other = Visitor(app), Visitor(app)
        here.send(here.follow(log_in(here, "arne")), {"code": code_now(there, secret)})
        there.later(seconds=STEP_SECONDS)
        other.send(other.follow(log_in(other, "arne")), {"code": code_now(there, secret)})
        enrol(here, there, here.get("/konto/totrinn"))
        assert (is_in(here), is_in(other)) == (True, False)
        assert count(there, second_factors, second_factors.c.ended_at.is_(None)) == 1
