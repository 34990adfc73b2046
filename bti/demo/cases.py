"""One case in the telling: what people do in it, each through the use case that the pages call too."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import sqlalchemy as sa

from bti.clock import local_day
from bti.demo.play import Stage, takes_version
from bti.demo.town import HERE, STAFF
from bti.models import cases, consent_parties, consents, guardianships
from bti.usecases import answers, baton, consent, doors, legal_basis, log, participants, reading, referrals, wonders
from bti.usecases import cases as moving
from bti.usecases.answers import Said

EVERYDAY = "everyday measures"
# Made once: everything anybody does begins with it.
_ROW = sa.select(cases.c.version, cases.c.holder_id, cases.c.unit_id, cases.c.step).where(
    cases.c.municipality_id == HERE, cases.c.id == sa.bindparam("case_id")
)


class Case:
    """A case under way. People, units and children go by their short names; days are counted from today.

    Who does something is the holder unless `by` says otherwise. Measures and goals are remembered in the order they
    were made, so that the story can go back to them.
    """

    def __init__(self, stage: Stage) -> None:
        self.stage, self.town = stage, stage.town
        self.id, self.about = "", ""
        self.goals: list[str] = []
        self.measures: list[str] = []

    # --- who ---

    @property
    def row(self) -> Any:
        """The case as it stands."""
        return self.stage.session.execute(_ROW, {"case_id": self.id}).one()

    @property
    def holder(self) -> str:
        """Who holds the baton."""
        return self._name(self.town.people, self.row.holder_id)

    @property
    def unit(self) -> str:
        """Which unit the case belongs to."""
        return self._name(self.town.units, self.row.unit_id)

    @property
    def leader(self) -> str:
        """Who leads that unit."""
        return self.town.leader_of(self.unit)

    def _name(self, known: dict[str, str], id_: str) -> str:
        return next(name for name, one in known.items() if one == id_)

    def act(self, usecase: Callable[..., Any], by: str = "", **more: Any) -> Any:
        """Let somebody do something in the case, on the page as it is now."""
        row = self.row
        if takes_version(usecase):
            more["seen_version"] = row.version
        return self.stage.act(usecase, by or self._name(self.town.people, row.holder_id), case_id=self.id, **more)

    # --- level 0 ---

    def wonder(self, by: str, about: str, themes: str, seen: str, talked: str = "no") -> None:
        """Register a wonder about a child, or about nobody in particular."""
        self.about = about
        opened = self.stage.act(
            wonders.register, by, unit_id=self.town.units[STAFF[by].unit], themes=themes.split(), seen=seen,
            subject_id=self.town.subjects[about] if about else None, talked=talked,
        )  # fmt: skip
        self.id = opened.case_id

    def name_child(self, about: str) -> None:
        """Say whom the wonder is about."""
        self.about = about
        self.act(wonders.identify, subject_id=self.town.subjects[about])

    def feedback(self, text: str) -> None:
        """Let the leader answer the one who wondered."""
        self.act(wonders.give_feedback, self.leader, text=text)

    def note(self, text: str, kind: str = "note") -> None:
        """Add to the wonder: a note, or that the `guardian_talk` was held."""
        self.act(wonders.add_note, kind=kind, text=text, happened_on=self.today)

    @property
    def today(self) -> date:
        """The day the story has come to."""
        return local_day(self.stage.clock)

    def hand_on(self, to: Case) -> None:
        """Let the leader give the wonder to a case that is already open about the same child."""
        self.act(moving.hand_on, self.leader, to_case_id=to.id)

    # --- moving ---

    def move(self, name: str, by: str = "", *, due: int | None = None, reason: str = "", closing: str = "") -> None:
        """Take a move; `due` sets the next date."""
        day = None if due is None else self.stage.day(due)
        self.act(moving.move, by, name=name, next_date=day, reason=reason, closing_reason=closing or None)

    def too_early(self, name: str) -> None:
        """Let the holder try a move for which not everything is in place."""
        self.stage.attempt(
            moving.move, self.holder, "case.move", case_id=self.id, name=name, seen_version=self.row.version
        )

    def not_theirs(self, by: str) -> None:
        """Let somebody try to open the case who has nothing to do with it."""
        self.stage.attempt(reading.read_case, by, "case.read", case_id=self.id)

    def next_date(self, due: int, reason: str) -> None:
        """Move the deadline."""
        self.act(moving.set_next_date, next_date=self.stage.day(due), reason=reason)

    def look(self, by: str = "") -> None:
        """Open the case's page."""
        self.act(reading.read_case, by)

    # --- the baton ---

    def confirm(self) -> None:
        """Let the leader decide that the holder goes on on the level to come."""
        self.act(baton.confirm_holder, self.leader)

    def offer(self, to: str, note: str, *, takes_over: bool = False) -> str:
        """Offer the baton."""
        offer_id: str = self.act(
            baton.offer, to_person_id=self.town.people[to], to_unit_id=self.town.units[STAFF[to].unit], note=note,
            takes_over_log=takes_over,
        )  # fmt: skip
        return offer_id

    def hand_over(self, to: str, note: str, *, takes_over: bool = False) -> None:
        """Offer the baton to somebody who takes it."""
        self.act(baton.accept, to, offer_id=self.offer(to, note, takes_over=takes_over))

    def decline(self, by: str, offer_id: str, reason: str, note: str) -> None:
        """Let the one who was offered the baton say no."""
        self.act(baton.decline, by, offer_id=offer_id, reason=reason, note=note)

    def take_back(self, offer_id: str) -> None:
        """Withdraw an offer."""
        self.act(baton.withdraw_offer, offer_id=offer_id)

    def stand_in(self, reason: str) -> None:
        """Let the leader hold the baton because the holder is away."""
        self.act(baton.interim_by_leader, self.leader, reason=reason)

    # --- consent ---

    def ask(
        self, purpose: str, *units: str, about: str, until: int | None = None, kinds: str = EVERYDAY,
        reservations: str = "", renews: str | None = None,
    ) -> str:  # fmt: skip
        """Ask for a consent; without units it is for the case's own."""
        consent_id: str = self.act(
            consent.ask, purpose=purpose, unit_ids=[self.town.units[one] for one in units or (self.unit,)],
            kinds=kinds.split(), about=about, reservations=reservations, renews_id=renews,
            valid_to=None if until is None else self.stage.day(until),
        )  # fmt: skip
        return consent_id

    def say(self, consent_id: str, answer: str = "given", who: str = "all") -> None:
        """Record what givers answer: `mother`, `father`, `self`, or all of them."""
        for party, relation in self._parties(consent_id):
            if who in ("all", relation):
                self.act(
                    answers.record,
                    consent_id=consent_id,
                    party_id=party,
                    answer=answer,
                    said=self._said(relation),
                )

    def consented(self, purpose: str, *units: str, about: str, until: int | None = None, kinds: str = EVERYDAY) -> str:
        """Ask for a consent that everybody gives at once, in a meeting."""
        consent_id = self.ask(purpose, *units, about=about, until=until, kinds=kinds)
        self.say(consent_id)
        return consent_id

    def withdraw(self, consent_id: str, who: str, by: str = "") -> None:
        """Record that a giver takes the consent back."""
        party = next(party for party, relation in self._parties(consent_id) if relation == who)
        self.act(consent.withdraw, by, consent_id=consent_id, party_id=party, said=self._said(who, spoken=True))

    def _said(self, relation: str, *, spoken: bool = False) -> Said:
        if spoken or relation == "father":
            return Said("oral", self.today, witness=STAFF[self.leader].name)
        return Said("written", self.today, evidence="Underskrevet skjema i arkivet")

    def _parties(self, consent_id: str) -> list[tuple[str, str]]:
        p, g = consent_parties.c, guardianships.c
        relation = (
            sa.select(g.relation)
            .where(g.municipality_id == HERE, g.guardian_id == p.guardian_id, g.subject_id == consents.c.subject_id)
            .scalar_subquery()
        )
        rows = self.stage.session.execute(
            sa.select(p.id, sa.func.coalesce(relation, "self").label("relation"))
            .join(consents, sa.and_(consents.c.municipality_id == HERE, consents.c.id == p.consent_id))
            .where(p.municipality_id == HERE, p.consent_id == consent_id)
            .order_by(sa.desc("relation"), p.id)
        )
        return [(row.id, row.relation) for row in rows]

    def open_by_law(self, unit: str, law: str, reason: str, until: int) -> None:
        """Let the leader open the case to a unit on a legal basis."""
        self.act(
            legal_basis.record, self.leader, unit_id=self.town.units[unit], kinds=EVERYDAY.split(), law=law,
            reason=reason, valid_to=self.stage.day(until),
        )  # fmt: skip

    def tidy(self) -> None:
        """Let the night's tidying write down what has run out."""
        doors.tidy_expired(self.stage.session, actor=self.town.system, case_id=self.id, now=self.stage.clock)

    # --- others take part ---

    def invite(self, name: str, purpose: str) -> str:
        """Ask somebody to take part for their service."""
        invitation: str = self.act(
            participants.invite, person_id=self.town.people[name], unit_id=self.town.units[STAFF[name].unit],
            purpose=purpose,
        )  # fmt: skip
        return invitation

    def join(self, name: str, purpose: str) -> str:
        """Ask somebody who says yes and has a look."""
        invitation = self.invite(name, purpose)
        self.act(participants.accept, name, invitation_id=invitation)
        return invitation

    def decline_part(self, name: str, invitation: str, reason: str) -> None:
        """Let somebody say no to taking part."""
        self.act(participants.decline, name, invitation_id=invitation, reason=reason)

    def leave_part(self, name: str, invitation: str) -> None:
        """Let somebody end their own part."""
        self.act(participants.end_part, name, participation_id=invitation)

    # --- the log ---

    def write(
        self, kind: str, text: str, *, title: str = "", asked_by: str = "", information: str = "everyday"
    ) -> None:
        """Write in the log: `log`, `meeting`, `child_voice` or `guardian_talk`."""
        self.act(
            log.add_entry, kind=kind, information_kind=information, title=title, text=text, happened_on=self.today,
            asked_by=asked_by,
        )  # fmt: skip

    def voice(self, text: str) -> None:
        """Write down the child's view, asked by the holder."""
        self.write("child_voice", text, asked_by=STAFF[self.holder].name)

    def goal(self, text: str, information: str = "measures") -> None:
        """Set a goal."""
        self.goals.append(self.act(log.set_goal, information_kind=information, text=text))

    def measure(self, text: str, evaluate: int, responsible: str = "") -> None:
        """Plan a measure under the latest goal, by default the holder's; `mother` or `father` do theirs at home."""
        who = responsible or self.holder
        guardian = self.town.guardians.get((self.about, who))
        self.measures.append(
            self.act(
                log.plan_measure, goal_id=self.goals[-1], information_kind="measures", text=text, starts_on=None,
                responsible=f"guardian:{guardian}" if guardian else f"person:{self.town.people[who]}",
                evaluate_on=self.stage.day(evaluate),
            )
        )  # fmt: skip

    def evaluate(
        self, number: int, text: str, *, again: int | None = None, effect: str = "some", done: str = "yes", by: str = ""
    ) -> None:
        """Evaluate a measure; it goes on until the day `again`, or ends."""
        self.act(
            log.evaluate_measure, by, measure_id=self.measures[number], done_as_planned=done, effect=effect, text=text,
            outcome="end" if again is None else "continue",
            evaluate_on=None if again is None else self.stage.day(again),
        )  # fmt: skip

    # --- put before the coordinating unit ---

    def refer(self, cause: str, question: str, by: str = "") -> None:
        """Put a question before the coordinating unit."""
        self.act(referrals.refer, by, cause=cause, question=question)

    def decide(self, outcome: str, reason: str) -> None:
        """Let the coordinating unit decide."""
        self.act(referrals.decide, "berit", outcome=outcome, reason=reason)
