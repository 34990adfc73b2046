"""`python -m bti.verifier`, or `python -m verifier` where this folder was copied."""

from __future__ import annotations

import sys

from .cli import main

if __name__ == "__main__":
    sys.exit(main())
