"""An employee's wonders: registering one, the draft meanwhile, one's own list, adding, naming, handing on."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, current_app, flash, jsonify, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from bti.db import reading
from bti.errors import Forbidden, Invalid, NotFound, NotPossible, Refused
from bti.queries.desk import Child, Place
from bti.usecases import cases, desk, drafts, wonders
from bti.usecases.finding import find_case
from bti.usecases.reading import CaseHead, open_case
from web import edge, fates, places
from web.access import for_roles, me
from web.forms import Form, Problem, explain
from web.language import gettext as _
from web.show import day, words

pages = Blueprint("wonders", __name__)
STAFF = desk.STAFF_OF_A_UNIT
# The order of the fields on the page, which is the order of the summary of errors.
FIELDS = ("unit", "subject", "themes", "seen", "talked")


# --- registering -------------------------------------------------------------------------------------------------


@pages.route("/undringer/ny", methods=["GET", "POST"])
@for_roles(*STAFF)
def new() -> Any:
    """Show the one short form, or register what was written in it."""
    form = Form.of()
    if request.method == "GET":
        draft = _draft()
        return _new_page(Form(dict(draft.fields)) if draft else form, draft=draft)
    if form.text("sok"):
        return _new_page(form, searched=True)
    try:
        return edge.submit(
            "case.open",
            lambda session: _register(session, form),
            then=lambda done: url_for("cases.case", reference=done.reference),
            said=_registered_notice,
        )
    except Refused as refusal:
        problem = explain(refusal)
        return _new_page(form, problem, searched="subject" in problem.errors), problem.status


def _register(session: Any, form: Form) -> desk.Registered:
    own = _own_units()
    subject_id = form.text("subject")
    if not subject_id and form.text("subject_sok") and not form.text("nameless"):
        subject_id = _typed_in_full(session, form.text("subject_sok"))
    return desk.register(
        session,
        actor=me(),
        unit_id=own[0][0] if len(own) == 1 else form.text("unit"),
        subject_id=subject_id,
        nameless=bool(form.text("nameless")),
        themes=form.keys("themes"),
        seen=form.text("seen"),
        talked=form.text("talked"),
        now=edge.now(),
    )


def _typed_in_full(session: Any, text: str) -> str:
    """Return the one child whose whole name was typed instead of chosen; empty when there is any doubt."""
    found = desk.find_children(session, actor=me(), text=text, now=edge.now())
    typed = " ".join(text.split()).casefold()
    exact = [child for child in found if typed in (child.name.casefold(), f"{child.name}, {child.group}".casefold())]
    return exact[0].id if len(exact) == 1 and len(found) < desk.MOST_HITS else ""


def _registered_notice(done: desk.Registered) -> str:
    said = _("Undringen er lagret. Bare du ser den inntil du deler den. Neste steg står under.")
    if done.due_on:
        said = _(
            "Undringen er lagret. Bare du ser den inntil du deler den. Neste steg står under, med frist %(day)s.",
            day=day(done.due_on),
        )
    return f"{said} {fates.hint_sentence()}" if done.hint else said


def _new_page(
    form: Form, problem: Problem | None = None, *, draft: drafts.Draft | None = None, searched: bool = False
) -> str:
    problem = problem or Problem()
    with reading(current_app.extensions["bti_database"]) as session:
        themes = wonders.model_in_force(session, me().municipality_id).definition.themes
    options, child = _options(form, searched)
    return render_template(
        "wonders/new.html",
        form=form,
        problem=problem,
        errors={name: problem.errors[name] for name in sorted(problem.errors, key=_place)},
        draft=draft,
        options=options,
        subject_text=child or form.text("subject_sok"),
        themes=[(theme.key, words(theme.label)) for theme in themes],
        talked=wonders.TALKED,
        units=_own_units(),
        longest=desk.LONGEST_NOTE,
    )


def _place(field: str) -> int:
    return FIELDS.index(field) if field in FIELDS else len(FIELDS)


def _options(form: Form, searched: bool) -> tuple[list[tuple[str, str]] | None, str]:
    """Return the children to choose among without script, and the chosen one's name."""
    chosen = form.text("subject")
    if chosen and not form.text("sok"):
        with reading(current_app.extensions["bti_database"]) as session:
            try:
                label = child_labels((desk.chosen_child(session, actor=me(), subject_id=chosen),))[0][1]
            except Invalid:
                return None, ""
        return [(chosen, label)], label
    if searched and form.text("subject_sok"):
        found = edge.show(
            "subject.search",
            lambda session: desk.find_children(session, actor=me(), text=form.text("subject_sok"), now=edge.now()),
        )
        return child_labels(found), ""
    return None, ""


def _own_units() -> list[tuple[str, str]]:
    known = {one.unit_id: one.unit_name for one in me().memberships if one.role in STAFF}
    return sorted(known.items(), key=lambda unit: unit[1])


# --- the draft meanwhile -----------------------------------------------------------------------------------------


@pages.post("/kladd/undring")
@for_roles(*STAFF)
def keep_draft() -> Any:
    """Keep what is typed so far: sent by the script now and then, or by the button "Lagre som kladd"."""
    pressed = bool(request.form.get("kladd"))
    try:
        edge.perform(
            "draft.save",
            lambda session: drafts.save(session, actor=me(), form=desk.DRAFT, content=request.form, now=edge.now()),
        )
    except Invalid as refusal:
        if not pressed:
            return "", refusal.status
        problem = Problem({"seen": explain(refusal).errors["draft"]}, code="invalid", status=refusal.status)
        return _new_page(Form.of(), problem), refusal.status
    if not pressed:
        return "", 204
    flash(_("Kladden er lagret. Bare du ser den. Du finner den igjen under «Ny undring»."), "success")
    return redirect(url_for("wonders.mine"), 303)


@pages.post("/kladd/undring/slett")
@for_roles(*STAFF)
def drop_draft() -> Response:
    """Throw the draft away."""
    edge.perform("draft.drop", lambda session: drafts.drop(session, actor=me(), form=desk.DRAFT))
    flash(_("Kladden er kastet. Du kan begynne på nytt."), "success")
    return redirect(url_for("wonders.new"), 303)


def _draft() -> drafts.Draft | None:
    """Return the draft, unless nothing of it was ever filled in."""
    with reading(current_app.extensions["bti_database"]) as session:
        found = drafts.load(session, actor=me(), form=desk.DRAFT)
    filled = ("subject", "subject_sok", "themes", "seen", "talked", "nameless")
    return found if found and any(any(found.fields.get(name, ())) for name in filled) else None


# --- finding a child ---------------------------------------------------------------------------------------------


@pages.get("/barn/sok")
@for_roles(*STAFF)
def search() -> Response:
    """Answer the search field: children of the own units, or of the one in `enhet`."""
    text = request.args.get("q", "")[:80]
    within = [request.args["enhet"]] if request.args.get("enhet") else []
    found = edge.show(
        "subject.search",
        lambda session: desk.find_children(session, actor=me(), text=text, now=edge.now(), unit_ids=within),
    )
    return jsonify([{"value": value, "label": label} for value, label in child_labels(found)])


def child_labels(found: tuple[Child, ...]) -> list[tuple[str, str]]:
    """Return children as choices: "Ola Nordli, 4B", with the unit for one who works in several, and with the
    birthday when two would read the same."""
    several = len(_own_units()) > 1
    plain = [
        ", ".join(part for part in (child.name, child.group, child.unit_name if several else "") if part)
        for child in found
    ]
    return [
        (child.id, _("%(name)s, født %(day)s", name=label, day=day(child.born_on)) if plain.count(label) > 1 else label)
        for child, label in zip(found, plain, strict=True)
    ]


# --- one's own wonders -------------------------------------------------------------------------------------------


@pages.get("/undringer")
@for_roles(*STAFF)
def mine() -> str:
    """List what one has registered and what became of it."""
    after = places.asked_for(Place)
    found = edge.show(
        "wonder.read", lambda session: desk.read_wonders(session, actor=me(), after=after, now=edge.now())
    )
    older = None
    if found.after:
        older = url_for("wonders.mine", etter=places.written(found.after.opened_at, found.after.id))
    return render_template(
        "wonders/mine.html",
        rows=[fates.line(row) for row in found.rows],
        older=older,
        first=after is None,
        draft=_draft(),
    )


@pages.get("/undringer/<reference>")
@for_roles(*STAFF)
def status(reference: str) -> str:
    """Show one's own wonder at any later time: own words, the leader's answer, what became of it."""

    def read(session: Any) -> desk.OwnWonder:
        case_id = edge.in_case(session, reference)
        return desk.read_wonder(session, actor=me(), case_id=case_id, now=edge.now())

    found = edge.show("wonder.read", read)
    return render_template("wonders/status.html", found=found, row=found.row, line=fates.line(found.row))


# --- adding, naming, handing on ----------------------------------------------------------------------------------


@pages.route("/undringer/<reference>/notat", methods=["GET", "POST"])
@for_roles(*STAFF)
def note(reference: str) -> Any:
    """Add to a wonder, or write down a talk with the guardians."""
    form = Form.of({"kind": request.args.get("slag", "note")})
    problem = Problem()
    if request.method == "POST":
        try:
            return edge.submit(
                "note.add",
                lambda session: desk.add_to_wonder(
                    session,
                    actor=me(),
                    case_id=edge.in_case(session, reference),
                    kind=form.text("kind"),
                    text=form.text("text"),
                    happened_on=form.day("happened_on"),
                    now=edge.now(),
                ),
                then=url_for("cases.case", reference=reference),
                said=_noted_notice(form.text("kind")),
            )
        except Refused as refusal:
            talked = form.text("kind") == "guardian_talk"
            ask = _("Skriv kort hva dere ble enige om") if talked else _("Skriv hva du har sett eller hørt")
            problem = explain(refusal, text=ask)
    head = _opened(reference, "note")
    if not problem and head.scene.facts.level_order:
        raise NotPossible("has_log_now")
    page = render_template(
        "wonders/note.html", head=head, form=form, problem=problem, errors=problem.errors, longest=desk.LONGEST_NOTE
    )
    return page, problem.status


def _noted_notice(kind: str) -> str:
    if kind == "guardian_talk":
        return _("Samtalen er registrert. Nå kan dere vurdere veien videre.")
    return _("Tillegget er lagret sammen med undringen.")


@pages.route("/undringer/<reference>/barn", methods=["GET", "POST"])
@for_roles(*STAFF)
def identify(reference: str) -> Any:
    """Say whom a wonder without a name is about."""
    form, problem = Form.of(), Problem()
    if request.method == "POST" and not form.text("sok"):
        try:
            return edge.submit(
                "case.identify",
                lambda session: wonders.identify(
                    session,
                    actor=me(),
                    case_id=edge.in_case(session, reference),
                    subject_id=form.text("subject"),
                    seen_version=form.number("versjon"),
                    now=edge.now(),
                ),
                then=url_for("cases.case", reference=reference),
                said=_("Nå står det hvem undringen gjelder. Den er fortsatt bare din inntil du deler den."),
            )
        except Refused as refusal:
            problem = explain(refusal)
    head = _opened(reference, "identify")
    if head.scene.facts.subject_id and not problem:
        raise NotPossible("already_named")
    if not head.scene.standing & {"author", "holder"}:
        raise Forbidden("not_your_task", wanted="author holder")
    options, chosen = _options(form, bool(form.text("sok")) or "subject" in problem.errors)
    page = render_template(
        "wonders/identify.html", head=head, form=form, problem=problem, errors=problem.errors, options=options,
        subject_text=chosen or form.text("subject_sok"),
    )  # fmt: skip
    return page, problem.status


@pages.route("/undringer/<reference>/gi-videre", methods=["GET", "POST"])
@for_roles(*STAFF)
def hand_on(reference: str) -> Any:
    """Give a wonder to the open case of the same child, for those who can open both."""
    form, problem = Form.of(), Problem()
    target = form.text("til")
    if request.method == "POST" and target:
        try:
            return edge.submit(
                "case.hand_on",
                lambda session: cases.hand_on(
                    session,
                    actor=me(),
                    case_id=edge.in_case(session, reference),
                    to_case_id=find_case(session, municipality_id=me().municipality_id, reference=target),
                    seen_version=form.number("versjon"),
                    now=edge.now(),
                ),
                then=url_for("cases.case", reference=target),
                said=_("Undringen er lagt til denne saken og avsluttet. Den som skrev den, ser at den er tatt videre."),
            )
        except Refused as refusal:
            problem = explain(refusal)
    elif request.method == "POST":
        problem = explain(Invalid(til="missing"))

    def read(session: Any) -> tuple[CaseHead, desk.Hint]:
        head = open_case(
            session, actor=me(), case_id=edge.in_case(session, reference), now=edge.now(), part="case", views=("full",)
        )
        return head, desk.hint_of(session, scene=head.scene)

    head, hint = edge.show("case.read", read)
    if not hint and not problem:
        raise NotFound()
    page = render_template(
        "wonders/hand_on.html", head=head, hint=hint, form=form, problem=problem, errors=problem.errors
    )
    return page, problem.status


def _opened(reference: str, part: str) -> CaseHead:
    """Open a case that the person may read, for a form about it. Raises NotFound, NotPossible when it is closed."""
    head = edge.show(
        "case.read",
        lambda session: open_case(
            session, actor=me(), case_id=edge.in_case(session, reference), now=edge.now(), part=part, views=("full",)
        ),
    )
    if not head.scene.facts.is_open:
        raise NotPossible("case_closed")
    return head
