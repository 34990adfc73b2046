"""What follows the log to a new service, and what stays where it was written."""

from __future__ import annotations

from collections.abc import Callable

from tests.cast import Cast
from tests.web.visitor import Visitor


class TestWhoeverTakesOverTheLog:
    def test_does_not_read_the_wonder_of_the_old_service(self, cast: Cast, client_of: Callable[[str], Visitor]) -> None:
        case_id = cast.at_level_1()
        cast.consented(case_id, "ppt", purpose="takeover")
        cast.accept(case_id, cast.offer(case_id, "siri", takes_over_log=True), by="siri")
        page = client_of("siri").get(f"/saker/{cast.facts(case_id).reference}")
        assert page.has("Ola Nordli")
        assert not page.has("Kommer for sent")


class TestTheQuestionAboutTheBaton:
    def test_is_taken_back_from_the_case_page(self, cast: Cast, client_of: Callable[[str], Visitor]) -> None:
        case_id = cast.at_level_1()
        cast.offer(case_id, "per")
        kari = client_of("kari")
        page = kari.get(f"/saker/{cast.facts(case_id).reference}")
        kari.send(page, action="/stafettpinne/trekk")
        assert cast.facts(case_id).offer is None
