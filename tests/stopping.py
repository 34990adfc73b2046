"""`python -m tests.stopping STEP URL FOLDER`: write an entry, let it be numbered and signed, and die at STEP."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from bti import tenancy
from bti.audit import trail
from bti.crypto.keys import use_keys
from bti.crypto.signing import SigningKey
from bti.db import open_database
from bti.sequencer import epochs, numbering, signing, working
from bti.sequencer.folder import LogFolder
from bti.witness.heads import Heads
from tests.cast import HERE, Cast
from tests.sequencing import Ledger

# Where the process is killed: a function of ours, before or after it has done its work.
STEPS: dict[str, tuple[Any, str, str]] = {
    "entry written, not committed": (trail, "write", "after"),
    "entry committed": (working.Sequencer, "turn", "before"),
    "leaves written, not committed": (numbering, "_reach", "after"),
    "leaves committed": (working, "number", "after"),
    "before the memory moves on": (Heads, "_write", "before"),
    "while the memory moves on": (Path, "replace", "before"),
    "the memory moved on": (SigningKey, "sign_checkpoint", "before"),
    "head signed": (signing, "keep", "before"),
    "head written, not committed": (signing, "store", "after"),
    "head committed": (working, "sign", "after"),
}
ANEW: dict[str, tuple[Any, str, str]] = {
    "key made": (LogFolder, "key_made", "after"),
    "epoch written, not committed": (epochs, "begin", "after"),
    "epoch committed": (working.Sequencer, "turn", "before"),
}


def die(*_arguments: Any, **_more: Any) -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("still alive")


def deadly(work: Callable[..., Any], when: str) -> Callable[..., Any]:
    def working_and_dying(*arguments: Any, **more: Any) -> Any:
        if when == "after":
            work(*arguments, **more)
        die()

    return working_and_dying


def main(step: str, url: str, folder: str) -> None:
    use_keys(os.environ)
    place, name, when = (STEPS | ANEW)[step]
    tenancy.enter(HERE)
    ledger = Ledger(Cast(open_database(url)), Path(folder))
    # In the middle of a log's life: what is there from before has no part in it.
    setattr(place, name, deadly(getattr(place, name), when))
    if step in STEPS:
        ledger.cast.wonder(about="mia")
    elif ledger.epochs():
        ledger.begin_anew("new_key")
    ledger.turn()


if __name__ == "__main__":
    main(*sys.argv[1:])
