"""What an entry is, and that reading many fast finds exactly what reading each the long way finds."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bti.verifier.entries import LONGEST_ENTRY, NOTHING_BEFORE, Link, NotCanonical, decode, encode, link_of
from bti.verifier.forms import FIRST_LESSON, Reader, pieces

AT = "2026-11-25T12:00:00.000000Z"
PLAIN: dict[str, Any] = {"at": AT, "event": "case.read", "fields": {"shown": 3, "view": "full"}}
LINKED = PLAIN | {"case": "k7q4m", "case_seq": 2, "case_prev": "ab" * 32}


def spelt(entry: dict[str, Any], **how: Any) -> bytes:
    said: dict[str, Any] = {"sort_keys": True, "separators": (",", ":"), "ensure_ascii": False} | how
    return json.dumps(entry, **said).encode()


class TestAnEntry:
    def test_has_one_spelling(self) -> None:
        assert encode(LINKED) == spelt(LINKED)
        assert decode(spelt(LINKED)) == LINKED

    @pytest.mark.parametrize(
        "data",
        [
            b"",
            b"[]",
            b"null",
            b"{}",
            spelt(PLAIN, separators=(", ", ":")),
            spelt(PLAIN, separators=(",", ": ")),
            spelt(PLAIN) + b" ",
            spelt(PLAIN) + b"\r",
            b"\xef\xbb\xbf" + spelt(PLAIN),
            spelt(dict(reversed(PLAIN.items())), sort_keys=False),
            spelt(PLAIN | {"basis": "§"}, ensure_ascii=True),
            spelt(PLAIN | {"basis": "/"}).replace(b"/", b"\\/"),
            spelt(PLAIN | {"basis": "a"}).replace(b'"a"', b'"\\u0061"'),
            spelt(PLAIN | {"basis": "é"}).replace("é".encode(), unicodedata.normalize("NFD", "é").encode()),
            spelt(PLAIN).replace(b'"shown":3', b'"shown":3,"shown":3'),
            spelt(PLAIN).replace(b'"shown":3', b'"shown":3.0'),
            spelt(PLAIN).replace(b'"shown":3', b'"shown":3e0'),
            spelt(PLAIN).replace(b'"shown":3', b'"shown":-0'),
            spelt(PLAIN).replace(b'"shown":3', b'"shown":03'),
            spelt(PLAIN).replace(b'"shown":3', b'"shown":+3'),
            spelt(PLAIN).replace(b'"shown":3', b'"shown":NaN'),
            spelt(PLAIN).replace(b'"shown":3', b'"shown":9007199254740992'),
            spelt(PLAIN).replace(b'"shown"', b'"Shown"'),
            spelt(PLAIN).replace(b'"shown"', b'"shown "'),
            spelt(PLAIN).replace(b"full", b"fu\x01ll"),
            spelt(PLAIN).replace(b"full", b"fu\xffll"),
            spelt(PLAIN).replace(b"full", b"fu\\ud800ll"),
            spelt(PLAIN | {"at": "2026-11-25T12:00:00Z"}),
            spelt(PLAIN | {"at": "2026-11-25T12:00:00.000000+00:00"}),
            spelt(PLAIN | {"at": "2026-13-25T12:00:00.000000Z"}),
            spelt(PLAIN | {"at": None}),
            spelt(PLAIN | {"ended_at": "yesterday"}),
            spelt({"at": AT}),
            spelt({"event": "case.read"}),
            spelt(PLAIN | {"event": 1}),
            spelt(PLAIN | {"case": "k7q4m"}),
            spelt(PLAIN | {"case": None, "case_seq": None, "case_prev": None}),
            spelt(LINKED | {"case": ""}),
            spelt(LINKED | {"case_seq": 0}),
            spelt(LINKED | {"case_seq": True}),
            spelt(LINKED | {"case_seq": "2"}),
            spelt(LINKED | {"case_prev": "AB" * 32}),
            spelt(LINKED | {"case_prev": "ab" * 31}),
            spelt(PLAIN | {"basis": "x" * LONGEST_ENTRY}),
            b'{"a":' * 50_000 + b"}" * 50_000,
        ],
    )
    def test_in_another_form_is_none(self, data: bytes) -> None:
        with pytest.raises(NotCanonical):
            decode(data)

    @pytest.mark.parametrize(
        "value",
        [
            1.5,
            float("nan"),
            2**53,
            -(2**53),
            b"bytes",
            {1, 2},
            {"Key": 1},
            {1: 1},
            "e\N{COMBINING ACUTE ACCENT}",
            "\ud800",
        ],
    )
    def test_that_has_no_form_is_not_written(self, value: Any) -> None:
        with pytest.raises(NotCanonical):
            encode(PLAIN | {"fields": {"value": value}})

    def test_may_be_as_long_as_two_bytes_can_count(self) -> None:
        room = LONGEST_ENTRY - len(encode(PLAIN | {"basis": ""}))
        assert len(encode(PLAIN | {"basis": "x" * room})) == LONGEST_ENTRY
        with pytest.raises(NotCanonical, match="65536 bytes"):
            encode(PLAIN | {"basis": "x" * (room + 1)})

    def test_keeps_what_is_rare_but_has_one_spelling(self) -> None:
        odd = PLAIN | {
            "basis": 'law:bvl. § 13-2 "a\\b"\n\x7f',
            "fields": {"a": [], "b": {}, "c": [1, None, True], "d": -5},
        }
        assert decode(encode(odd)) == odd

    def test_tells_its_place_in_its_case(self) -> None:
        assert link_of(LINKED) == Link("k7q4m", 2, "ab" * 32)
        assert link_of(PLAIN) is None


# --- Two ways of reading ---------------------------------------------------------------------------------

KEYS = st.sampled_from(["actor", "basis", "decision", "fields", "login", "object", "unit", "zone", "ended_at"])
TEXTS = st.text(st.sampled_from('aZ 09"\\/{}[]:,~\x7f\n§é'), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | TEXTS | st.just(AT),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "seen_at"]), inner, max_size=3)
    ),
    max_leaves=6,
)
LINKS = st.none() | st.tuples(st.sampled_from(["k1", "k2", "ø"]), st.integers(1, 2**53 - 1))


@st.composite
def entries(draw: st.DrawFn) -> bytes:
    entry: dict[str, Any] = {"at": AT, "event": draw(st.sampled_from(["case.read", "case.move", "a+b"]))}
    entry |= draw(st.dictionaries(KEYS, VALUES, max_size=5))
    link = draw(LINKS)
    if link:
        entry |= {"case": link[0], "case_seq": link[1], "case_prev": NOTHING_BEFORE}
    try:
        return encode(entry)
    except NotCanonical:
        return encode(PLAIN)


def long_way(line: bytes) -> tuple[bytes, bytes, bytes] | None:
    """Return case, hash before and number as bytes, empty without a case; None when it isn't an entry."""
    try:
        link = link_of(decode(line))
    except NotCanonical:
        return None
    return (link.case.encode(), link.prev.encode(), b"%d" % link.seq) if link else (b"", b"", b"")


class TestReadingFast:
    def taught(self, lines: list[bytes]) -> Reader:
        reader = Reader()
        for line in lines:
            reader.long_way(line)
        for _ in range(FIRST_LESSON):
            reader.long_way(lines[0])
        return reader

    @given(st.lists(entries(), min_size=1, max_size=8), st.data())
    @example([encode(PLAIN)], None)
    def test_finds_what_the_long_way_finds(self, known: list[bytes], data: st.DataObject | None) -> None:
        lines = list(known)
        if data:
            # Entries of the same and of other forms, and each with a byte changed, doubled or dropped.
            lines += data.draw(st.lists(entries(), max_size=8))
            for line in list(lines):
                at, byte = (
                    data.draw(st.integers(0, len(line) - 1)),
                    data.draw(st.sampled_from(b'",:{}[]0-9 a\\\x01\xc3.T')),
                )
                lines += [line[:at] + bytes([byte]) + line[at + 1 :], line[:at] + line[at : at + 1] + line[at:]]
                lines += [line[:at] + line[at + 1 :], line[:at]]
        for line, case, prev, seq, odd in self.taught(known).rows(b"\n".join(lines) + b"\n"):
            if not odd and line and prev in (b"", NOTHING_BEFORE.encode()):
                assert long_way(line) == (case, prev, seq)

    @given(st.lists(entries(), min_size=1, max_size=8))
    def test_gives_every_line_back_in_order(self, lines: list[bytes]) -> None:
        lines += [b"", b"nonsense", b"{", lines[0] + b"}"]
        assert [row[0] for row in self.taught(lines[:1]).rows(b"\n".join(lines) + b"\n")] == lines

    def test_knows_again_what_it_has_seen(self) -> None:
        reader = self.taught([encode(LINKED), encode(PLAIN)])
        rows = reader.rows(encode(LINKED | {"case_seq": 3, "case": "other"}) + b"\n" + encode(PLAIN) + b"\n")
        assert [row[1:] for row in rows] == [(b"other", b"ab" * 32, b"3", b""), (b"", b"", b"", b"")]

    def test_takes_no_line_for_an_entry_that_is_too_long(self) -> None:
        reader = self.taught([encode(PLAIN | {"basis": "x"})])
        line = encode(PLAIN | {"basis": ""}).replace(b'"basis":""', b'"basis":"%s"' % (b"x" * LONGEST_ENTRY))
        (piece,) = pieces(line)
        ((found, _case, _prev, _seq, odd),) = reader.rows(piece)
        assert (found, bool(odd)) == (line, True)

    @given(st.lists(st.integers(0, 3 * LONGEST_ENTRY), max_size=4))
    def test_cuts_between_lines(self, lengths: list[int]) -> None:
        data = b"".join(b"x" * length + b"\n" for length in lengths)
        found = list(pieces(data))
        assert b"".join(found) == data
        assert all(piece.endswith(b"\n") for piece in found)
        assert all(len(piece) <= LONGEST_ENTRY + 1 or piece.count(b"\n") == 1 for piece in found)

    def test_takes_a_last_line_that_was_not_ended(self) -> None:
        assert list(pieces(b"a\nb")) == [b"a\nb\n"]
        assert list(pieces(b"")) == []
