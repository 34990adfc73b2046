"""Keys, signed notes, checkpoints and the policy that says whom to believe."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bti.config import Misconfigured
from bti.crypto.signing import load_log_key, load_witness_key, make_log_key, make_witness_key
from bti.verifier.checkpoint import Checkpoint, read_checkpoint
from bti.verifier.note import LOG, WITNESS, Key, Note, Signature, decode64, encode64, read_key, read_note
from bti.verifier.policy import read_policy
from bti.verifier.tree import leaf_hash
from bti.verifier.verdict import Tampered, Undecided
from tests.logs import AT, COUNTY, ORIGIN, Log, county

VECTORS: dict[str, Any] = json.loads((Path(__file__).parent / "vectors" / "merkle.json").read_text("utf-8"))
ROOT = bytes(range(32))


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log(tmp_path).grow(20)


class TestTheVectors:
    @pytest.mark.parametrize("one", VECTORS["notes"], ids=lambda one: one["vkey"].partition("+")[0])
    def test_of_signed_notes_verify_and_are_written_as_they_were_read(self, one: dict[str, Any]) -> None:
        key, note = read_key(one["vkey"]), read_note(one["note"].encode())
        assert str(key) == one["vkey"]
        assert str(note) == one["note"]
        (signature,) = note.of(key)
        assert key.verifies(note.text, signature)
        assert not key.verifies(note.text + "\n", signature)

    def test_of_a_private_key_gives_its_public_one(self, tmp_path: Path) -> None:
        file = tmp_path / "key"
        file.write_text(VECTORS["private_key"]["skey"] + "\n")
        file.chmod(0o600)
        assert str(load_log_key(file).public) == VECTORS["private_key"]["vkey"]

    def test_of_a_checkpoint_is_read_and_written(self) -> None:
        vector = VECTORS["checkpoint"]
        found = read_checkpoint(vector["text"])
        assert found == Checkpoint(
            "go.sum database tree", 123456789012, leaf_hash(vector["root_is_leaf_hash_of"].encode())
        )
        assert found.text == vector["text"]


class TestANote:
    @pytest.mark.parametrize(
        "data",
        [
            b"",
            b"text\n",
            b"text\n\n",
            b"text\n\nno signature\n",
            "text\n\n— name AAAAAAAA".encode(),
            "text\n\n— na+me AAAAAAAA\n".encode(),
            "text\n\n—  AAAAAAAA\n".encode(),
            "text\n\n— name AAAA\n".encode(),
            "text\n\n— name AAAAAA\n".encode(),
            "text\n\n— name AAAAAB==\n".encode(),
            "text\r\n\n— name AAAAAAAA\n".encode(),
            b"text\xff\n\n",
            "text\n\n— name AAAAAAAA\n".encode() * 90_000,
            ("text\n\n" + "— name AAAAAAAA\n" * 101).encode(),
        ],
    )
    def test_that_is_none_is_not_read(self, data: bytes) -> None:
        with pytest.raises(Undecided):
            read_note(data)

    def test_may_have_blank_lines_in_its_text(self) -> None:
        note = read_note("one\n\ntwo\n\n— name AAAAAAAA\n".encode())
        assert note.text == "one\n\ntwo\n"
        assert [one.name for one in note.signatures] == ["name"]

    def test_has_one_signature_of_a_key_however_often_it_signs(self, tmp_path: Path, log: Log) -> None:
        witness = county(tmp_path)
        note = log.note(witness=witness)
        again = note.signed_by(witness.cosign(note.text, at=AT + 60))
        assert [one.name for one in again.signatures] == [ORIGIN, COUNTY]
        assert again.signatures[1].at == AT + 60

    @given(st.binary(max_size=70))
    def test_takes_one_spelling_of_bytes(self, raw: bytes) -> None:
        assert decode64(encode64(raw)) == raw
        assert decode64(encode64(raw) + "\n") is None
        assert decode64(encode64(raw) + "=") is None


class TestAKey:
    @pytest.mark.parametrize(
        "vkey",
        [
            "",
            "name",
            "name+00000000",
            "name+00000000+",
            "na me+00000000+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
            # The vector's, with another id, another kind, or bytes cut off.
            "example.com/foo+530d903b+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
            "example.com/foo+530d903a+AukyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
            "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U0=",
        ],
    )
    def test_that_is_none_is_not_read(self, vkey: str) -> None:
        with pytest.raises(Undecided):
            read_key(vkey)

    def test_verifies_no_signature_of_another_kind_name_or_length(self, log: Log) -> None:
        note = log.note()
        (signature,) = note.signatures
        key = log.key.public
        assert key.verifies(note.text, signature)
        assert not replace(key, kind=WITNESS).verifies(note.text, signature)
        assert not replace(key, name="other").verifies(note.text, signature)
        assert not key.verifies(note.text, replace(signature, value=signature.value + b"\0"))
        assert not Key(key.name, LOG, bytes(32)).verifies(
            note.text, replace(signature, key_id=Key(key.name, LOG, bytes(32)).id)
        )

    def test_of_a_witness_signs_the_time_too(self, tmp_path: Path, log: Log) -> None:
        key, note = county(tmp_path), log.note()
        signature = key.cosign(note.text, at=AT)
        assert signature.at == AT
        assert key.public.verifies(note.text, signature)
        later = replace(signature, value=(AT + 1).to_bytes(8, "big") + signature.value[8:])
        assert not key.public.verifies(note.text, later)
        never = replace(signature, value=(2**63).to_bytes(8, "big") + signature.value[8:])
        assert not key.public.verifies(note.text, never)


class TestAKeyFile:
    def test_is_its_owners_alone(self, tmp_path: Path) -> None:
        made = make_log_key(tmp_path / "key", origin=ORIGIN)
        assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
        assert load_log_key(tmp_path / "key").public == made.public
        assert "secret" not in repr(made)

    @pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o677])
    def test_that_others_may_use_is_refused(self, tmp_path: Path, mode: int) -> None:
        make_log_key(tmp_path / "key", origin=ORIGIN)
        (tmp_path / "key").chmod(mode)
        with pytest.raises(Misconfigured, match="chmod 600"):
            load_log_key(tmp_path / "key")

    def test_is_never_overwritten(self, tmp_path: Path) -> None:
        made = make_log_key(tmp_path / "key", origin=ORIGIN)
        with pytest.raises(Misconfigured, match="can't be made"):
            make_log_key(tmp_path / "key", origin=ORIGIN)
        assert load_log_key(tmp_path / "key").public == made.public

    def test_of_a_witness_opens_no_log(self, tmp_path: Path) -> None:
        make_witness_key(tmp_path / "key", name=COUNTY)
        assert load_witness_key(tmp_path / "key").public.kind == WITNESS
        with pytest.raises(Misconfigured, match="doesn't hold a log's key"):
            load_log_key(tmp_path / "key")

    @pytest.mark.parametrize("text", ["", "PRIVATE+KEY+a+b", "PRIVATE+KEY+a+00000000+AAAA", "nothing of the kind"])
    def test_that_holds_no_key_is_refused_without_saying_what_it_holds(self, tmp_path: Path, text: str) -> None:
        file = tmp_path / "key"
        file.touch(mode=0o600)
        file.write_text(text)
        with pytest.raises(Misconfigured, match="doesn't hold a log's key"):
            load_log_key(file)

    def test_that_was_damaged_is_refused(self, tmp_path: Path) -> None:
        file = tmp_path / "key"
        make_log_key(file, origin=ORIGIN)
        file.write_text(file.read_text().replace(ORIGIN, "other.example/log"))
        with pytest.raises(Misconfigured, match="damaged"):
            load_log_key(file)

    def test_that_is_missing_is_said_to_be(self, tmp_path: Path) -> None:
        with pytest.raises(Misconfigured, match="can't be read"):
            load_log_key(tmp_path / "key")

    def test_needs_a_name_without_spaces_or_plus(self, tmp_path: Path) -> None:
        for name in ("", "a b", "a+b"):
            with pytest.raises(Misconfigured, match="name of a key"):
                make_log_key(tmp_path / "key", origin=name)


class TestSigning:
    def test_is_for_the_own_log_alone(self, log: Log) -> None:
        with pytest.raises(ValueError, match="doesn't sign heads of"):
            log.key.sign_checkpoint(replace(log.checkpoint(), origin="other.example/log"))

    def test_is_for_the_own_kind_of_key(self, tmp_path: Path, log: Log) -> None:
        with pytest.raises(ValueError, match="is a log's key"):
            log.key.cosign(log.note().text, at=AT)
        with pytest.raises(ValueError, match="is a witness's key"):
            county(tmp_path).sign(log.note().text)


class TestACheckpoint:
    @pytest.mark.parametrize(
        "text",
        [
            "",
            "origin\n1\n",
            f"\n1\n{encode64(ROOT)}\n",
            f"origin\n01\n{encode64(ROOT)}\n",
            f"origin\n-1\n{encode64(ROOT)}\n",
            f"origin\n+1\n{encode64(ROOT)}\n",
            f"origin\n\N{ARABIC-INDIC DIGIT ONE}\n{encode64(ROOT)}\n",
            f"origin\n{2**63}\n{encode64(ROOT)}\n",
            f"origin\n1\n{encode64(ROOT[:31])}\n",
            f"origin\n1\n{encode64(ROOT)}",
            f"origin\n1\n{encode64(ROOT)}\n\nextension\n",
        ],
    )
    def test_that_is_none_is_not_read(self, text: str) -> None:
        with pytest.raises(Undecided):
            read_checkpoint(text)

    def test_keeps_the_further_lines_of_another_log(self) -> None:
        found = read_checkpoint(f"origin\n1\n{encode64(ROOT)}\nmore\nand more\n")
        assert found.extensions == ("more", "and more")
        assert found.text.endswith("more\nand more\n")


class TestAPolicy:
    def test_opens_what_the_log_signed(self, log: Log) -> None:
        head = log.policy().open(log.note().encode())
        assert (head.checkpoint, head.key, head.witnessed) == (log.checkpoint(), log.key.public, {})

    def test_cannot_decide_about_another_log(self, log: Log, tmp_path: Path) -> None:
        other = Log(tmp_path, origin="other.example/log").grow(3)
        with pytest.raises(Undecided, match=r"names no key of the log “other.example/log”"):
            log.policy().open(other.note().encode())

    def test_cannot_decide_about_another_key_in_the_logs_name(self, log: Log, tmp_path: Path) -> None:
        (tmp_path / "elsewhere").mkdir()
        impostor = Log(tmp_path / "elsewhere").grow(3)
        with pytest.raises(Undecided, match="isn't signed with a key that the policy names"):
            log.policy().open(impostor.note().encode())

    def test_finds_a_signature_that_was_moved_to_another_head(self, log: Log) -> None:
        forged = Note(log.checkpoint(19).text, log.note().signatures)
        with pytest.raises(Tampered, match="isn't one that fjordvik"):
            log.policy().open(forged.encode())

    def test_ignores_signatures_of_strangers(self, log: Log, tmp_path: Path) -> None:
        stranger = county(tmp_path, "stranger.example/w")
        head = log.policy().open(log.note(witness=stranger).encode())
        assert head.witnessed == {}

    def test_takes_no_key_of_another_log_for_this_one(self, log: Log, tmp_path: Path) -> None:
        other = Log(tmp_path, origin="other.example/log")
        forged = Note(log.checkpoint().text, (other.key.sign(log.checkpoint().text),))
        with pytest.raises(Undecided, match="isn't signed with a key"):
            log.policy(f"log {other.key.public}").open(forged.encode())

    def test_takes_an_old_and_a_new_key_of_the_log(self, log: Log, tmp_path: Path) -> None:
        new = make_log_key(tmp_path / "new", origin=ORIGIN)
        policy = log.policy(f"log {new.public}")
        assert policy.open(new.sign_checkpoint(log.checkpoint()).encode()).key == new.public
        assert policy.open(log.note().signed_by(new.sign(log.note().text)).encode()).key == log.key.public

    def test_says_who_saw_it_when(self, log: Log, tmp_path: Path) -> None:
        witness = county(tmp_path)
        policy = log.policy(f"witness w {witness.public}", "quorum w")
        head = policy.open(log.note(witness=witness).encode())
        assert head.witnessed == {"w": AT}
        policy.require_witnesses(head)

    def test_asks_for_the_witnesses_it_names(self, log: Log, tmp_path: Path) -> None:
        witness = county(tmp_path)
        policy = log.policy(f"witness w {witness.public}", "quorum w")
        with pytest.raises(Undecided, match="Not witnessed: the policy asks for “w”"):
            policy.require_witnesses(policy.open(log.note().encode()))

    def test_finds_a_witness_signature_that_was_moved_to_another_head(self, log: Log, tmp_path: Path) -> None:
        witness = county(tmp_path)
        policy = log.policy(f"witness w {witness.public}", "quorum w")
        forged = log.note(20).signed_by(witness.cosign(log.note(19).text, at=AT))
        with pytest.raises(Tampered, match="isn't one that county"):
            policy.open(forged.encode())

    @pytest.mark.parametrize(
        ("rule", "enough"),
        [
            ("2 w0 w1 w2", [{0, 1}, {1, 2}, {0, 2}, {0, 1, 2}]),
            ("any w0 w1 w2", [{0}, {1}, {2}, {0, 1}, {1, 2}, {0, 2}, {0, 1, 2}]),
            ("all w0 w1 w2", [{0, 1, 2}]),
        ],
    )
    def test_counts_witnesses_in_a_group(self, log: Log, tmp_path: Path, rule: str, enough: list[set[int]]) -> None:
        keys = [county(tmp_path, f"w{number}.example/w") for number in range(3)]
        lines = [f"witness w{number} {key.public}" for number, key in enumerate(keys)]
        policy = log.policy(*lines, f"group g {rule}", "quorum g")
        for chosen in ([one for one in range(3) if bits >> one & 1] for bits in range(8)):
            note = log.note()
            head = policy.open(note.signed_by(*(keys[one].cosign(note.text, at=AT) for one in chosen)).encode())
            if set(chosen) in enough:
                policy.require_witnesses(head)
            else:
                with pytest.raises(Undecided, match="Not witnessed"):
                    policy.require_witnesses(head)

    def test_counts_groups_of_groups(self, log: Log, tmp_path: Path) -> None:
        keys = [county(tmp_path, f"w{number}.example/w") for number in range(3)]
        lines = [f"witness w{number} {key.public}" for number, key in enumerate(keys)]
        policy = log.policy(*lines, "group x any w0 w1", "group both all x w2", "quorum both")
        note = log.note()
        policy.require_witnesses(
            policy.open(note.signed_by(*(keys[one].cosign(note.text, at=AT) for one in (1, 2))).encode())
        )
        alone = policy.open(note.signed_by(*(keys[one].cosign(note.text, at=AT) for one in (0, 1))).encode())
        with pytest.raises(Undecided):
            policy.require_witnesses(alone)


class TestAPolicyFile:
    def test_may_have_comments_blank_lines_tabs_and_addresses(self, log: Log, tmp_path: Path) -> None:
        witness = county(tmp_path).public
        text = (
            f"# whom we believe\n\n\t log\t{log.key.public}  https://x\n \nwitness w {witness} https://y\nquorum none"
        )
        policy = read_policy(text.encode())
        assert (policy.logs, policy.witnesses, policy.quorum) == ((log.key.public,), {"w": witness}, "none")

    def test_keeps_names_apart_that_arent_utf8(self, log: Log, tmp_path: Path) -> None:
        one, two = county(tmp_path, "one.example/w").public, county(tmp_path, "two.example/w").public
        policy = read_policy(f"witness \xe5 {one}\nwitness \xe6 {two}\nquorum \xe5\n".encode("latin-1"))
        assert len(policy.witnesses) == 2
        assert policy.witnesses[policy.quorum] == one

    def test_needs_exactly_one_quorum(self, log: Log) -> None:
        for text in (f"log {log.key.public}\n", "quorum none\nquorum none\n"):
            with pytest.raises(Undecided, match="quorum"):
                read_policy(text.encode())

    @pytest.mark.parametrize(
        ("line", "why"),
        [
            ("logs KEY", "isn't log, witness, group or quorum"),
            ("log", "log KEY"),
            ("log KEY url more", "log KEY"),
            ("log WITNESS", "isn't a log's kind"),
            ("log nonsense", "isn't a public key"),
            ("witness w", "witness NAME KEY"),
            ("witness none WITNESS", "is taken"),
            ("witness w KEY", "isn't a witness's kind"),
            ("group g any", "group NAME"),
            ("group g any w", "isn't defined above"),
            ("group g any none", "isn't defined above"),
            ("quorum w", "isn't defined above"),
            ("quorum", "quorum NAME"),
            ("witness a WITNESS\nwitness b WITNESS", "stands there already"),
            ("log KEY\nlog KEY", "stands there already"),
            ("witness a WITNESS\ngroup g 0 a", "isn't all, any or a number"),
            ("witness a WITNESS\ngroup g 2 a", "isn't all, any or a number"),
            ("witness a WITNESS\ngroup g 01 a", "isn't all, any or a number"),
            ("witness a WITNESS\ngroup g any a\ngroup h any a", "in a group already"),
            ("witness a WITNESS\ngroup a any a", "is taken"),
            ("quorum no\x0bne", "Control characters"),
        ],
    )
    def test_says_which_line_is_wrong(self, log: Log, tmp_path: Path, line: str, why: str) -> None:
        text = line.replace("KEY", str(log.key.public)).replace("WITNESS", str(county(tmp_path).public))
        with pytest.raises(Undecided, match=why) as wrong:
            read_policy(f"# a comment\n{text}\nquorum none\n".encode())
        assert str(wrong.value).startswith(f"Line {text.count(chr(10)) + 2} of the policy: ")


def test_a_signature_line_is_written_as_the_format_says() -> None:
    assert str(Signature("name", b"\0\0\0\1", b"\2")) == "— name AAAAAQI=\n"
