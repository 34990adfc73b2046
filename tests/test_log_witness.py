"""A witness in a process of its own: it signs a log that grows, and no log that shrinks, forks or goes back."""

from __future__ import annotations

import http.client
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from bti.config import Misconfigured
from bti.crypto.signing import SigningKey
from bti.verifier.checkpoint import Checkpoint
from bti.verifier.note import Note, Signature, read_signatures
from bti.verifier.proof import ConsistencyProof
from bti.verifier.tree import EMPTY_ROOT, Tree, consistency_proof
from bti.witness.client import NotWitnessed, ask
from bti.witness.heads import Forked, Heads, Inconsistent, NotTheLast
from bti.witness.server import LARGEST_REQUEST
from tests.logs import COUNTY, ORIGIN, Log, county

Answer = tuple[int, str, str]


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log(tmp_path).grow(40)


@pytest.fixture
def key(tmp_path: Path) -> SigningKey:
    return county(tmp_path)


class Process:
    """The witness as somebody else runs it: another process, reached over the network of this machine."""

    def __init__(self, home: Path, log: Log) -> None:
        (home / "policy").write_text(log.policy_text())
        self._words = ["--policy", str(home / "policy"), "--memory", str(home / "memory")]
        self._words += ["--key", str(home / f"witness-{COUNTY.replace('/', '-')}")]
        self.home = home
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "bti.witness", "serve", "--bind", "127.0.0.1:0", *self._words]
        self.running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self.running.stdout
        said = self.running.stdout.readline()
        assert said.startswith(f"Witness {COUNTY} on http://127.0.0.1:")
        self.url = said.split()[-1]

    def stop(self, how: int = signal.SIGKILL) -> None:
        self.running.send_signal(how)
        self.running.wait(timeout=30)
        if self.running.stdout:
            self.running.stdout.close()

    def post(self, body: bytes, *, path: str = "/add-checkpoint", verb: str = "POST") -> Answer:
        connection = http.client.HTTPConnection(self.url.removeprefix("http://"), timeout=20)
        try:
            connection.request(verb, path, body)
            answer = connection.getresponse()
            return answer.status, answer.headers.get("Content-Type", ""), answer.read().decode()
        finally:
            connection.close()

    def submit(self, proof: ConsistencyProof) -> Answer:
        return self.post(str(proof).encode())

    def sign(self, file: Path) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "bti.witness", "sign", str(file), *self._words]
        return subprocess.run(command, capture_output=True, text=True)


@pytest.fixture
def witness(tmp_path: Path, log: Log, key: SigningKey) -> Iterator[Process]:
    process = Process(tmp_path, log)
    yield process
    process.stop()


def signature(answer: Answer, key: SigningKey, note: Note) -> Signature:
    """Return the one signature in an answer, once it was seen to be the witness's over this head."""
    status, _kind, text = answer
    assert status == 200, text
    (found,) = read_signatures(text)
    assert key.public.verifies(note.text, found)
    return found


class TestALogThatGrows:
    def test_is_signed_each_time(self, witness: Process, log: Log, key: SigningKey) -> None:
        sizes = [0, 1, 7, 7, 20, 40]
        for old, new in zip(sizes, sizes[1:], strict=False):
            found = signature(witness.submit(log.consistency(old, new)), key, log.note(new))
            assert found.at > 1_700_000_000

    def test_may_begin_at_any_size(self, witness: Process, log: Log, key: SigningKey) -> None:
        signature(witness.submit(log.consistency(0, 33)), key, log.note(33))

    def test_may_still_be_empty(self, witness: Process, log: Log, key: SigningKey) -> None:
        signature(witness.submit(log.consistency(0, 0)), key, log.note(0))
        signature(witness.submit(log.consistency(0, 5)), key, log.note(5))

    def test_is_remembered_when_the_witness_was_killed(self, witness: Process, log: Log, key: SigningKey) -> None:
        signature(witness.submit(log.consistency(0, 20)), key, log.note(20))
        witness.stop()
        witness.start()
        assert witness.submit(log.consistency(0, 10)) == (409, "text/x.tlog.size", "20\n")
        signature(witness.submit(log.consistency(20, 30)), key, log.note(30))

    def test_is_one_of_several(self, witness: Process, log: Log, key: SigningKey, tmp_path: Path) -> None:
        other = Log(tmp_path, origin="other.example/log").grow(12)
        witness.stop()
        (tmp_path / "policy").write_text(log.policy_text(f"log {other.key.public}"))
        witness.start()
        signature(witness.submit(log.consistency(0, 20)), key, log.note(20))
        signature(witness.submit(other.consistency(0, 5)), key, other.note(5))
        signature(witness.submit(other.consistency(5, 12)), key, other.note(12))
        signature(witness.submit(log.consistency(20, 40)), key, log.note(40))


class TestALogThatDoesnt:
    @pytest.fixture(autouse=True)
    def seen(self, witness: Process, log: Log, key: SigningKey) -> None:
        """Let the witness have seen 30 entries."""
        signature(witness.submit(log.consistency(0, 30)), key, log.note(30))

    @pytest.fixture
    def fork(self, log: Log) -> Log:
        """Return the log as somebody with its key rewrote it."""
        other = Log.__new__(Log)
        other.__dict__ |= log.__dict__
        other.tree = Tree([*log.tree.levels[0][:10], bytes(32), *log.tree.levels[0][11:]])
        return other

    def test_because_it_shrank_is_refused(self, witness: Process, log: Log) -> None:
        assert witness.submit(ConsistencyProof(30, (), log.note(20)))[0] == 400
        assert witness.submit(ConsistencyProof(30, log.consistency(20, 30).hashes, log.note(20)))[0] == 400
        assert witness.submit(log.consistency(20, 20)) == (409, "text/x.tlog.size", "30\n")

    def test_because_it_was_replayed_is_refused(self, witness: Process, log: Log) -> None:
        for old, new in ((0, 30), (0, 20), (10, 30), (0, 40)):
            assert witness.submit(log.consistency(old, new)) == (409, "text/x.tlog.size", "30\n")

    def test_because_it_forked_is_refused(self, witness: Process, fork: Log) -> None:
        status, kind, text = witness.submit(fork.consistency(30, 30))
        assert (status, kind) == (409, "text/plain; charset=utf-8")
        assert "The log forked: another head of 30 entries was seen before." in text
        assert witness.submit(fork.consistency(30, 40))[0] == 422

    def test_prove_what_it_should_is_refused(self, witness: Process, log: Log) -> None:
        proof = log.consistency(30, 40)
        assert witness.submit(replace(proof, hashes=proof.hashes[:-1]))[0] == 422
        assert witness.submit(replace(proof, hashes=(*proof.hashes, bytes(32))))[0] == 422
        assert witness.submit(replace(proof, hashes=proof.hashes[::-1]))[0] == 422
        assert witness.submit(replace(log.consistency(30, 30), hashes=(bytes(32),)))[0] == 422

    def test_sign_with_its_key_is_refused(self, witness: Process, log: Log, tmp_path: Path) -> None:
        (tmp_path / "elsewhere").mkdir()
        impostor = Log(tmp_path / "elsewhere").grow(40)
        assert witness.submit(replace(log.consistency(30, 40), note=impostor.note(40)))[0] == 403
        moved = Note(log.note(40).text, log.note(39).signatures)
        assert witness.submit(replace(log.consistency(30, 40), note=moved))[0] == 403

    def test_have_a_key_here_is_unknown(self, witness: Process, tmp_path: Path) -> None:
        other = Log(tmp_path, origin="other.example/log").grow(4)
        assert witness.submit(other.consistency(0, 4))[0] == 404

    def test_changes_nothing_in_what_is_remembered(
        self, witness: Process, log: Log, fork: Log, key: SigningKey
    ) -> None:
        for proof in (log.consistency(0, 20), fork.consistency(30, 40), fork.consistency(30, 30)):
            assert witness.submit(proof)[0] in (409, 422)
        signature(witness.submit(log.consistency(30, 40)), key, log.note(40))


class TestTheServer:
    @pytest.mark.parametrize(
        "body", [b"", b"\n\n", b"old 0\n\n", b"old x\n\nnote", b"\xff", b"old 0\n" + b"x\n" * 80 + b"\nnote"]
    )
    def test_refuses_what_is_no_request(self, witness: Process, body: bytes) -> None:
        assert witness.post(body)[0] == 400

    def test_has_one_address_and_one_verb(self, witness: Process, log: Log) -> None:
        body = str(log.consistency(0, 4)).encode()
        assert witness.post(body, path="/")[0] == 404
        assert witness.post(b"", verb="GET")[0] == 501

    def test_reads_no_request_without_end(self, witness: Process, log: Log, key: SigningKey) -> None:
        assert witness.post(b"x" * (LARGEST_REQUEST + 1))[0] == 413
        signature(witness.submit(log.consistency(0, 4)), key, log.note(4))

    def test_answers_several_requests_on_one_connection(self, witness: Process, log: Log) -> None:
        connection = http.client.HTTPConnection(witness.url.removeprefix("http://"), timeout=20)
        for size in (1, 2, 3):
            connection.request("POST", "/add-checkpoint", str(log.consistency(size - 1, size)).encode())
            answer = connection.getresponse()
            assert (answer.status, answer.read()[:4]) == (200, "— ".encode())
        connection.close()

    def test_signs_one_of_many_that_come_at_once(self, witness: Process, log: Log) -> None:
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda size: witness.submit(log.consistency(0, size)), range(20, 28)))
        assert sorted(status for status, _kind, _text in answers) == [200] + [409] * 7

    def test_signs_nothing_when_it_cant_remember(self, witness: Process, log: Log) -> None:
        assert witness.submit(log.consistency(0, 4))[0] == 200
        (file,) = (witness.home / "memory").glob("*.head")
        file.write_text("damaged")
        assert witness.submit(log.consistency(4, 5))[0] == 500

    @pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
    def test_ends_quietly_when_it_is_asked_to(self, witness: Process, how: signal.Signals) -> None:
        witness.stop(how)
        assert witness.running.returncode == 0


class TestALogsOwnSide:
    def test_gets_a_signature_that_it_verified(self, witness: Process, log: Log, key: SigningKey) -> None:
        found = ask(witness.url, note=log.note(20), size=20, key=key.public, old_size=0, proof_from=lambda _old: ())
        assert key.public.verifies(log.note(20).text, found)

    def test_goes_on_from_where_the_witness_is(self, witness: Process, log: Log, key: SigningKey) -> None:
        witness.submit(log.consistency(0, 20))
        asked: list[int] = []

        def proof_from(old: int) -> list[bytes]:
            asked.append(old)
            return consistency_proof(old, 30, log.tree.node)

        found = ask(witness.url, note=log.note(30), size=30, key=key.public, old_size=10, proof_from=proof_from)
        assert key.public.verifies(log.note(30).text, found)
        assert asked == [10, 20]

    def test_is_told_when_the_witness_has_seen_more(self, witness: Process, log: Log, key: SigningKey) -> None:
        witness.submit(log.consistency(0, 30))
        with pytest.raises(NotWitnessed, match="has 30 entries") as refused:
            ask(witness.url, note=log.note(20), size=20, key=key.public, old_size=0, proof_from=lambda _old: ())
        assert (refused.value.status, refused.value.size) == (409, 30)

    def test_believes_no_other_witness(self, witness: Process, log: Log, tmp_path: Path) -> None:
        other = county(tmp_path, "other.example/w")
        with pytest.raises(NotWitnessed, match="isn't a signature of other"):
            ask(witness.url, note=log.note(20), size=20, key=other.public, old_size=0, proof_from=lambda _old: ())

    @pytest.mark.parametrize("url", ["http://127.0.0.1:9", "ftp://127.0.0.1", "nowhere"])
    def test_is_told_when_nobody_answers(self, log: Log, key: SigningKey, url: str) -> None:
        with pytest.raises(NotWitnessed) as refused:
            ask(url, note=log.note(20), size=20, key=key.public, old_size=0, proof_from=lambda _old: ())
        assert refused.value.status == 0


class TestSigningAFile:
    """For a witness that no network reaches: the checkpoint comes on a stick, and goes back signed."""

    def test_puts_the_signature_under_it(self, witness: Process, log: Log, key: SigningKey, tmp_path: Path) -> None:
        policy = log.policy(f"witness w {key.public}", "quorum w")
        for old, new in ((0, 20), (20, 40)):
            (tmp_path / "asked").write_text(str(log.consistency(old, new)))
            signed = witness.sign(tmp_path / "asked")
            assert (signed.returncode, signed.stderr) == (0, "")
            head = policy.open(signed.stdout.encode())
            policy.require_witnesses(head)
            assert head.checkpoint == log.checkpoint(new)

    def test_needs_no_proof_for_the_first_and_for_the_last(self, witness: Process, log: Log, tmp_path: Path) -> None:
        (tmp_path / "asked").write_bytes(log.note(20).encode())
        assert witness.sign(tmp_path / "asked").returncode == 0
        assert witness.sign(tmp_path / "asked").returncode == 0

    def test_refuses_what_the_server_refuses(self, witness: Process, log: Log, tmp_path: Path) -> None:
        witness.submit(log.consistency(0, 20))
        for asked in (str(log.note(30)), str(log.note(10)), str(log.consistency(0, 30)), "nonsense"):
            (tmp_path / "asked").write_text(asked)
            signed = witness.sign(tmp_path / "asked")
            assert (signed.returncode, signed.stdout) == (1, "")
            assert signed.stderr.startswith("Not signed: ")

    def test_says_what_is_missing(self, witness: Process, log: Log, tmp_path: Path) -> None:
        (tmp_path / "asked").write_bytes(log.note(20).encode())
        (tmp_path / "policy").unlink()
        assert witness.sign(tmp_path / "asked").returncode == 2


class TestRememberingHeads:
    def test_begins_with_nothing(self, tmp_path: Path) -> None:
        assert Heads(tmp_path / "memory").last(ORIGIN) == Checkpoint(ORIGIN, 0, EMPTY_ROOT)

    def test_goes_forward_and_never_back(self, tmp_path: Path, log: Log) -> None:
        heads = Heads(tmp_path / "memory")
        heads.advance(log.checkpoint(10), old_size=0, proof=())
        heads.advance(log.checkpoint(20), old_size=10, proof=log.consistency(10, 20).hashes)
        heads.advance(log.checkpoint(20), old_size=20, proof=())
        assert Heads(tmp_path / "memory").last(ORIGIN) == log.checkpoint(20)
        with pytest.raises(NotTheLast) as refused:
            heads.advance(log.checkpoint(10), old_size=0, proof=())
        assert refused.value.size == 20
        with pytest.raises(Inconsistent):
            heads.advance(log.checkpoint(10), old_size=20, proof=())
        with pytest.raises(Forked):
            heads.advance(replace(log.checkpoint(20), root=bytes(32)), old_size=20, proof=())
        with pytest.raises(Inconsistent):
            heads.advance(log.checkpoint(30), old_size=20, proof=())
        assert heads.last(ORIGIN) == log.checkpoint(20)

    def test_lets_one_of_several_go_first(self, tmp_path: Path, log: Log) -> None:
        ready = threading.Barrier(6)

        def advance(size: int) -> bool:
            heads = Heads(tmp_path / "memory")
            ready.wait()
            try:
                heads.advance(log.checkpoint(size), old_size=0, proof=())
            except NotTheLast:
                return False
            return True

        with ThreadPoolExecutor(6) as pool:
            assert sum(pool.map(advance, range(10, 16))) == 1

    def test_is_private(self, tmp_path: Path, log: Log) -> None:
        heads = Heads(tmp_path / "memory")
        heads.advance(log.checkpoint(10), old_size=0, proof=())
        assert (tmp_path / "memory").stat().st_mode & 0o077 == 0
        assert {path.stat().st_mode & 0o077 for path in (tmp_path / "memory").iterdir()} == {0}

    def test_says_so_when_it_can_no_longer_tell(self, tmp_path: Path, log: Log) -> None:
        heads = Heads(tmp_path / "memory")
        heads.advance(log.checkpoint(10), old_size=0, proof=())
        (file,) = (tmp_path / "memory").glob("*.head")
        for text in ("", "damaged", file.read_text().replace(ORIGIN, "other.example/log")):
            file.write_text(text)
            with pytest.raises(Misconfigured):
                heads.last(ORIGIN)
            with pytest.raises(Misconfigured):
                heads.advance(log.checkpoint(20), old_size=0, proof=())

    def test_needs_a_folder_it_can_write(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(Misconfigured, match="can't be written"):
            Heads(tmp_path / "file" / "memory")

    def test_leaves_the_old_head_when_it_was_cut_off_while_writing(self, tmp_path: Path, log: Log) -> None:
        heads = Heads(tmp_path / "memory")
        heads.advance(log.checkpoint(10), old_size=0, proof=())
        (file,) = (tmp_path / "memory").glob("*.head")
        file.with_suffix(".new").write_text("half a he")
        assert heads.last(ORIGIN) == log.checkpoint(10)
        heads.advance(log.checkpoint(20), old_size=10, proof=log.consistency(10, 20).hashes)
        assert heads.last(ORIGIN) == log.checkpoint(20)
