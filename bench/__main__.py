"""`python -m bench [NAME …]`: measure all the promises, or those named."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from time import perf_counter

from bench import case_page, decision, http, log, move, sealing, verify, worklist
from bench.places import Places
from bench.report import Figure, print_table, write

MEASURES: dict[str, Callable[[Places], Iterator[Figure]]] = {
    "move": move.measure,
    "decision": decision.measure,
    "worklist": worklist.measure,
    "case_page": case_page.measure,
    "sealing": sealing.measure,
    "http": http.measure,
    "log": log.measure,
    "verify": verify.measure,
}


def main(names: list[str]) -> int:
    """Measure, print, write var/bench.json. Returns 2 for a name that isn't one; a promise not kept is no error."""
    unknown = set(names) - set(MEASURES)
    if unknown:
        print(f"There is no {', '.join(sorted(unknown))}: choose from {', '.join(MEASURES)}.", file=sys.stderr)
        return 2
    started, figures, places = perf_counter(), [], Places()
    try:
        for name in names or MEASURES:
            print(f"Measuring {name} …", file=sys.stderr, flush=True)
            figures += list(MEASURES[name](places))
    finally:
        places.close()
    print_table(figures, places.notes)
    write(figures, places.notes, seconds=perf_counter() - started)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
