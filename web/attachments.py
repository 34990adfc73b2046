"""Files in a case: which there are, adding one, and downloading one. None is ever shown as a page."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from flask import Blueprint, Response, render_template, request, url_for

from bti.errors import Invalid, Refused
from bti.usecases import attachments
from bti.usecases.filetypes import TYPES
from web import edge
from web.access import STAFF, for_roles, me
from web.forms import Form, Problem, explain
from web.language import gettext as _
from web.show import words

pages = Blueprint("attachments", __name__)


@pages.route("/saker/<reference>/filer", methods=["GET", "POST"])
@for_roles(*STAFF)
def index(reference: str) -> Any:
    """Show the files of a case, and take one in."""
    form, problem = Form.of(), Problem()
    if request.method == "POST":
        try:
            return edge.submit(
                "attachment.add",
                lambda session: _add(session, reference, form),
                then=url_for("attachments.index", reference=reference),
                said=_("Filen er lagt ved saken."),
            )
        except Refused as refusal:
            problem = explain(refusal)
    return _page(reference, form, problem)


def _add(session: Any, reference: str, form: Form) -> str:
    sent = request.files.get("attachment")
    if sent is None or not sent.filename:
        raise Invalid(attachment="missing")
    return attachments.add(
        session, actor=me(), case_id=edge.in_case(session, reference), information_kind=form.text("information_kind"),
        name=sent.filename, content=sent.stream.read(attachments.LARGEST + 1), now=edge.now(),
    )  # fmt: skip


def _page(reference: str, form: Form, problem: Problem) -> Any:
    head, files = edge.show(
        "case.read",
        lambda session: attachments.of_case(
            session, actor=me(), case_id=edge.in_case(session, reference), now=edge.now()
        ),
    )
    scene = head.scene
    kinds = {choice.key: words(choice.label) for choice in scene.model.definition.information_kinds}
    page = render_template(
        "attachments/index.html",
        head=head,
        files=[_line(head, one, kinds) for one in files],
        may_add=scene.facts.is_open and scene.facts.has_log and bool(scene.standing & {"holder", "unit_leader"}),
        information_kinds=list(kinds.items()),
        accept=",".join(ending for _type, ending in TYPES.values()),
        form=form,
        problem=problem,
    )
    return page, problem.status


def _line(head: Any, one: Any, kinds: dict[str, str]) -> dict[str, Any]:
    return {
        "id": one.id,
        "name": one.name,
        "size": _size(one.size),
        "kind": kinds.get(one.information_kind, one.information_kind),
        "who": ", ".join(part for part in (one.author, head.unit_name(one.unit_id)) if part),
        "added_at": one.added_at,
    }


def _size(size: int) -> str:
    """Return how large a file is, as people say it."""
    if size < 1024:
        return _("%(number)s byte", number=size)
    if size < 1024 * 1024:
        return f"{size // 1024} kB"
    return f"{size / 1024 / 1024:.1f} MB".replace(".", ",")


@pages.get("/saker/<reference>/filer/<attachment_id>")
@for_roles(*STAFF)
def download(reference: str, attachment_id: str) -> Response:
    """Give a file to keep, never to be shown by the browser among our pages."""
    found = edge.show(
        "attachment.read",
        lambda session: attachments.download(
            session, actor=me(), case_id=edge.in_case(session, reference), attachment_id=attachment_id, now=edge.now()
        ),
    )
    answer = Response(found.content, content_type=found.media_type)
    answer.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(found.name, safe='')}"
    return answer
