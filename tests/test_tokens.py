"""Tokens, blinded keys, recovery codes, and one-time codes from an app."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bti.crypto.tokens import bare_code, blind, fingerprint, is_same, new_recovery_code, new_token
from bti.crypto.totp import STEP_SECONDS, app_link, code_at, new_secret, step_of

# RFC 6238, appendix B: the secret of twenty digits, and the last six digits of its codes.
RFC_SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
RFC_CODES = {59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037"}
NOW = datetime(2026, 11, 25, 9, 0, 10, tzinfo=UTC)


class TestAToken:
    def test_is_never_the_same_and_has_256_bits(self) -> None:
        tokens = {new_token() for _ in range(200)}
        assert len(tokens) == 200
        assert {len(one) for one in tokens} == {43}

    def test_is_kept_as_something_that_isnt_the_token(self) -> None:
        token = new_token()
        assert len(fingerprint(token)) == 64
        assert token not in fingerprint(token)
        assert fingerprint(token) == fingerprint(token) != fingerprint(new_token())

    def test_is_compared_whatever_is_sent(self) -> None:
        assert is_same("a", "a")
        for other in ("b", "", "å", "\ud800", "a" * 1000):
            assert not is_same("a", other)


class TestABlindedKey:
    def test_depends_on_the_key_and_on_where_one_part_ends(self) -> None:
        found = {blind("k", "ab", "c"), blind("k", "a", "bc"), blind("k", "abc"), blind("other", "ab", "c")}
        assert len(found) == 4
        assert blind("k", "ab", "c") in found

    @pytest.mark.parametrize("part", ["", "æ", "\ud800", "\0", "x" * 100_000])
    def test_is_made_of_anything(self, part: str) -> None:
        assert len(blind("k", part)) == 64


class TestARecoveryCode:
    def test_is_the_same_however_it_is_typed(self) -> None:
        code = new_recovery_code()
        assert bare_code(f"  {code.upper().replace('-', ' ')} ") == bare_code(code)
        assert len(bare_code(code)) == 16

    def test_has_no_sign_that_is_taken_for_another(self) -> None:
        signs = set("".join(bare_code(new_recovery_code()) for _ in range(200)))
        assert signs.isdisjoint("ilo01")
        assert len(signs) > 25


class TestAOneTimeCode:
    @pytest.mark.parametrize(("second", "code"), RFC_CODES.items())
    def test_is_that_of_the_standard(self, second: int, code: str) -> None:
        moment = datetime.fromtimestamp(second, UTC)
        assert code_at(RFC_SECRET, moment) == code
        assert step_of(RFC_SECRET, code, moment) == second // STEP_SECONDS

    @pytest.mark.parametrize(("seconds", "counts"), [(-60, False), (-30, True), (0, True), (30, True), (60, False)])
    def test_counts_half_a_minute_early_or_late_and_no_more(self, seconds: int, counts: bool) -> None:
        code = code_at(RFC_SECRET, NOW)
        step = step_of(RFC_SECRET, code, NOW + timedelta(seconds=seconds))
        assert step == (int(NOW.timestamp()) // STEP_SECONDS if counts else None)

    @pytest.mark.parametrize("typed", ["", "12345", "1234567", "abcdef", "١٢٣٤٥٦", "-12345", " " * 6])
    def test_is_nothing_else(self, typed: str) -> None:
        assert step_of(RFC_SECRET, typed, NOW) is None

    def test_has_a_secret_of_160_bits_and_a_link_for_the_app(self) -> None:
        secrets = {new_secret() for _ in range(50)}
        assert (len(secrets), {len(one) for one in secrets}) == (50, {32})
        link = app_link(RFC_SECRET, account="arne", issuer="Stafett Fjordvik kommune")
        assert link.startswith("otpauth://totp/Stafett%20Fjordvik%20kommune:arne?")
        assert f"secret={RFC_SECRET}" in link
