"""An unshared wonder leaves no mark on anybody else's pages: not in a list, a count or a sentence."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.cast import Cast
from tests.web.visitor import Visitor, on_both_databases

Clients = Callable[[str], Visitor]

PAGES = {
    "arne": (
        "/administrasjon",
        "/administrasjon?vis=avsluttede",
        "/administrasjon/enheter/school",
        "/administrasjon/enheter/school/avslutt",
        "/administrasjon/ansatte",
        "/administrasjon/ansatte/kari",
        "/administrasjon/ansatte/kari/avslutt",
        "/administrasjon/ansatte/kari/roller/avslutt?enhet=school&rolle=employee",
        "/administrasjon/import",
        "/modellen",
    ),
    "bti": ("/modellen", "/modellen/bti/1"),
    "berit": ("/saker", "/henviste", "/drofting", "/modellen"),
    "rune": ("/enheten", "/saker", "/saker?vis=enhet", "/saker?vis=enhet-avsluttet", "/undringer"),
    "per": ("/saker", "/saker?vis=avsluttet", "/undringer", "/drofting"),
}


@on_both_databases
@pytest.mark.parametrize("person", sorted(PAGES))
def test_no_page_changes_by_a_letter(cast: Cast, client_of: Clients, person: str) -> None:
    cast.at_level_1()
    visitor = client_of(person)
    before = {address: visitor.get(address).text for address in PAGES[person]}
    for about in ("mia", "ida", None):
        cast.wonder(about=about)
    for address, text in before.items():
        assert visitor.get(address).text == text, address


def test_an_administrator_is_told_that_they_arent_counted(cast: Cast, client_of: Clients) -> None:
    arne = client_of("arne")
    for address in ("", "/enheter/school", "/ansatte"):
        assert arne.get(f"/administrasjon{address}").has("Undringer som ikke er delt med en leder, er ikke regnet med.")
    cast.wonder()
    page = arne.get("/administrasjon/ansatte/kari/avslutt")
    assert page.has("Stafettpinner som går til midlertidig holder 0")
    assert page.has("De går også til lederen.")
    assert arne.follow(arne.send(page)).has("Avsluttet.")
