"""Administration: units, people, roles, ending somebody. No case content, of children only counts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, render_template, request, url_for

from bti.actor import ROLES
from bti.errors import Invalid, Refused
from bti.usecases import people, register, units
from bti.usecases.text import collect
from bti.workflow.definition import SERVICE_KINDS
from web import edge
from web.access import FRESH, for_roles, me, require_step_up
from web.forms import Form, Problem, explain
from web.language import LANGUAGES, ngettext
from web.language import gettext as _
from web.sentences import choices

pages = Blueprint("administration", __name__, url_prefix="/administrasjon")
ADMINISTRATOR = ("administrator",)


def _look(read: Callable[..., Any], **values: Any) -> Any:
    return edge.show("register.read", lambda s: read(s, actor=me(), now=edge.now(), **values))


def _sent(attempt: str, work: Callable[[Any], Any], then: Any, said: Any) -> tuple[Any, Problem]:
    """Carry a form out; return the way on, or the problem to show beside it."""
    try:
        return edge.submit(attempt, work, then=then, said=said), Problem()
    except Refused as refusal:
        return None, explain(refusal)


@pages.get("")
@for_roles(*ADMINISTRATOR)
def home() -> str:
    """Show units with what they need: a leader, staff, children."""
    ended = request.args.get("vis") == "avsluttede"
    return render_template("administration/home.html", units=_look(register.see_units, ended=ended), ended=ended)


@pages.route("/enheter/ny", methods=["GET", "POST"])
@for_roles(*ADMINISTRATOR)
def new_unit() -> Any:
    """Add a unit."""
    form, problem = Form.of(), Problem()
    if request.method == "POST":
        done, problem = _sent(
            "unit.add",
            lambda s: units.add_unit(
                s, actor=me(), name=form.text("name"), kind=form.text("kind"), phone=form.text("phone"),
                is_external=form.text("is_external") == "ja", now=edge.now(),
            ),
            lambda unit_id: url_for("administration.unit", unit_id=unit_id),
            _("Enheten er lagt til. Gi den en leder, så ingen sak blir stående alene."),
        )  # fmt: skip
        if done:
            return done
    page = render_template(
        "administration/unit_form.html", form=form, problem=problem, unit=None, kinds=choices("unit", SERVICE_KINDS)
    )
    return page, problem.status


@pages.route("/enheter/<unit_id>", methods=["GET", "POST"])
@for_roles(*ADMINISTRATOR)
def unit(unit_id: str) -> Any:
    """Show a unit and its staff, and change it."""
    form, problem = Form.of(), Problem()
    if request.method == "POST":
        done, problem = _sent(
            "unit.change",
            lambda s: units.change_unit(
                s, actor=me(), unit_id=unit_id, name=form.text("name"), kind=form.text("kind"),
                phone=form.text("phone"), now=edge.now(),
            ),
            url_for("administration.unit", unit_id=unit_id),
            _("Enheten er endret."),
        )  # fmt: skip
        if done:
            return done
    found = _look(register.see_unit, unit_id=unit_id)
    if request.method == "GET":
        form = Form({"name": found.name, "kind": found.kind, "phone": found.phone})
    staff = _look(register.see_people, unit_id=unit_id)
    page = render_template(
        "administration/unit.html", form=form, problem=problem, unit=found, staff=staff,
        kinds=choices("unit", SERVICE_KINDS),
    )  # fmt: skip
    return page, problem.status


@pages.route("/enheter/<unit_id>/avslutt", methods=["GET", "POST"])
@for_roles(*ADMINISTRATOR)
def end_unit(unit_id: str) -> Any:
    """End a unit that nobody works in and no open case belongs to."""
    problem = Problem()
    if request.method == "POST":
        done, problem = _sent(
            "unit.end",
            lambda s: units.end_unit(s, actor=me(), unit_id=unit_id, now=edge.now()),
            url_for("administration.home"),
            _("Enheten er avsluttet. Gamle saker beholder navnet."),
        )
        if done:
            return done
    found = _look(register.see_unit, unit_id=unit_id)
    return render_template("administration/end_unit.html", unit=found, problem=problem), problem.status


@pages.get("/ansatte")
@for_roles(*ADMINISTRATOR)
def staff() -> str:
    """Search the staff by name."""
    search, after = request.args.get("q", "")[:80], request.args.get("etter", "")[:200]
    ended = request.args.get("vis") == "sluttet"
    found = _look(register.see_people, search=search, ended=ended, after=after)
    kept: dict[str, Any] = {name: request.args[name] for name in ("q", "vis") if name in request.args}
    older = url_for("administration.staff", **kept, etter=found.after) if found.after else None
    return render_template("administration/staff.html", found=found, search=search, ended=ended, older=older)


@pages.route("/ansatte/ny", methods=["GET", "POST"])
@for_roles(*ADMINISTRATOR)
def new_person() -> Any:
    """Add somebody to the staff with their first role."""
    form, problem = Form.of({"language": "nb", "role": "employee", "unit": request.args.get("enhet", "")}), Problem()

    def add(session: Any) -> str:
        return people.add_person(
            session, actor=me(), username=form.text("username"), name=form.text("name"), title=form.text("title"),
            email=form.text("email"), phone=form.text("phone"), language=form.text("language"),
            password=form.text("password") or None, now=edge.now(),
        )  # fmt: skip

    def work(session: Any) -> str:
        added: list[str] = []
        collect(lambda: added.append(add(session)), lambda: _require_unit(form))
        people.grant_role(
            session, actor=me(), person_id=added[0], unit_id=form.text("unit"), role=form.text("role"), now=edge.now()
        )
        return added[0]

    if request.method == "POST":
        done, problem = _sent(
            "person.add",
            work,
            lambda person_id: url_for("administration.person", person_id=person_id),
            _("Personen er lagt til, og kan logge inn med passordet du skrev.")
            if form.text("password")
            else _("Personen er lagt til, men kan ikke logge inn før du gir et passord under."),
        )
        if done:
            return done
    page = render_template("administration/person_form.html", form=form, problem=problem, **_lists())
    return page, problem.status


def _require_unit(form: Form) -> None:
    if not form.text("unit"):
        raise Invalid(unit="not_chosen")


def _lists() -> dict[str, Any]:
    """Return what forms about people choose from."""
    return {
        "units": [(one.id, one.name) for one in _look(register.see_units)],
        "roles": choices("role", ROLES),
        "languages_known": list(LANGUAGES.items()),
    }


@pages.route("/ansatte/<person_id>", methods=["GET", "POST"])
@for_roles(*ADMINISTRATOR)
def person(person_id: str) -> Any:
    """Show a person with roles and batons, and change their particulars."""
    form, problem = Form.of(), Problem()
    if request.method == "POST":
        done, problem = _sent(
            "person.change",
            lambda s: people.change_person(
                s, actor=me(), person_id=person_id, name=form.text("name"), title=form.text("title"),
                email=form.text("email"), phone=form.text("phone"), language=form.text("language"), now=edge.now(),
            ),
            url_for("administration.person", person_id=person_id),
            lambda changed: _("Opplysningene er lagret.") if changed else _("Ingenting var endret."),
        )  # fmt: skip
        if done:
            return done
    return _person_page(person_id, problem, form if request.method == "POST" else None)


def _person_page(person_id: str, problem: Problem, form: Form | None = None, role: Form | None = None) -> Any:
    """Show a person; `form` and `role` are what was typed into the particulars and the role, where that was sent."""
    found = _look(register.see_person, person_id=person_id)
    known = Form({name: getattr(found, name) for name in ("name", "title", "email", "phone", "language")})
    page = render_template(
        "administration/person.html", person=found, form=form or known, given=role or Form({"role": "employee"}),
        problem=problem, **_lists(),
    )  # fmt: skip
    return page, problem.status


@pages.post("/ansatte/<person_id>/roller")
@for_roles(*ADMINISTRATOR)
def grant(person_id: str) -> Any:
    """Give a person a role in a unit."""
    form = Form.of()

    def work(session: Any) -> None:
        _require_unit(form)
        people.grant_role(
            session, actor=me(), person_id=person_id, unit_id=form.text("unit"), role=form.text("role"), now=edge.now()
        )

    done, problem = _sent(
        "role.grant",
        work,
        url_for("administration.person", person_id=person_id),
        _("Rollen gjelder fra nå."),
    )
    return done or _person_page(person_id, problem, role=form)


@pages.route("/ansatte/<person_id>/roller/avslutt", methods=["GET", "POST"])
@for_roles(*ADMINISTRATOR)
def end_role(person_id: str) -> Any:
    """End a role at once; batons held through it go to an interim holder."""
    problem, form = Problem(), Form.of({"unit": request.args.get("enhet", ""), "role": request.args.get("rolle", "")})
    if request.method == "POST":
        done, problem = _sent(
            "role.end",
            lambda s: people.end_role(
                s, actor=me(), person_id=person_id, unit_id=form.text("unit"), role=form.text("role"), now=edge.now()
            ),
            url_for("administration.person", person_id=person_id),
            _moved,
        )
        if done:
            return done
    found = _look(register.see_person, person_id=person_id)
    page = render_template("administration/end_role.html", person=found, form=form, problem=problem)
    return page, problem.status


@pages.route("/ansatte/<person_id>/avslutt", methods=["GET", "POST"])
@for_roles(*ADMINISTRATOR)
def end_person(person_id: str) -> Any:
    """End somebody: roles, access and sessions at once, batons to interim holders."""
    require_step_up(FRESH)
    problem = Problem()
    if request.method == "POST":
        done, problem = _sent(
            "person.end",
            lambda s: people.end_person(s, actor=me(), person_id=person_id, now=edge.now()),
            url_for("administration.staff"),
            _moved,
        )
        if done:
            return done
    found = _look(register.see_person, person_id=person_id)
    return render_template("administration/end_person.html", person=found, problem=problem), problem.status


def _moved(batons: int) -> str:
    if not batons:
        return _("Avsluttet.")
    return ngettext(
        "Avsluttet. %(num)d stafettpinne gikk til en midlertidig holder.",
        "Avsluttet. %(num)d stafettpinner gikk til midlertidige holdere.",
        batons,
    )


@pages.post("/ansatte/<person_id>/passord")
@for_roles(*ADMINISTRATOR)
def password(person_id: str) -> Any:
    """Give a person a new password."""
    form = Form.of()
    done, problem = _sent(
        "person.change",
        lambda s: people.set_password(
            s, actor=me(), person_id=person_id, password=form.text("password"), now=edge.now()
        ),
        url_for("administration.person", person_id=person_id),
        _("Passordet er byttet. Det gamle gjelder ikke lenger."),
    )
    return done or _person_page(person_id, problem)
