"""Logging in and out: as anybody in a demo, by password elsewhere, and never on to somebody else's site."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlalchemy as sa

from bti.models import audit_entries, drafts, municipalities
from bti.usecases import people
from tests.cast import NEXT_DOOR, Cast, settle_neighbour
from tests.web.visitor import Page, Visitor, on_both_databases

PASSWORD = "hest batteri stift"


@pytest.fixture
def neighbour(cast: Cast) -> Cast:
    """The town next door, in the same database: no demo, and Kari has a password there."""
    there = settle_neighbour(cast.database)
    with cast.writing() as session:
        session.execute(sa.update(municipalities).where(municipalities.c.id == NEXT_DOOR).values(is_demo=False))
    there.act(people.set_password, by="arne", person_id="kari", password=PASSWORD)
    return there


def by_password(visitor: Visitor, username: str = "kari", password: str = PASSWORD, status: int = 303) -> Page:
    page = visitor.get("/logg-inn")
    return visitor.send(page, {"kommune": NEXT_DOOR, "brukernavn": username, "passord": password}, status=status)


def told(cast: Cast, event: str) -> list[tuple[str | None, str]]:
    with cast.writing() as session:
        query = sa.select(audit_entries.c.actor_id, audit_entries.c.fields).where(audit_entries.c.event == event)
        return [(row.actor_id, row.fields) for row in session.execute(query)]


class TestComingIn:
    def test_a_stranger_is_asked_who_they_are_and_led_to_what_they_wanted(self, stranger: Visitor, cast: Cast) -> None:
        asked = stranger.get("/saker", status=303)
        assert asked.goes_to == "/logg-inn?neste=/saker"
        page = stranger.follow(asked)
        led = stranger.send(page, {"person": f"{cast.municipality_id}:kari"}, action="/logg-inn-som")
        assert led.goes_to == "/saker"

    @pytest.mark.parametrize(
        ("name", "place"),
        [
            ("kari", "/saker"),
            ("rune", "/enheten"),
            ("berit", "/henviste"),
            ("tove", "/revisjon"),
            ("arne", "/administrasjon"),
            ("bti", "/modellen"),
        ],
    )
    def test_everybody_begins_where_their_work_is(
        self, name: str, place: str, client_of: Callable[[str], Visitor]
    ) -> None:
        assert client_of(name).get("/", status=303).goes_to.startswith(place)

    def test_somebody_who_is_in_isnt_asked_again(self, client_of: Callable[[str], Visitor]) -> None:
        assert client_of("kari").get("/logg-inn", status=303).goes_to == "/"

    def test_the_trail_says_how(self, client_of: Callable[[str], Visitor], cast: Cast) -> None:
        client_of("kari")
        assert told(cast, "session.login") == [("kari", '{"level":"demo","method":"demo"}')]

    @pytest.mark.parametrize(
        "target",
        [
            "https://evil.example/",
            "//evil.example/",
            "/\\evil.example",
            "\\\\evil.example",
            "/\t/evil.example",
            "/\t\\evil.example",
            "\t//evil.example",
            " //evil.example",
            "/\n/evil.example",
            "javascript:alert(1)",
            "evil.example",
            "///evil.example",
            "http:/evil.example",
        ],
    )
    def test_nobody_is_led_away(self, target: str, stranger: Visitor, cast: Cast) -> None:
        page = stranger.get("/logg-inn", query_string={"neste": target})
        values = {"csrf_token": page.value("csrf_token"), "person": f"{cast.municipality_id}:kari", "neste": target}
        answer = stranger.client.post("/logg-inn-som", data=values)
        assert answer.headers["Location"] == "/"
        answer = stranger.client.get("/sprak/nn", query_string={"neste": target})
        assert answer.headers["Location"] == "/"


class TestAsAnybodyInADemo:
    def send(self, stranger: Visitor, person: str, status: int) -> Page:
        page = stranger.get("/logg-inn")
        return stranger.post("/logg-inn-som", {"person": person}, status, page=page)

    def test_not_where_people_are_real(self, stranger: Visitor, neighbour: Cast) -> None:
        page = self.send(stranger, f"{NEXT_DOOR}:kari", 403)
        assert page.has("Du kan bare logge inn som andre i en demo.")
        assert stranger.get("/saker", status=303).goes_to.startswith("/logg-inn")

    @pytest.mark.parametrize("person", ["", "kari", "fjordvik:nobody", "nowhere:kari", ":", "fjordvik:kari:x"])
    def test_not_as_nobody(self, person: str, stranger: Visitor) -> None:
        self.send(stranger, person, 403)

    def test_not_as_somebody_who_has_left(self, stranger: Visitor, cast: Cast) -> None:
        cast.act(people.end_person, by="arne", person_id="per")
        assert not stranger.get("/logg-inn").has("Per Olsen")
        self.send(stranger, "fjordvik:per", 403)

    def test_only_the_demo_is_shown_as_a_list(self, stranger: Visitor, neighbour: Cast) -> None:
        page = stranger.get("/logg-inn")
        assert page.html.count('value="fjordvik:kari"') == 1
        assert f'value="{NEXT_DOOR}:kari"' not in page.html


@on_both_databases
class TestByPassword:
    def test_the_right_one_opens(self, stranger: Visitor, neighbour: Cast) -> None:
        stranger.follow(by_password(stranger), status=303)
        assert stranger.get("/saker").has("Kari Nordmann")
        assert ("kari", '{"level":"password","method":"password"}') in told(neighbour, "session.login")

    def test_however_the_user_name_is_cased(self, stranger: Visitor, neighbour: Cast) -> None:
        by_password(stranger, " KARI ")

    @pytest.mark.parametrize(
        ("username", "password"),
        [
            ("kari", "wrong"),
            ("kari", ""),
            ("nobody", PASSWORD),
            ("", ""),
            ("per", ""),
            ("k" * 5000, "p" * 5000),
            ("'; DROP TABLE people; --", "x"),
        ],
        ids=["wrong", "empty", "unknown", "nothing", "without", "long", "sql"],
    )
    def test_whatever_is_wrong_the_answer_is_the_same(
        self, username: str, password: str, stranger: Visitor, neighbour: Cast
    ) -> None:
        page = by_password(stranger, username, password, 403)
        assert page.title.startswith("Feil:")
        assert page.has("Brukernavnet eller passordet stemmer ikke. Prøv igjen.")
        assert page.has("Har du glemt passordet? Administratoren i kommunen kan gi deg et nytt.")
        assert password not in page.html or len(password) < 2

    def test_what_was_typed_is_kept_but_not_the_password(self, stranger: Visitor, neighbour: Cast) -> None:
        page = by_password(stranger, "kari.n", "nearly right", 403)
        assert page.form().fields["brukernavn"] == ["kari.n"]
        assert page.form().fields["kommune"] == [NEXT_DOOR]
        assert page.form().fields["passord"] == [""]

    def test_the_trail_says_that_somebody_failed_but_not_what_they_typed(
        self, stranger: Visitor, neighbour: Cast
    ) -> None:
        by_password(stranger, "my-secret-as-user-name", "x", 403)
        assert told(neighbour, "session.fail") == [(None, '{"method":"password"}')]


class TestGoingOut:
    def test_it_ends_the_session_and_stands_in_the_trail(self, client_of: Callable[[str], Visitor], cast: Cast) -> None:
        kari = client_of("kari")
        kari.get("/sprak/nn", status=303)
        page = kari.get("/saker")
        out = kari.client.post("/logg-ut", data={"csrf_token": page.value("csrf_token")})
        assert out.status_code == 303
        assert kari.get("/saker", status=303).goes_to.startswith("/logg-inn")
        assert told(cast, "session.logout") == [("kari", "{}")]
        assert '<html lang="nn"' in kari.get("/logg-inn").html

    def test_leaves_nothing_in_the_browser_for_the_next_one(self, client_of: Callable[[str], Visitor]) -> None:
        kari = client_of("kari")
        page = kari.get("/saker")
        assert "Clear-Site-Data" not in kari.client.get("/saker").headers
        out = kari.client.post("/logg-ut", data={"csrf_token": page.value("csrf_token")})
        # OWASP ASVS 5.0, 14.3.1. Cookies are ended one by one: the language is kept.
        assert out.headers["Clear-Site-Data"] == '"cache", "storage"'

    def test_nor_does_a_session_that_ran_out(self, client_of: Callable[[str], Visitor], cast: Cast) -> None:
        kari = client_of("kari")
        cast.later(minutes=31)
        assert kari.client.get("/saker").headers["Clear-Site-Data"] == '"cache", "storage"'

    def test_only_by_the_pages_own_button(self, client_of: Callable[[str], Visitor]) -> None:
        kari = client_of("kari")
        kari.get("/logg-ut", status=405)
        assert kari.client.post("/logg-ut").status_code == 400
        kari.get("/saker")


class TestASessionThatRunsOut:
    def test_after_half_an_hour_away(self, client_of: Callable[[str], Visitor], cast: Cast) -> None:
        kari = client_of("kari")
        cast.later(minutes=29)
        kari.get("/saker")
        cast.later(minutes=29)
        kari.get("/saker")
        cast.later(minutes=31)
        out = kari.get("/saker", status=303)
        assert out.goes_to == "/logg-inn?neste=/saker"
        assert kari.follow(out).has("Du var borte så lenge at du ble logget ut.")

    def test_after_a_working_day_however_busy(self, client_of: Callable[[str], Visitor], cast: Cast) -> None:
        kari = client_of("kari")
        for _quarter in range(32):
            cast.later(minutes=15)
            kari.get("/modellen")
        cast.later(minutes=1)
        kari.get("/modellen", status=303)

    def test_what_was_being_written_is_kept(self, client_of: Callable[[str], Visitor], cast: Cast) -> None:
        kari = client_of("kari")
        page = kari.get("/undringer/ny")
        cast.later(minutes=31)
        out = kari.post("/undringer/ny", {"seen": "Sitter alene 🌧️ i hvert friminutt"}, page=page)
        asked = kari.follow(out)
        assert asked.has("Det du skrev, er lagret som kladd.")
        back = kari.send(asked, {"person": f"{cast.municipality_id}:kari"}, action="/logg-inn-som")
        assert kari.follow(back).has("Sitter alene 🌧️ i hvert friminutt")

    def test_something_longer_than_a_draft_still_leads_to_the_log_in(
        self, client_of: Callable[[str], Visitor], cast: Cast
    ) -> None:
        kari = client_of("kari")
        page = kari.get("/undringer/ny")
        cast.later(minutes=31)
        out = kari.post("/undringer/ny", {"seen": "æ" * 100_000}, page=page)
        assert kari.follow(out).has("Logg inn igjen")

    def test_nobody_else_can_plant_a_draft(self, client_of: Callable[[str], Visitor], cast: Cast) -> None:
        kari = client_of("kari")
        cast.later(minutes=31)
        kari.client.post("/undringer/ny", data={"seen": "plantet"})
        with cast.writing() as session:
            assert session.execute(sa.select(drafts)).all() == []

    @pytest.mark.parametrize("path", ["/meld-fra", "/personvern", "/tilgjengelighet", "/logg-inn"])
    def test_pages_for_everybody_stay_open(self, path: str, client_of: Callable[[str], Visitor], cast: Cast) -> None:
        kari = client_of("kari")
        cast.later(minutes=31)
        kari.get(path)
        assert kari.get("/saker", status=303).goes_to.startswith("/logg-inn")

    def test_somebody_who_is_ended_is_out_at_once(self, client_of: Callable[[str], Visitor], cast: Cast) -> None:
        per = client_of("per")
        per.get("/saker")
        cast.act(people.end_person, by="arne", person_id="per")
        assert per.get("/saker", status=303).goes_to.startswith("/logg-inn")
        assert not per.get("/logg-inn").has("Logg ut")

    def test_a_cookie_of_our_own_making_is_nobody(self, stranger: Visitor) -> None:
        stranger.client.set_cookie("stafett", "eyJfdXNlcl9pZCI6ImZqb3JkdmlrOmthcmkifQ.made.up")
        stranger.get("/saker", status=303)
