"""The definitions, read-only: levels, steps with their guide, moves with their needs, the diagram."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, render_template
from markupsafe import Markup

from bti.errors import NotFound
from bti.usecases import models
from bti.workflow.definition import CLOSED
from bti.workflow.diagram import mermaid, svg
from bti.workflow.library import UnknownDefinition, guide_text, load_definition, released
from bti.workflow.model import Model
from web import edge, language
from web.access import for_roles, me
from web.language import gettext as _
from web.sentences import need_sentence, word
from web.show import words

pages = Blueprint("models", __name__)
READERS = ("administrator", "bti_team", "coordinator", "unit_leader", "employee", "auditor")


@pages.get("/modellen")
@for_roles(*READERS)
def index() -> str:
    """List the definitions there are and say which one is in force."""
    in_force = edge.show("register.read", lambda s: models.in_force(s, municipality_id=me().municipality_id))
    found = [load_definition(name, version) for name, version in released()]
    return render_template("models/index.html", models=found, in_force=in_force)


@pages.get("/modellen/<name>/<int:version>")
@for_roles(*READERS)
def show(name: str, version: int) -> str:
    """Show one definition: diagram, levels, steps, moves and the rules of consent."""
    model = _model(name, version)
    here = language.current()
    return render_template(
        "models/show.html",
        model=model,
        definition=model.definition,
        diagram=Markup(svg(model, here)),  # noqa: S704  drawn by us from a checked definition, texts escaped there
        moves=[_move_line(model, move) for move in model.definition.moves],
        guides={step.key: guide_text(model, step.key) for level in model.definition.levels for step in level.steps},
    )


@pages.get("/modellen/<name>/<int:version>/figur.mmd")
@for_roles(*READERS)
def text(name: str, version: int) -> Response:
    """Give the diagram as Mermaid text."""
    return Response(mermaid(_model(name, version), language.current()), mimetype="text/plain")


def _model(name: str, version: int) -> Model:
    if (name, version) not in released():
        raise NotFound()
    try:
        return load_definition(name, version)
    except UnknownDefinition as error:
        raise NotFound() from error


def _move_line(model: Model, move: Any) -> tuple[str, str, str, str, str]:
    froms = ", ".join(_("avsluttet") if step == CLOSED else step for step in move.from_)
    to = _("avsluttet") if move.to == CLOSED else move.to
    needs = dict.fromkeys(need for step in move.from_ for need in model.needs_of(move, step))
    who = ", ".join(word("role", relation) for relation in move.by)
    return (words(move.label), froms, to, who, "; ".join(need_sentence(need) for need in needs) or "–")
