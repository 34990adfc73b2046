"""The keys of an installation: made once, loaded when a process starts, restored from two recovery shares."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from bti.config import KeySettings, Misconfigured, key_settings
from bti.crypto import master, sealing, shares
from bti.crypto.keystore import Folder
from bti.crypto.master import Master


def use_keys(environ: Mapping[str, str]) -> sealing.Ring:
    """Let this process seal and open with the keys that `environ` names.

    Raises Misconfigured with what to do when they aren't set, aren't there, or don't belong together.
    """
    found = load_ring(key_settings(environ))
    sealing.use(found)
    return found


def load_ring(settings: KeySettings) -> sealing.Ring:
    """Return the keys. Raises Misconfigured as `use_keys`."""
    return sealing.Ring(Folder(settings.store), Master.of(_secret(settings)))


def _secret(settings: KeySettings) -> bytes:
    if settings.master_file:
        return master.read_file(settings.master_file)
    return master.read_secret(settings.master_text, where="BTI_MASTER_KEY")


def make_keys(store: Path, master_file: Path) -> tuple[shares.Share, ...]:
    """Make a master key and an empty key store; return the three recovery shares, which are kept nowhere.

    Raises Misconfigured when there is a key or a store already, or they can't be written: then nothing is made.
    """
    if (store / "store.json").exists():
        raise Misconfigured([f"There is a key store in {store} already, and what it holds is needed."])
    secret = master.new_secret()
    master.write_file(master_file, secret)
    try:
        sealing.make_store(Folder(store), Master.of(secret))
    except Misconfigured:
        with suppress(OSError):
            master_file.unlink()
        raise
    return shares.split(secret)


def recover(texts: tuple[str, str], master_file: Path) -> str:
    """Write the master key that two recovery shares lead to, to a new file; return the key's id.

    Raises BadShare, Misconfigured when the file is there or can't be written.
    """
    secret = shares.joined([shares.read_share(text) for text in texts])
    master.write_file(master_file, secret)
    return master.key_id(secret)


def shares_fit(texts: tuple[str, str], settings: KeySettings) -> bool:
    """Return whether two recovery shares would restore the master key in use. Raises BadShare, Misconfigured."""
    return shares.joined([shares.read_share(text) for text in texts]) == _secret(settings)
