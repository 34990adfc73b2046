"""Hashes kept in tiles of 256, as C2SP tlog-tiles lays them out: level 8 · L of the tree in tiles of level L.

Whoever keeps these hashes can make any proof with a handful of reads and at most 255 hashes for each.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from .tree import Node, pair_up

HEIGHT = 8
WIDTH = 1 << HEIGHT

# Reads `count` neighbouring hashes of a tree level that is a multiple of 8: (level, first, count) → hashes.
Read = Callable[[int, int, int], Sequence[bytes]]


class TileRow(NamedTuple):
    """How many full tiles a tile level has, and how wide the partial one after them is (0: there is none)."""

    level: int
    full: int
    partial: int


def tile_path(level: int, index: int, width: int = WIDTH) -> str:
    """Return a tile's path, for example "tile/1/x001/x234/067.p/8" for a partial tile that holds 8 hashes."""
    thousands, last = divmod(index, 1000)
    parts = [f"{last:03}"]
    while thousands:
        thousands, part = divmod(thousands, 1000)
        parts.append(f"x{part:03}")
    path = f"tile/{level}/{'/'.join(reversed(parts))}"
    return path if width == WIDTH else f"{path}.p/{width}"


def tile_rows(size: int) -> list[TileRow]:
    """Return which tiles a tree of `size` entries has, from the leaves upwards."""
    rows: list[TileRow] = []
    count = size
    while count:
        rows.append(TileRow(len(rows), *divmod(count, WIDTH)))
        count //= WIDTH
    return rows


def nodes(read: Read) -> Node:
    """Return how a proof finds its hashes when only the levels 0, 8, 16 … are kept."""

    def node(level: int, index: int) -> bytes:
        above = level % HEIGHT
        hashes = list(read(level - above, index << above, 1 << above))
        if len(hashes) != 1 << above:
            raise ValueError(f"{1 << above} hashes of level {level - above} were asked for, {len(hashes)} found")
        while len(hashes) > 1:
            hashes = pair_up(hashes)
        return hashes[0]

    return node
