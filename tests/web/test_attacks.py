"""What people try who shouldn't: ways round consent, round the author's own desk, and to more power than was given."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from bti.errors import Invalid
from bti.usecases import consent, referrals
from tests.auditor import consent_of, open_by_law
from tests.cast import Cast
from tests.web.records import act, reference
from tests.web.visitor import Visitor

Logged = Callable[[str], Visitor]


@pytest.mark.parametrize("unit", ["school", "coordination", "town_hall"])
def test_no_leader_opens_the_own_door_by_law(cast: Cast, unit: str) -> None:
    case_id = cast.at_level_2()
    cast.withdraw(case_id, consent_of(cast, case_id, "log"))
    with pytest.raises(Invalid) as refused:
        open_by_law(cast, case_id, unit)
    assert refused.value.fields == {"unit": "unknown"}


def test_a_consent_that_ran_out_takes_the_invitation_off_the_list(cast: Cast, client_of: Logged) -> None:
    case_id = cast.at_level_1()
    cast.consented(case_id, "ppt", purpose="share", valid_to=cast.today + timedelta(days=3))
    cast.invite(case_id, "siri")
    siri = client_of("siri")
    assert siri.get("/saker").has(reference(cast, case_id))
    cast.later(days=4)
    again = Visitor(siri.client.application).log_in(cast.municipality_id, cast.id("siri"))
    again.get(f"/saker/{reference(cast, case_id)}", 404)
    assert not again.get("/saker").has(reference(cast, case_id))


def test_what_the_coordinating_unit_was_asked_is_not_for_every_service(cast: Cast, client_of: Logged) -> None:
    case_id = cast.at_level_2()
    act(
        cast, referrals.refer, by="kari", case_id=case_id, cause="stuck", question="PPT svarer ikke mor.",
        seen_version=cast.version(case_id),
    )  # fmt: skip
    act(cast, referrals.decide, by="berit", case_id=case_id, outcome="go_on", reason="Mor er lovet svar i uke 48.")
    ours, theirs = (client_of(name).get(f"/saker/{reference(cast, case_id)}") for name in ("rune", "siri"))
    for text in ("PPT svarer ikke mor.", "Mor er lovet svar i uke 48."):
        assert ours.has(text)
        assert not theirs.has(text)


def test_a_consent_about_another_service_is_no_reading_for_a_participant(cast: Cast, client_of: Logged) -> None:
    case_id = cast.at_level_2()
    about_health = act(
        cast, consent.ask, by="kari", case_id=case_id, purpose="share", unit_ids=["health"], kinds=["everyday"],
        about="Søvn og medisiner", reservations="Ikke om far", valid_to=None, seen_version=cast.version(case_id),
    )  # fmt: skip
    here = f"/saker/{reference(cast, case_id)}/samtykke"
    for path in (here, f"{here}/{about_health}"):
        assert client_of("kari").get(path).has("Søvn og medisiner")
        theirs = client_of("siri").get(path)
        assert not theirs.has("Søvn og medisiner")
        assert not theirs.has("Ikke om far")
    mine = client_of("siri").get(f"{here}/{consent_of_ppt(cast, case_id)}")
    assert mine.has("Fravær og tiltak på skolen")


def consent_of_ppt(cast: Cast, case_id: str) -> str:
    return next(str(c.consent_id) for c in cast.facts(case_id).covers if c.unit_id == "ppt")
