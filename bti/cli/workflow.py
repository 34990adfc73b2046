"""`bti workflow`: check definitions, draw them, and say their form."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from bti.cli.simulate import simulate_command
from bti.workflow import diagram, jsonschema
from bti.workflow.checks import Finding, check_file
from bti.workflow.definition import LANGUAGES
from bti.workflow.library import UnsafeDefinition, load_file

_FILE = click.Path(path_type=Path)


@click.group()
def workflow() -> None:
    """Check, draw and try out the definitions of the model."""


workflow.add_command(simulate_command)


@workflow.command()
@click.argument("files", nargs=-1, required=True, type=_FILE)
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
def check(files: tuple[Path, ...], as_json: bool) -> None:
    """Say everything that is wrong with FILES.

    They are definitions, guides or machines. Exits 1 when there is anything.
    """
    findings = {path: check_file(path) for path in files}
    if as_json:
        click.echo(json.dumps([asdict(f) for some in findings.values() for f in some], indent=2, ensure_ascii=False))
    else:
        for path, some in findings.items():
            click.echo(_report(path, some))
    if any(findings.values()):
        raise SystemExit(1)


@workflow.command()
@click.option("--form", type=click.Choice(list(jsonschema.FORMS)), default="definition", show_default=True)
def schema(form: str) -> None:
    """Print the JSON Schema of a kind of file."""
    click.echo(json.dumps(jsonschema.schema(form), indent=2, ensure_ascii=False))


@workflow.command(name="diagram")
@click.argument("file", type=_FILE)
@click.option("--format", "kind", type=click.Choice(["svg", "mermaid"]), default="svg", show_default=True)
@click.option("--language", type=click.Choice(LANGUAGES), default="nb", show_default=True)
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write to a file.")
def draw(file: Path, kind: str, language: str, output: Path | None) -> None:
    """Draw the definition in FILE. It must be one that `check` has nothing against."""
    try:
        model = load_file(file)
    except UnsafeDefinition as error:
        click.echo(_report(file, list(error.findings)), err=True)
        raise SystemExit(1) from error
    picture = diagram.svg(model, language) if kind == "svg" else diagram.mermaid(model, language)
    if output is None:
        click.echo(picture, nl=False)
        return
    try:
        output.write_text(picture, "utf-8")
    except OSError as error:
        raise click.FileError(str(output), hint=error.strerror) from error


def _report(path: Path, findings: list[Finding]) -> str:
    if not findings:
        return f"{path}: safe."
    count = "1 finding" if len(findings) == 1 else f"{len(findings)} findings"
    return "\n".join([f"{path}: {count}", *(_paragraph(finding) for finding in findings)])


def _paragraph(finding: Finding) -> str:
    where = finding.key_path or "the file"
    return f"\n  {where}  [{finding.code}]\n    {finding.sentence}\n    → {finding.mend}"
