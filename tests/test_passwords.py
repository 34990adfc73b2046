"""Passwords: kept as hashes, checked in the same way for people who aren't there."""

from __future__ import annotations

import unicodedata
from unittest.mock import patch

import pytest
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from bti.crypto import passwords
from bti.crypto.passwords import hash_password, verify_password
from bti.errors import Invalid
from bti.usecases.contact import check_password

GOOD = "pinnen går videre på mandag"


class TestAPassword:
    def test_opens_with_what_was_typed_and_with_nothing_else(self) -> None:
        stored = hash_password(GOOD)
        assert verify_password(stored, GOOD)
        assert not verify_password(stored, GOOD + " ")
        assert not verify_password(stored, GOOD.upper())
        assert not verify_password(stored, "")

    def test_is_kept_as_argon2id_with_a_salt_of_its_own(self) -> None:
        first, second = hash_password(GOOD), hash_password(GOOD)
        assert first.startswith("$argon2id$v=19$")
        assert first != second
        assert GOOD not in first

    def test_is_the_same_however_the_keyboard_writes_its_letters(self) -> None:
        stored = hash_password(unicodedata.normalize("NFD", GOOD))
        assert verify_password(stored, unicodedata.normalize("NFC", GOOD))

    @pytest.mark.parametrize("damaged", ["", "plain text", "$argon2id$v=19$m=1,t=1,p=1$AAAA$AAAA", "$2b$12$abc"])
    def test_that_is_stored_damaged_opens_nothing(self, damaged: str) -> None:
        assert not verify_password(damaged, GOOD)
        assert not verify_password(damaged, "")

    def test_of_a_megabyte_is_refused_without_hashing_it(self) -> None:
        assert not verify_password(hash_password(""), "x" * 1_000_000)


class TestAnUnknownUser:
    def test_costs_the_same_work_and_gets_no(self) -> None:
        spent = []
        real = Argon2id

        class Counting:
            @staticmethod
            def verify_phc_encoded(key: bytes, phc: str) -> None:
                spent.append(phc.split("$")[1:4])
                real.verify_phc_encoded(key, phc)

        stored = hash_password(GOOD)
        with patch.object(passwords, "Argon2id", Counting):
            assert not verify_password(None, GOOD)
            assert not verify_password(stored, "galt passord her")
            assert not verify_password(stored, "x" * 1000)
        assert spent[0] == spent[1] == spent[2]


class TestChoosingAPassword:
    @pytest.mark.parametrize(
        ("password", "code"),
        [
            (None, "missing"),
            ("", "missing"),
            ("kort", "too_short"),
            ("x" * 257, "too_long"),
            ("Kari.Nordmann", "same_as_username"),
        ],
    )
    def test_refuses_what_is_too_easy_or_too_long(self, password: str | None, code: str) -> None:
        with pytest.raises(Invalid) as refused:
            check_password("password", password, username="kari.nordmann")
        assert refused.value.fields == {"password": code}

    @pytest.mark.parametrize("length", [12, 64, 256])
    def test_takes_a_whole_sentence(self, length: int) -> None:
        sentence = ("pinnen går videre på mandag " * 10)[: length - 1] + "!"
        assert check_password("password", sentence, username="kari") == sentence
        assert verify_password(hash_password(sentence), sentence)

    def test_asks_for_length_and_nothing_else(self) -> None:
        assert check_password("password", "tolv bokstav", username="kari") == "tolv bokstav"
