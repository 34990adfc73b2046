"""The keys: a master key that two of three people can restore, and a key store apart from the database."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import stat
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bti.config import KeySettings, Misconfigured
from bti.crypto import keys, master, sealing
from bti.crypto.keystore import Folder, Kept
from bti.crypto.master import Master, WrongKey
from bti.crypto.shares import BadShare, Share, inverted, joined, multiplied, read_share, split
from bti.errors import Unopened

HERE, CASE = "fjordvik", "case"
PLACE = {"municipality_id": HERE, "table": "entries", "column": "text", "row_id": "row", "owner": CASE}


@pytest.fixture
def kept(tmp_path: Path) -> KeySettings:
    """Keys of one's own, just made."""
    made = KeySettings(tmp_path / "store", tmp_path / "master.key")
    keys.make_keys(made.store, tmp_path / "master.key")
    return made


@pytest.fixture
def ring(kept: KeySettings) -> sealing.Ring:
    return keys.load_ring(kept)


class TestTheField:
    def test_multiplies_as_fips_197_says(self) -> None:
        # FIPS 197, 4.2 and 4.2.1.
        assert multiplied(0x57, 0x83) == 0xC1
        assert [multiplied(0x57, 1 << n) for n in range(5)] == [0x57, 0xAE, 0x47, 0x8E, 0x07]
        assert multiplied(0x57, 0x13) == 0xFE

    def test_has_an_inverse_for_all_but_nothing(self) -> None:
        assert all(multiplied(one, inverted(one)) == 1 for one in range(1, 256))

    def test_is_one(self) -> None:
        some = range(0, 256, 17)
        for a, b, c in itertools.product(some, repeat=3):
            assert multiplied(a, b) == multiplied(b, a)
            assert multiplied(a, multiplied(b, c)) == multiplied(multiplied(a, b), c)
            assert multiplied(a, b ^ c) == multiplied(a, b) ^ multiplied(a, c)


class TestRecoveryShares:
    @given(st.binary(min_size=32, max_size=32))
    def test_any_two_restore_the_key(self, secret: bytes) -> None:
        for pair in itertools.permutations(split(secret), 2):
            assert joined(pair) == secret

    @given(st.binary(min_size=32, max_size=32))
    def test_survive_being_written_down(self, secret: bytes) -> None:
        for share in split(secret):
            assert read_share(share.text.upper().replace(" ", "  ")) == share

    def test_of_a_known_line(self) -> None:
        # Secret 0x42, slope 0x0d, by hand: 42 + 1·0d, 42 + 2·0d, 42 + 3·0d.
        secret, name = bytes([0x42] * 32), master.key_id(bytes([0x42] * 32))
        one, two, three = (Share(n, name, bytes([v] * 32)) for n, v in ((1, 0x4F), (2, 0x58), (3, 0x55)))
        assert joined((one, two)) == joined((two, three)) == joined((three, one)) == secret

    def test_one_alone_fits_any_key(self) -> None:
        """For every secret there is a line through one share: it tells nothing."""
        share = split(os.urandom(32))[0]
        for byte in range(256):
            slope = share.value[0] ^ byte
            assert multiplied(share.number, slope) ^ byte == share.value[0]

    def test_with_a_slip_are_refused(self) -> None:
        text = split(master.new_secret())[1].text
        for place in range(len("stafett-2-12345678 "), len(text)):
            if text[place] == " ":
                continue
            wrong = text[:place] + ("a" if text[place] != "a" else "c") + text[place + 1 :]
            with pytest.raises(BadShare) as refused:
                read_share(wrong)
            assert refused.value.code == "slip"

    def test_of_two_keys_or_the_same_twice_are_refused(self) -> None:
        one, other = split(master.new_secret()), split(master.new_secret())
        for pair, code in (((one[0], one[0]), "same_share"), ((one[0], other[1]), "other_key")):
            with pytest.raises(BadShare) as refused:
                joined(pair)
            assert refused.value.code == code

    @pytest.mark.parametrize("text", ["", "hello", "stafett-4-00000000 aaaa", "stafett-1", "stafett-x-1 a"])
    def test_that_are_none_are_refused(self, text: str) -> None:
        with pytest.raises(BadShare) as refused:
            read_share(text)
        assert refused.value.code == "not_a_share"


class TestTheMasterKey:
    def test_is_for_its_owner_alone(self, kept: KeySettings) -> None:
        assert kept.master_file is not None
        assert stat.S_IMODE(kept.master_file.stat().st_mode) == 0o600
        kept.master_file.chmod(0o640)
        with pytest.raises(Misconfigured, match="chmod 600"):
            keys.load_ring(kept)

    def test_may_stand_in_the_environment(self, kept: KeySettings) -> None:
        assert kept.master_file is not None
        text = kept.master_file.read_text()
        assert keys.load_ring(KeySettings(kept.store, master_text=text)).index(HERE, "x")

    def test_tells_nothing_of_itself(self, kept: KeySettings) -> None:
        assert kept.master_file is not None
        text = kept.master_file.read_text().strip()
        secret = text.split("+", 2)[2]
        assert secret not in repr(KeySettings(kept.store, master_text=text))
        assert secret not in repr(Master.of(master.read_secret(text, where="here")))

    def test_of_another_store_is_refused_by_name(self, kept: KeySettings, tmp_path: Path) -> None:
        other = tmp_path / "other.key"
        keys.make_keys(tmp_path / "other", other)
        with pytest.raises(Misconfigured, match=r"The master key is [0-9a-f]{8}, and the key store needs [0-9a-f]{8}"):
            keys.load_ring(KeySettings(kept.store, other))

    def test_that_was_changed_is_refused(self, kept: KeySettings) -> None:
        assert kept.master_file is not None
        mark, name, secret = kept.master_file.read_text().split("+", 2)
        wrong = "B" if secret[0] != "B" else "C"
        kept.master_file.write_text(f"{mark}+{name}+{wrong}{secret[1:]}")
        with pytest.raises(Misconfigured, match="is damaged"):
            keys.load_ring(kept)

    def test_is_never_written_over(self, kept: KeySettings) -> None:
        assert kept.master_file is not None
        before = kept.master_file.read_bytes()
        with pytest.raises(Misconfigured):
            keys.make_keys(kept.store, kept.master_file)
        with pytest.raises(Misconfigured):
            keys.make_keys(kept.store.with_name("new"), kept.master_file)
        assert kept.master_file.read_bytes() == before

    def test_is_restored_from_any_two_shares(self, tmp_path: Path) -> None:
        shares = keys.make_keys(tmp_path / "store", tmp_path / "master.key")
        before = (tmp_path / "master.key").read_bytes()
        for number, (one, other) in enumerate(itertools.permutations(shares, 2)):
            again = tmp_path / f"again-{number}"
            keys.recover((one.text, other.text), again)
            assert again.read_bytes() == before
            assert keys.shares_fit((one.text, other.text), KeySettings(tmp_path / "store", tmp_path / "master.key"))

    def test_unwraps_only_for_what_it_wrapped(self) -> None:
        one, other = Master.of(master.new_secret()), Master.of(master.new_secret())
        wrapped = one.wrap(b"k" * 32, b"case a")
        assert one.unwrap(wrapped, b"case a") == b"k" * 32
        for by, context in ((one, b"case b"), (other, b"case a")):
            with pytest.raises(WrongKey):
                by.unwrap(wrapped, context)
        with pytest.raises(WrongKey):
            one.unwrap(b"short", b"case a")


class TestTheKeyStore:
    def test_keeps_a_key_for_each_in_a_file_for_its_owner_alone(self, ring: sealing.Ring, kept: KeySettings) -> None:
        ring.begin(HERE, CASE)
        file = kept.store / "keys" / HERE / "ca" / "case.json"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert stat.S_IMODE(kept.store.stat().st_mode) == 0o700
        assert list(ring.store.owners()) == [(HERE, CASE)]

    def test_makes_the_key_of_an_owner_once(self, ring: sealing.Ring) -> None:
        ring.begin(HERE, CASE)
        before = ring.store.find(HERE, CASE)
        ring.begin(HERE, CASE)
        assert ring.store.find(HERE, CASE) == before
        assert not ring.store.add(HERE, CASE, Kept({1: "other"}))
        assert ring.store.find(HERE, CASE) == before

    def test_makes_no_new_key_where_one_was_destroyed(self, ring: sealing.Ring) -> None:
        ring.begin(HERE, CASE)
        ring.store.replace(HERE, CASE, Kept(is_destroyed=True))
        with pytest.raises(ValueError, match="destroyed"):
            ring.begin(HERE, CASE)

    def test_lets_one_change_keys_at_a_time(self, kept: KeySettings, ring: sealing.Ring) -> None:
        with ring.store.alone(), pytest.raises(Misconfigured), Folder(kept.store).alone():
            pytest.fail("two at once")
        with Folder(kept.store).alone():
            pass

    @pytest.mark.parametrize("name", ["../x", "a/b", "", ".", "a" * 61])
    def test_writes_nowhere_else(self, name: str, ring: sealing.Ring) -> None:
        with pytest.raises(ValueError, match="can't be the name"):
            ring.begin(HERE, name)

    def test_that_is_not_there_is_told_of(self, tmp_path: Path, kept: KeySettings) -> None:
        with pytest.raises(Misconfigured, match="There is no key store"):
            keys.load_ring(KeySettings(tmp_path / "nowhere", kept.master_file))

    def test_gives_one_key_to_many_who_ask_at_once(self, kept: KeySettings) -> None:
        with multiprocessing.get_context("fork").Pool(8) as pool:
            found = pool.map(_begin_and_seal, [(kept, number) for number in range(32)])
        ring = keys.load_ring(kept)
        assert [sealing.open_cell(ring, cell, *PLACE.values()) for cell in found] == [f"text {n}" for n in range(32)]
        assert not [file.name for file in (kept.store / "keys" / HERE / "ca").iterdir() if file.name != "case.json"]


def _begin_and_seal(given: tuple[KeySettings, int]) -> str:
    kept, number = given
    ring = keys.load_ring(kept)
    ring.begin(HERE, CASE)
    return sealing.seal(ring, f"text {number}", **PLACE)


class TestACell:
    @given(text=st.text())
    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_opens_where_it_was_sealed(self, text: str, ring: sealing.Ring) -> None:
        ring.begin(HERE, CASE)
        cell = sealing.seal(ring, text, **PLACE)
        assert sealing.open_cell(ring, cell, *PLACE.values()) == text
        assert sealing.version_of(cell) == 1

    @pytest.mark.parametrize("part", PLACE)
    def test_opens_nowhere_else(self, part: str, ring: sealing.Ring) -> None:
        elsewhere = PLACE | {part: "other"}
        for place in (PLACE, elsewhere):
            ring.begin(place["municipality_id"], place["owner"])
        cell = sealing.seal(ring, "Lisa", **PLACE)
        with pytest.raises(Unopened) as shut:
            sealing.open_cell(ring, cell, *elsewhere.values())
        assert shut.value.cause == "changed"

    def test_of_two_places_that_spell_alike_opens_in_one(self, ring: sealing.Ring) -> None:
        place, alike = PLACE | {"column": "text", "row_id": "1row"}, PLACE | {"column": "text1", "row_id": "row"}
        ring.begin(HERE, CASE)
        cell = sealing.seal(ring, "Lisa", **place)
        with pytest.raises(Unopened):
            sealing.open_cell(ring, cell, *alike.values())

    def test_with_any_bit_changed_opens_no_more(self, ring: sealing.Ring) -> None:
        ring.begin(HERE, CASE)
        cell = sealing.seal(ring, "Lisa", **PLACE)
        for place in range(len(cell)):
            sign = "A" if cell[place] != "A" else "B"
            with pytest.raises(Unopened):
                sealing.open_cell(ring, cell[:place] + sign + cell[place + 1 :], *PLACE.values())

    def test_is_another_each_time(self, ring: sealing.Ring) -> None:
        ring.begin(HERE, CASE)
        cells = {sealing.seal(ring, "Lisa", **PLACE) for _ in range(50)}
        assert len(cells) == 50
        assert len({sealing.commitment(cell) for cell in cells}) == 50

    def test_without_its_key_says_so(self, ring: sealing.Ring, tmp_path: Path) -> None:
        with pytest.raises(Unopened) as shut:
            sealing.seal(ring, "Lisa", **PLACE)
        assert shut.value.cause == "no_key"
        ring.begin(HERE, CASE)
        cell = sealing.seal(ring, "Lisa", **PLACE)
        keys.make_keys(tmp_path / "other", tmp_path / "other.key")
        other = keys.load_ring(KeySettings(tmp_path / "other", tmp_path / "other.key"))
        for text, cause in ((cell, "no_key"), ("Lisa", "not_sealed"), ("s1.1.Lis", "not_sealed"), ("", "not_sealed")):
            with pytest.raises(Unopened) as shut:
                sealing.open_cell(other, text, *PLACE.values())
            assert shut.value.cause == cause

    def test_opens_with_the_older_key_once_there_is_a_newer(self, ring: sealing.Ring, kept: KeySettings) -> None:
        ring.begin(HERE, CASE)
        old = sealing.seal(ring, "Lisa", **PLACE)
        other_process = keys.load_ring(kept)
        with ring.store.alone():
            ring.renew(HERE, CASE, ring.begin_turn())
            ring.end_turn()
        for one in (ring, other_process):
            new = sealing.seal(one, "Lisa", **PLACE)
            assert sealing.version_of(new) == 2
            assert [sealing.open_cell(one, cell, *PLACE.values()) for cell in (old, new)] == ["Lisa", "Lisa"]


class TestTheIndex:
    def test_finds_equal_texts_of_a_municipality_and_tells_nothing(self, ring: sealing.Ring, tmp_path: Path) -> None:
        assert ring.index(HERE, "19871512345") == ring.index(HERE, "19871512345")
        assert ring.index(HERE, "19871512345") != ring.index("nabovik", "19871512345")
        keys.make_keys(tmp_path / "other", tmp_path / "other.key")
        other = keys.load_ring(KeySettings(tmp_path / "other", tmp_path / "other.key"))
        assert ring.index(HERE, "19871512345") != other.index(HERE, "19871512345")
