"""An address that is filled in is the one that Flask would build."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask, url_for

LINKS: list[tuple[str, dict[str, Any]]] = [
    ("cases.case", {"reference": "2026-K7Q4M"}),
    ("cases.case", {"reference": "2026-AAAAA"}),
    ("cases.case", {"reference": "../saker?x=1&y"}),
    ("cases.case", {"reference": "æøå 1/2"}),
    ("log.entry", {"reference": "2026-K7Q4M", "slag": "child_voice"}),
    ("log.entry", {"slag": "meeting", "reference": "2026-K7Q4M"}),
    ("log.entry", {"reference": "2026-K7Q4M", "slag": "a b&c=d{0}"}),
    ("log.entry", {"reference": "2026-K7Q4M", "slag": None}),
    ("account.choose_language", {"code": "nn", "neste": "/saker/2026-K7Q4M/samtykker"}),
    ("account.choose_language", {"code": "nn", "neste": "/saker?q=å"}),
    ("cases.case", {"reference": "saker/avsluttet"}),
    ("log.evaluate", {"reference": "2026-K7Q4M", "measure_id": "abc123"}),
    ("cases.worklist", {}),
    ("cases.worklist", {"_anchor": "neste"}),
    ("cases.worklist", {"_external": True}),
    ("imports.upload", {"kind": "children"}),
    ("static", {"filename": "app.css"}),
    ("static", {"filename": "vendor/stafett-theme/stafett.css"}),
]


class TestAnAddress:
    @pytest.mark.parametrize(("endpoint", "values"), LINKS)
    def test_is_the_one_that_flask_builds(self, application: Flask, endpoint: str, values: dict[str, Any]) -> None:
        with application.test_request_context():
            expected = Flask.url_for(application, endpoint, **values)
            assert [url_for(endpoint, **values) for _again in range(3)] == [expected] * 3

    def test_knows_the_folder_that_a_proxy_puts_it_in(self, application: Flask) -> None:
        with application.test_request_context():
            assert url_for("cases.case", reference="2026-K7Q4M") == "/saker/2026-K7Q4M"
        with application.test_request_context(base_url="http://localhost/stafett"):
            assert url_for("cases.case", reference="2026-K7Q4M") == "/stafett/saker/2026-K7Q4M"
            assert url_for("static", filename="app.css") == "/stafett/static/app.css"
