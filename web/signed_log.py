"""The auditor's pages of the signed log: how far it has come, whether it holds, and the whole of it to take along.

What is checked here is checked by the server itself. An auditor who doesn't want to trust it takes the bundle along and
runs `bti-verify` elsewhere; the page says so.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextvars import copy_context
from pathlib import Path
from queue import SimpleQueue
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any

from flask import Blueprint, Response, current_app, flash, redirect, render_template, stream_template, url_for

from bti.clock import local_day
from bti.config import Misconfigured
from bti.usecases import signed_log, workbench
from bti.verifier.verdict import GOOD, TAMPERED, Report
from web import edge
from web.access import FRESH, me, require_step_up
from web.language import gettext as _

pages = Blueprint("signed_log", __name__, url_prefix="/revisjon/signert-logg")
PIECE = 64 * 1024
Progress = Callable[[int, int], None]


@pages.get("")
def home() -> str:
    """Show the newest signed head, what waits to be signed, and the ways to check and take along."""
    found = edge.show("audit.search", lambda session: workbench.see_log(session, actor=me(), now=edge.now()))
    return render_template("signed_log/home.html", state=found, is_stuck=found.is_stuck(edge.now()))


@pages.get("/sjekk")
def check() -> Response:
    """Check all of the log, and tell how far it has come while it goes on."""
    edge.show("audit.search", lambda session: workbench.will_check_log(session, actor=me(), now=edge.now()))
    database, here = current_app.extensions["bti_database"], me().municipality_id

    def work(progress: Progress) -> Report:
        return signed_log.verify(database, municipality_id=here, progress=progress)

    return Response(stream_template("signed_log/check.html", steps=_told_while(work)), mimetype="text/html")


def _told_while(work: Callable[[Progress], Report]) -> Iterator[dict[str, Any]]:
    """Give how far the work has come as it comes there, each tenth of the way, and at last what it found."""
    said: SimpleQueue[tuple[int, int] | Report | Exception] = SimpleQueue()

    def run() -> None:
        try:
            said.put(work(lambda done, total: said.put((done, total))))
        except Exception as problem:
            said.put(problem)

    Thread(target=copy_context().run, args=(run,), name="check-log", daemon=True).start()
    tenths = -1
    while True:
        match said.get():
            case (done, total):
                if total and done * 10 // total > tenths:
                    tenths = done * 10 // total
                    yield {"done": done, "total": total}
            case Report() as report:
                yield _found(report)
                return
            case Exception() as problem:
                current_app.logger.error("the signed log couldn't be checked", exc_info=problem)
                yield {"verdict": "unfinished"}
                return


def _found(report: Report) -> dict[str, Any]:
    verdict = {GOOD: "good", TAMPERED: "tampered"}.get(report.code, "undecided")
    return {"verdict": verdict, "report": report}


@pages.get("/pakke.zip")
def bundle() -> Any:
    """Give the whole signed log as a file that `bti-verify` reads elsewhere. Whole before the first byte leaves."""
    edge.show("log.export", lambda session: workbench.may_take_log(session, actor=me()))
    require_step_up(FRESH, back=url_for("signed_log.home"))
    folder = TemporaryDirectory(prefix="stafett-log-")
    try:
        packed = _packed(Path(folder.name))
    except Misconfigured:
        folder.cleanup()
        flash(_("Ingenting er signert ennå, så det er ingen pakke å ta med."), "warning")
        return redirect(url_for("signed_log.home"), 303)
    response = Response(_pieces(packed), mimetype="application/zip")
    response.content_length = packed.stat().st_size
    response.headers["Content-Disposition"] = f'attachment; filename="logg-{local_day(edge.now()).isoformat()}.zip"'
    response.call_on_close(folder.cleanup)
    return response


def _packed(folder: Path) -> Path:
    database = current_app.extensions["bti_database"]
    signed_log.write_bundle(database, actor=me(), folder=folder / "logg", now=edge.now())
    return Path(shutil.make_archive(str(folder / "pakke"), "zip", folder, "logg"))


def _pieces(file: Path) -> Iterator[bytes]:
    with file.open("rb") as opened:
        while piece := opened.read(PIECE):
            yield piece
