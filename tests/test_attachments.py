"""Files in a case: known by their content, sealed, shown as the door shows that kind of information."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import pytest
import sqlalchemy as sa

from bti.db import reading
from bti.errors import Forbidden, Invalid, NotFound, NotPossible
from bti.models import attachments as rows
from bti.models import audit_entries
from bti.usecases import attachments, rotation
from bti.usecases.attachments import LARGEST
from bti.usecases.filetypes import TYPES, file_name, type_of
from tests.cast import HERE, MONDAY, Cast, settle
from tests.files import BAD, GOOD, PDF, TEXT
from tests.keys import sealed_findings


@pytest.fixture
def cast(database: sa.Engine) -> Cast:
    return settle(database)


def add(
    cast: Cast, case_id: str, *, by: str = "kari", kind: str = "everyday", name: str = "a.pdf", file: bytes = PDF
) -> str:
    return str(cast.act(attachments.add, by=by, case_id=case_id, information_kind=kind, name=name, content=file))


def names(cast: Cast, case_id: str, by: str) -> list[str]:
    _head, files = cast.act(attachments.of_case, by=by, case_id=case_id)
    return [one.name for one in files]


def get(cast: Cast, case_id: str, attachment_id: str, by: str) -> attachments.File:
    found: attachments.File = cast.act(attachments.download, by=by, case_id=case_id, attachment_id=attachment_id)
    return found


def told(cast: Cast, event: str) -> list[tuple[str | None, dict[str, object]]]:
    with reading(cast.database) as session:
        e = audit_entries.c
        found = session.execute(sa.select(e.actor_id, e.fields).where(e.event == event).order_by(e.id))
        fields = [(row.actor_id, json.loads(row.fields)) for row in found]
    return [(actor, {k: v for k, v in one.items() if k != "commitment"}) for actor, one in fields]


class TestWhatAFileIs:
    @pytest.mark.parametrize("type_", GOOD)
    def test_is_told_by_its_content(self, type_: str) -> None:
        assert type_of(GOOD[type_]) == type_
        assert set(GOOD) == set(TYPES)

    @pytest.mark.parametrize("what", BAD)
    def test_that_is_none_of_six_is_refused(self, what: str) -> None:
        content, code = BAD[what]
        with pytest.raises(Invalid) as refused:
            type_of(content)
        assert refused.value.fields == {"attachment": code}

    @pytest.mark.parametrize(
        ("name", "type_", "kept"),
        [
            ("Notat.pdf", "pdf", "Notat.pdf"),
            ("bilde.JPEG", "jpeg", "bilde.JPEG"),
            ("faktura.pdf.exe", "pdf", "faktura.pdf.exe.pdf"),
            ("C:\\Temp\\side.html", "text", "side.html.txt"),
            ("../../etc/passwd", "text", "passwd.txt"),
            ("", "png", "fil.png"),
        ],
    )
    def test_is_in_its_name_whatever_it_was_called(self, name: str, type_: str, kept: str) -> None:
        assert file_name(name, type_) == kept

    @pytest.mark.parametrize("type_", ["odt", "docx"])
    def test_that_is_broken_anywhere_is_told_or_refused(self, type_: str) -> None:
        whole = GOOD[type_]
        for place in range(4, len(whole)):
            for sign in (0x00, 0x01, 0x80, 0xFF):
                broken = whole[:place] + bytes([sign]) + whole[place + 1 :]
                with suppress(Invalid):
                    assert type_of(broken) == type_


class TestAddingAFile:
    def test_keeps_it_as_it_was_sent(self, cast: Cast) -> None:
        case_id = cast.at_level_1()
        for type_, content in GOOD.items():
            found = get(cast, case_id, add(cast, case_id, name=f"Ola {type_}", file=content), "kari")
            assert (found.content, found.media_type) == (content, TYPES[type_][0])
        assert told(cast, "attachment.add")[0] == (
            "kari", {"information_kind": "everyday", "type": "pdf", "size": len(PDF)},
        )  # fmt: skip
        assert [fields["type"] for _actor, fields in told(cast, "attachment.read")] == list(GOOD)

    def test_is_for_whoever_leads_the_case(self, cast: Cast) -> None:
        case_id = cast.at_level_2()
        add(cast, case_id, by="rune")
        with pytest.raises(Forbidden):
            add(cast, case_id, by="siri")
        with pytest.raises(NotFound):
            add(cast, case_id, by="nils")

    def test_needs_a_log_and_an_open_case(self, cast: Cast) -> None:
        with pytest.raises(NotPossible) as refused:
            add(cast, cast.wonder())
        assert refused.value.code == "no_log_yet"

    def test_names_everything_that_is_wrong(self, cast: Cast) -> None:
        with pytest.raises(Invalid) as refused:
            add(cast, cast.at_level_1(), kind="", file=b"MZ\x00")
        assert refused.value.fields == {"information_kind": "missing", "attachment": "unknown_type"}

    def test_takes_five_megabytes_and_no_more(self, cast: Cast) -> None:
        case_id = cast.at_level_1()
        whole = b"a" * LARGEST
        assert get(cast, case_id, add(cast, case_id, file=whole), "kari").content == whole
        with pytest.raises(Invalid) as refused:
            add(cast, case_id, file=whole + b"a")
        assert refused.value.fields == {"attachment": "too_large"}

    def test_ends_when_there_are_very_many(self, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(attachments, "MOST_IN_A_CASE", 2)
        case_id = cast.at_level_1()
        add(cast, case_id)
        add(cast, case_id)
        with pytest.raises(NotPossible) as refused:
            add(cast, case_id)
        assert refused.value.code == "too_many_files"


class TestWhoSeesAFile:
    def test_is_decided_by_the_kind_of_information(self, cast: Cast) -> None:
        case_id = cast.at_level_2()
        open_to_all = add(cast, case_id, kind="everyday", name="hverdag.pdf")
        health = add(cast, case_id, kind="health", name="helse.pdf")
        assert set(names(cast, case_id, "kari")) == {"hverdag.pdf", "helse.pdf"}
        # The family has said yes to everyday matters and measures; health isn't among them.
        assert names(cast, case_id, "siri") == ["hverdag.pdf"]
        assert get(cast, case_id, open_to_all, "siri").content == PDF
        with pytest.raises(NotFound):
            get(cast, case_id, health, "siri")

    def test_ends_with_the_consent(self, cast: Cast) -> None:
        case_id = cast.at_level_2()
        file = add(cast, case_id)
        cast.withdraw(case_id, cast.yes_to(case_id, "ppt"))
        for work in (lambda: names(cast, case_id, "siri"), lambda: get(cast, case_id, file, "siri")):
            with pytest.raises(NotFound):
                work()

    @pytest.mark.parametrize("name", ["nils", "tove", "arne", "bti", "per"])
    def test_is_nobody_without_ground(self, name: str, cast: Cast) -> None:
        case_id = cast.at_level_1()
        file = add(cast, case_id)
        for work in (lambda: names(cast, case_id, name), lambda: get(cast, case_id, file, name)):
            with pytest.raises(NotFound):
                work()

    def test_is_not_asked_through_another_case(self, cast: Cast) -> None:
        here, there = cast.at_level_1(), cast.at_level_1(about="mia")
        file = add(cast, here)
        with pytest.raises(NotFound):
            get(cast, there, file, "kari")


class TestAFileInTheDatabase:
    def test_is_sealed_found_whole_and_rotated(self, cast: Cast, tmp_path: Path) -> None:
        case_id = cast.at_level_1()
        file = add(cast, case_id, name="Rapport om Ola.txt", file=TEXT)
        with cast.database.connect() as connection:
            stored = connection.exec_driver_sql("SELECT name, content FROM attachments").one()
        assert all(cell.startswith("s1.1.") for cell in stored)
        rotation.rotate(cast.database, clock=lambda: MONDAY)
        assert get(cast, case_id, file, "kari").content == TEXT
        with reading(cast.database) as session:
            found = [one for one in sealed_findings(session) if one.table == rows.name and one.municipality_id == HERE]
        assert found == []
