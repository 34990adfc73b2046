"""A municipality's own model, made from Overhalla's: other labels, a guide of its own, under names of its own."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

SHIPPED = Path(str(files("workflows")))
NAME = "nabovik"
GUIDE = "Spør naboen først."


def overhalla(name: str = NAME, version: int = 1, *, guide: str = f"{NAME}.1") -> str:
    """Return Overhalla's definition under another name, with steps on a ladder called Trinn."""
    text = (SHIPPED / "overhalla.1.toml").read_text("utf-8")
    return (
        text.replace('name = "overhalla"\nversion = 1', f'name = "{name}"\nversion = {version}', 1)
        .replace('guide = "standard.1"', f'guide = "{guide}"', 1)
        .replace('nb = "Nivå ', 'nb = "Trinn ')
        .replace("BTI i Overhalla", "BTI i Nabovik")
    )


def own_folder(place: Path) -> Path:
    """Make a folder with the definition and its guide in it."""
    folder = place / "modeller"
    (folder / "guides").mkdir(parents=True)
    guide = (SHIPPED / "guides" / "standard.1.toml").read_text("utf-8")
    (folder / f"{NAME}.1.toml").write_text(overhalla(), "utf-8")
    (folder / "guides" / f"{NAME}.1.toml").write_text(
        guide.replace('name = "standard"', f'name = "{NAME}"', 1).replace(
            'what.nb = "Skriv ned det du har sett', f'what.nb = "{GUIDE} Skriv ned det du har sett', 1
        ),
        "utf-8",
    )
    (folder / "LES MEG.txt").write_text("Kommunens egne modeller.", "utf-8")
    return folder
