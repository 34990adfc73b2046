"""Sealing: AES-256-GCM with the key of a cell's owner, bound to the place where the cell stands.

A cell is text: `s1.VERSION.BASE64`, the base 64 of nonce, ciphertext and tag. What it is bound to (municipality, table,
column, row, owner, version of the key) isn't in it: a cell that was moved doesn't open.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
from binascii import a2b_base64, b2a_base64

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bti.config import Misconfigured
from bti.crypto.keystore import Kept, KeyStore, Wrapping
from bti.crypto.master import KEY_BYTES, NONCE_BYTES, WrongKey
from bti.errors import Unopened

_FORM = "s1"
_STORE_FORMAT = 1
# Key objects kept ready. Each takes about a kilobyte with its place in the table.
MOST_KEPT = 50_000


class Ring:
    """The keys of one installation, unwrapped as they are needed and kept ready: unwrapping costs twice a cell."""

    def __init__(self, store: KeyStore, wrapping: Wrapping) -> None:
        """Raises Misconfigured when there is no store, or when another master key made it."""
        self.store = store
        self._wrapping = wrapping
        about = store.about()
        if about.get("format") != _STORE_FORMAT:
            raise Misconfigured(["The key store is of another version of Stafett."])
        if about["master"] != wrapping.id:
            problem = (
                f"The master key is {wrapping.id}, and the key store needs {about['master']}: set BTI_MASTER_KEY_FILE "
                "to the right one, or restore it with bti keys recover."
            )
            raise Misconfigured([problem])
        try:
            self._index_key = wrapping.unwrap(_bytes(about["index"]), _context("index", "", "", 0))
        except WrongKey:
            raise Misconfigured(["The key store is damaged (store.json): restore it from its backup."]) from None
        self._openers: dict[tuple[str, str, int], AESGCM] = {}
        self._sealers: dict[tuple[str, str], tuple[object, int, AESGCM]] = {}

    def begin(self, municipality_id: str, owner: str) -> None:
        """Make the first key of a new owner, durable before anything is sealed with it.

        Does nothing when there is one. Raises ValueError when its keys were destroyed.
        """
        known = self.store.find(municipality_id, owner)
        if known is None:
            self.store.add(municipality_id, owner, Kept({1: self._new(municipality_id, owner, 1)}))
        elif known.is_destroyed:
            raise ValueError("the keys of this owner were destroyed")

    def begin_turn(self) -> int:
        """Begin a rotation, or go on with the one that was interrupted; return its number. Only within `alone`."""
        about = dict(self.store.about())
        if not about.get("is_turning"):
            about |= {"turn": about.get("turn", 0) + 1, "is_turning": True}
            self.store.describe(about)
        turn: int = about["turn"]
        return turn

    def end_turn(self) -> None:
        """Note that the rotation is done. Only within `alone`."""
        self.store.describe({**self.store.about(), "is_turning": False})

    def renew(self, municipality_id: str, owner: str, turn: int) -> None:
        """Give an owner a new key beside the old ones, once in a rotation. Only within `alone`.

        The old ones stay: what lies in backups is sealed with them.
        """
        known = self.store.find(municipality_id, owner)
        if known is None or known.is_destroyed or known.turn >= turn:
            return
        version = known.newest + 1
        keys = {**known.keys, version: self._new(municipality_id, owner, version)}
        self.store.replace(municipality_id, owner, Kept(keys, turn=turn))

    def opener(self, municipality_id: str, owner: str, version: int) -> AESGCM:
        """Return the key that opens what was sealed under this version. Raises KeyError, WrongKey."""
        found = self._openers.get((municipality_id, owner, version))
        if found is None:
            known = self.store.find(municipality_id, owner)
            if known is None:
                raise KeyError(owner)
            found = self._unwrapped(known, municipality_id, owner, version)
        return found

    def sealer(self, municipality_id: str, owner: str) -> tuple[int, AESGCM]:
        """Return the owner's newest key with its version. Raises KeyError, WrongKey."""
        # Another process may have given it a new one.
        stamp = self.store.stamp(municipality_id, owner)
        ready = self._sealers.get((municipality_id, owner))
        if ready is not None and ready[0] == stamp:
            return ready[1:]
        known = self.store.find(municipality_id, owner)
        if known is None or known.is_destroyed:
            raise KeyError(owner)
        found = self._unwrapped(known, municipality_id, owner, known.newest)
        if len(self._sealers) >= MOST_KEPT:
            self._sealers.clear()
        self._sealers[municipality_id, owner] = stamp, known.newest, found
        return known.newest, found

    def index(self, municipality_id: str, text: str) -> str:
        """Return 64 hex digits by which equal texts of a municipality are found, and nothing is told of them."""
        told = f"{len(municipality_id)}:{municipality_id}{text}".encode()
        return hmac.new(self._index_key, told, hashlib.sha256).hexdigest()

    def _unwrapped(self, known: Kept, municipality_id: str, owner: str, version: int) -> AESGCM:
        context = _context("key", municipality_id, owner, version)
        found = AESGCM(self._wrapping.unwrap(_bytes(known.keys[version]), context))
        if len(self._openers) >= MOST_KEPT:
            self._openers.clear()
        self._openers[municipality_id, owner, version] = found
        return found

    def _new(self, municipality_id: str, owner: str, version: int) -> str:
        key = AESGCM.generate_key(bit_length=8 * KEY_BYTES)
        return _text(self._wrapping.wrap(key, _context("key", municipality_id, owner, version)))


def make_store(store: KeyStore, wrapping: Wrapping) -> None:
    """Make the store `wrapping` wraps keys in, with a key for looking up national ids.

    Raises Misconfigured when there is one already.
    """
    try:
        store.about()
    except Misconfigured:
        index = wrapping.wrap(os.urandom(KEY_BYTES), _context("index", "", "", 0))
        store.describe({"format": _STORE_FORMAT, "master": wrapping.id, "index": _text(index)})
        return
    raise Misconfigured(["There is a key store already, and what it holds is needed: name another folder."])


def _context(what: str, municipality_id: str, owner: str, version: int) -> bytes:
    return json.dumps([what, municipality_id, owner, version]).encode()


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _bytes(text: str) -> bytes:
    return base64.b64decode(text)


# --- cells --------------------------------------------------------------------------------------------------------


def seal(ring: Ring, text: str, *, municipality_id: str, table: str, column: str, row_id: str, owner: str) -> str:
    """Return `text` sealed for the place where it will stand. Raises Unopened when the owner has no key."""
    try:
        version, key = ring.sealer(municipality_id, owner)
    except (KeyError, WrongKey):
        raise Unopened("no_key", municipality_id, table, column, row_id) from None
    nonce = os.urandom(NONCE_BYTES)
    sealed = key.encrypt(nonce, text.encode(), _bound(municipality_id, table, column, row_id, owner, version))
    return f"{_FORM}.{version}.{b2a_base64(nonce + sealed, newline=False).decode('ascii')}"


def open_cell(ring: Ring, cell: str, municipality_id: str, table: str, column: str, row_id: str, owner: str) -> str:
    """Return what was sealed for this place.

    Raises Unopened: `not_sealed`, `no_key`, or `changed` (moved from elsewhere, altered, or sealed with another key).
    """
    try:
        form, number, data = cell.split(".", 2)
        version, raw = int(number), a2b_base64(data)
    except ValueError:
        raise Unopened("not_sealed", municipality_id, table, column, row_id) from None
    if form != _FORM:
        raise Unopened("not_sealed", municipality_id, table, column, row_id)
    try:
        key = ring.opener(municipality_id, owner, version)
        bound = _bound(municipality_id, table, column, row_id, owner, version)
        return key.decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], bound).decode()
    except (KeyError, WrongKey):
        raise Unopened("no_key", municipality_id, table, column, row_id) from None
    except (InvalidTag, ValueError):
        raise Unopened("changed", municipality_id, table, column, row_id) from None


def version_of(cell: str) -> int | None:
    """Return the version of the key that sealed a cell, or None for what isn't sealed."""
    form, _, rest = cell.partition(".")
    number = rest.partition(".")[0]
    return int(number) if form == _FORM and number.isdigit() else None


def commitment(cell: str) -> str:
    """Return what the trail keeps of a cell: 22 signs, by which an older one put back in its place is found.

    The cell's own random nonce is the salt: nothing can be guessed from it.
    """
    return base64.urlsafe_b64encode(hashlib.sha256(cell.encode()).digest()[:16]).decode("ascii").rstrip("=")


def _bound(municipality_id: str, table: str, column: str, row_id: str, owner: str, version: int) -> bytes:
    # Each with its length before it: no two places spell the same.
    return (
        f"{len(municipality_id)}:{municipality_id}{len(table)}:{table}{len(column)}:{column}"
        f"{len(row_id)}:{row_id}{len(owner)}:{owner}{version}"
    ).encode()


# --- the ring of this process -------------------------------------------------------------------------------------

_used: list[Ring] = []


def use(ring: Ring | None) -> None:
    """Let this process seal and open with `ring` from now on. Told once, when it starts."""
    _used[:] = [ring] if ring else []


def ring() -> Ring:
    """Return the ring of this process. Raises Misconfigured when it was never told."""
    if not _used:
        raise Misconfigured(["The keys aren't set: BTI_KEYS says where they are, and BTI_MASTER_KEY_FILE opens them."])
    return _used[0]
