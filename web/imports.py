"""Importing files as an administrator: choose, upload, look over what it would do, carry it out, see how it went."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable
from threading import Thread
from typing import Any

from flask import Blueprint, Response, current_app, render_template, request, url_for

from bti import tenancy
from bti.db import reading
from bti.errors import Invalid, NotFound, Refused
from bti.queries.register import Import
from bti.usecases import register
from bti.usecases.auditing_copies import harmless
from bti.usecases.imports import runs, turns
from bti.usecases.imports.columns import COLUMNS, KINDS, column_of
from web import edge
from web.access import for_roles, me
from web.forms import Form, Problem, explain
from web.import_words import EXAMPLES, KIND_WORDS, LEADS, column_sentence, finding_sentence
from web.language import gettext as _
from web.language import ngettext

pages = Blueprint("imports", __name__, url_prefix="/administrasjon/import")
ADMINISTRATOR = ("administrator",)
MOST_SHOWN = 25
# A small file is done before the next page is shown; for a large one that page tells how it goes.
PATIENCE_SECONDS = 1.5
LOOK_AGAIN_SECONDS = 2


@pages.get("")
@for_roles(*ADMINISTRATOR)
def index() -> str:
    """Show what can be imported, in the order that it must come in, and the latest imports."""
    edge.perform("import.run", lambda session: turns.let_go(session, actor=me(), now=edge.now()))
    found = edge.show("register.read", lambda session: register.see_imports(session, actor=me(), now=edge.now()))
    kinds = [(kind, KIND_WORDS[kind](), LEADS[kind]()) for kind in KINDS]
    return render_template("imports/index.html", kinds=kinds, history=[_history_line(one) for one in found])


def _history_line(run: Import) -> dict[str, Any]:
    state, colour = {
        "checking": (_("Sjekkes nå"), "info"),
        "checked": (_("Venter på deg"), "warning"),
        "running": (_("Importeres nå"), "info"),
        "done": (_("Importert"), "success"),
    }.get(run.state, (_("Ikke importert"), "neutral"))
    return {"run": run, "kind": KIND_WORDS[run.kind](), "state": state, "colour": colour, "numbers": _numbers(run)}


def _numbers(run: Import) -> str:
    if run.state == "done":
        return _("%(new)s nye, %(changed)s endret", new=run.created, changed=run.changed)
    wrong = run.report.get("finding_count", 0)
    if wrong:
        return ngettext("%(num)d feil i filen", "%(num)d feil i filen", wrong)
    return ngettext("%(num)d rad", "%(num)d rader", run.total_rows)


@pages.route("/<any(units, staff, children, guardians):kind>", methods=["GET", "POST"])
@for_roles(*ADMINISTRATOR)
def upload(kind: str) -> Any:
    """Explain the columns of a kind of file, take one in, and let it be checked."""
    problem = Problem()
    if request.method == "POST":
        try:
            return _take_in(kind)
        except Refused as refusal:
            problem = explain(refusal)
    columns = [(one.header, one.needed, column_sentence(kind, one.name)) for one in COLUMNS[kind]]
    page = render_template(
        "imports/upload.html", kind=kind, title=KIND_WORDS[kind](), lead=LEADS[kind](), columns=columns, problem=problem
    )
    return page, problem.status


def _take_in(kind: str) -> Any:
    sent = request.files.get("file")
    received: list[str] = []

    def work(session: Any) -> str:
        if sent is None or not sent.filename:
            raise Invalid(file="missing")
        turns.take_turn(session, actor=me(), now=edge.now())
        received.append(runs.receive(session, actor=me(), kind=kind, content=sent.read(), now=edge.now()))
        return received[0]

    answer = edge.submit("import.dry_run", work, then=lambda run_id: url_for("imports.run", run_id=run_id))
    # Nothing was received when the same form is sent again.
    for run_id in received:
        _in_background(lambda run_id=run_id, **here: runs.check(run_id=run_id, **here))
    return answer


@pages.get("/<any(units, staff, children, guardians):kind>/eksempel.csv")
@for_roles(*ADMINISTRATOR)
def example(kind: str) -> Response:
    """Give a small file to fill in."""
    return _csv([[one.header for one in COLUMNS[kind]], *EXAMPLES[kind]], f"eksempel-{KIND_WORDS[kind]().lower()}.csv")


@pages.get("/resultat/<run_id>")
@for_roles(*ADMINISTRATOR)
def run(run_id: str) -> Any:
    """Show how an import goes: under way, checked and waiting, done, or not done and why."""
    return _run_page(_see(run_id), Problem())


def _see(run_id: str) -> Import:
    # Read without the turn to write: the import itself has it while it runs.
    with reading(current_app.extensions["bti_database"]) as session:
        found = register.see_import(session, actor=me(), run_id=run_id)
    if turns.is_interrupted(found, edge.now()):
        edge.perform("import.run", lambda session: turns.let_go(session, actor=me(), now=edge.now()))
        with reading(current_app.extensions["bti_database"]) as session:
            found = register.see_import(session, actor=me(), run_id=run_id)
    return found


def _run_page(found: Import, problem: Problem) -> Any:
    findings = found.report.get("findings", [])
    page = render_template(
        "imports/run.html",
        run=found,
        report=found.report,
        kind=KIND_WORDS[found.kind](),
        working=found.state in turns.WORKING,
        look_again=LOOK_AGAIN_SECONDS,
        findings=[_finding_line(found.kind, one) for one in findings[:MOST_SHOWN]],
        finding_count=found.report.get("finding_count", 0),
        listed=len(findings),
        problem=problem,
    )
    return page, problem.status


def _finding_line(kind: str, finding: dict[str, Any]) -> tuple[str, str, str]:
    column = column_of(kind, finding["column"]) if finding["column"] else None
    where = _("Rad %(row)s", row=finding["row"]) if finding["row"] else _("Hele filen")
    return (where, finding["column"] or "–", finding_sentence(column.name if column else "", finding))


@pages.get("/resultat/<run_id>/feil.csv")
@for_roles(*ADMINISTRATOR)
def findings(run_id: str) -> Response:
    """Give what is wrong with a file as a file, to work through beside it."""
    found = _see(run_id)
    if not found.report.get("findings"):
        raise NotFound()
    lines = [_finding_line(found.kind, one) for one in found.report["findings"]]
    return _csv([(_("Hvor"), _("Kolonne"), _("Hva er feil, og hva må gjøres")), *lines], "feil-i-filen.csv")


@pages.post("/resultat/<run_id>/importer")
@for_roles(*ADMINISTRATOR)
def carry_out(run_id: str) -> Any:
    """Import a file that was checked, all of it or nothing."""
    form = Form.of()
    begun: list[str] = []

    def work(session: Any) -> None:
        turns.begin(session, actor=me(), run_id=run_id, now=edge.now())
        begun.append(run_id)

    try:
        answer = edge.submit("import.run", work, then=url_for("imports.run", run_id=run_id))
    except Refused as refusal:
        return _run_page(_see(run_id), explain(refusal))
    mark_left = form.text("mark_left") == "ja"
    for run_id in begun:
        _in_background(lambda run_id=run_id, **here: runs.carry_out(run_id=run_id, mark_left=mark_left, **here))
    return answer


@pages.post("/resultat/<run_id>/forkast")
@for_roles(*ADMINISTRATOR)
def discard(run_id: str) -> Any:
    """Throw a checked file away."""
    try:
        return edge.submit(
            "import.run",
            lambda session: turns.discard(session, actor=me(), run_id=run_id, now=edge.now()),
            then=url_for("imports.index"),
            said=_("Filen er slettet. Ingenting ble importert."),
        )
    except Refused as refusal:
        return _run_page(_see(run_id), explain(refusal))


def _in_background(work: Callable[..., object]) -> None:
    """Begin long work in a thread of this process; how it goes stands in the import's row, not here."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    given: dict[str, Any] = {
        "database": app.extensions["bti_database"],
        "actor": me(),
        "clock": app.extensions["bti_clock"],
    }

    def watched() -> None:
        try:
            # A thread begins in no municipality.
            with tenancy.within(given["actor"].municipality_id):
                work(**given)
        except Exception as fault:
            # The row says that it failed. The fault itself may carry what stood in the file; its name doesn't.
            app.logger.error("an import failed: %s", type(fault).__name__)

    # Not a daemon: a server that is told to stop lets it come to its end.
    thread = Thread(target=watched, name="import")
    thread.start()
    thread.join(PATIENCE_SECONDS)


def _csv(lines: Iterable[Iterable[str]], filename: str) -> Response:
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=";", lineterminator="\r\n")
    for cells in lines:
        writer.writerow([harmless(cell) for cell in cells])
    # The mark tells Excel that it is UTF-8; Norwegian Excel divides at semicolons.
    answer = Response("\ufeff" + buffer.getvalue(), mimetype="text/csv")
    answer.headers["Content-Disposition"] = f'attachment; filename="{filename}"'
    return answer
