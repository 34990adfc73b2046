"""Every event the trail knows, with exactly the fields it carries: codes, ids, dates and counts.

Names and free text have no field to stand in. An event that isn't listed can't be written, nor can a field
that isn't listed for it.
"""

from __future__ import annotations

CHANGES: dict[str, tuple[str, ...]] = {
    "case.open": (
        "definition",
        "definition_version",
        "step",
        "unit",
        "holder",
        "holder_unit",
        "subject",
        "version",
    ),
    "case.identify": ("subject", "version"),
    "case.move": ("move", "from", "to", "unit", "due_on", "closing_reason", "reason_given", "version"),
    "case.next_date": ("from", "to", "version"),
    "case.hand_on": ("to_case",),
    "note.add": ("kind",),
    "entry.add": ("kind", "information_kind"),
    "attachment.add": ("information_kind", "type", "size"),
    "goal.set": ("information_kind",),
    "goal.end": ("how",),
    "measure.plan": ("information_kind", "responsible", "evaluate_on"),
    "measure.evaluate": ("outcome", "effect", "done_as_planned", "evaluate_on"),
    "feedback.give": ("to",),
    "baton.confirm": ("holder", "holder_unit", "version"),
    "baton.interim": ("from", "holder", "holder_unit", "cause", "version"),
    "handover.offer": ("from", "to", "to_unit", "takes_over_log", "expires_on", "version"),
    "handover.accept": ("from", "holder", "holder_unit", "unit", "takes_over_log", "version"),
    "handover.decline": ("reason", "version"),
    "handover.withdraw": ("version",),
    "handover.expire": ("version",),
    "handover.overtake": ("cause", "version"),
    "participation.invite": ("person", "unit", "version"),
    "participation.accept": ("person", "unit", "version"),
    "participation.decline": ("person", "unit", "reason", "version"),
    "participation.end": ("person", "unit", "cause", "version"),
    "consent.ask": ("purpose", "units", "kinds", "parties", "valid_to", "renews", "version"),
    "consent.give": ("party", "channel", "said_on", "complete", "version"),
    "consent.refuse": ("party", "channel", "said_on", "version"),
    "consent.withdraw": ("party", "channel", "said_on", "version"),
    "consent.expire": ("version",),
    "disclosure.open": ("unit", "kinds", "purpose", "valid_to", "consent", "law_reference", "version"),
    "disclosure.end": ("unit", "cause", "version"),
    "referral.make": ("unit", "cause", "version"),
    "referral.decide": ("outcome", "version"),
    "discussion.ask": ("unit",),
    "discussion.answer": ("unit",),
    "person.add": ("person",),
    "person.change": ("person", "changed"),
    "person.end": ("person", "batons_moved"),
    "role.grant": ("person", "unit", "role"),
    "role.end": ("person", "unit", "role", "batons_moved"),
    "unit.add": ("unit", "kind"),
    "unit.change": ("unit", "changed"),
    "unit.end": ("unit",),
    "municipality.add": ("definition", "definition_version"),
    "municipality.model": ("definition", "definition_version"),
    "register.write": ("part", "rows"),
    "import.run": ("kind", "rows", "created", "changed", "left"),
    "session.login": ("level", "method"),
    "session.ask_factor": ("awaits",),
    "session.step_up": ("from", "method"),
    "session.logout": (),
    "session.end": ("person", "cause"),
    "session.fail": ("method",),
    "session.throttle": ("door",),
    "factor.add": ("recovery_codes",),
    "factor.reset": ("person", "cause"),
    # `after` is the last signed head of the tree before, word for word; the verifier reads it.
    "log.begin": ("epoch", "after", "reason"),
    # With `break_glass.open` the sequencer makes a checkpoint at once.
    "break_glass.open": ("cause", "minutes", "ends_at", "case_unit"),
    "break_glass.end": (),
    "break_glass.review": ("verdict",),
    "alert.raise": ("kind", "person", "cases"),
    "alert.close": ("person", "outcome"),
    "sample.draw": ("since", "until", "seed", "size", "drawn"),
    "sample.judge": ("entry", "outcome"),
    "keys.rotate": ("part", "rows"),
    "keys.seal": ("part", "rows"),
}

READS: dict[str, tuple[str, ...]] = {
    "case.read": ("part", "view"),
    "case.preview": ("cause",),
    "attachment.read": ("type",),
    "worklist.read": ("filter", "shown"),
    "wonder.read": ("shown",),
    "subject.search": ("shown",),
    "subject.hint": ("subject", "open_cases"),
    "referral.read": ("shown",),
    "discussion.read": ("shown",),
    "unit.read": ("shown",),
    "audit.search": ("question", "filters", "shown"),
    "audit.export": ("question", "filters", "rows"),
    "consent.lookup": ("filters", "shown", "as_of"),
    "consent.export": ("filters", "rows", "as_of"),
    "register.read": ("part", "shown"),
    "import.dry_run": ("kind", "rows", "findings"),
    "log.export": ("rows",),
    "break_glass.read": (),
}

# What a reading is for and what it rests on, where the case that is read doesn't say so itself. Of a case's shell
# nothing is shown that would need a basis; on lists each row has that of its own case.
PURPOSES: dict[str, tuple[str, str]] = {
    "case.read": ("responsibility", ""),
    "case.preview": ("to_answer", "asked"),
    "worklist.read": ("own_cases", "each_case"),
    "wonder.read": ("own_cases", "own_service"),
    "subject.search": ("find_child", "own_service"),
    "subject.hint": ("one_case", "own_service"),
    "referral.read": ("decide", "referred"),
    "discussion.read": ("advice", "nameless"),
    "unit.read": ("lead", "each_case"),
    "audit.search": ("oversight", "role"),
    "audit.export": ("oversight", "role"),
    "consent.lookup": ("oversight", "role"),
    "consent.export": ("oversight", "role"),
    "register.read": ("administration", "role"),
    "import.dry_run": ("administration", "role"),
    "break_glass.read": ("oversight", "role"),
    "log.export": ("oversight", "role"),
}

FAULTS: dict[str, tuple[str, ...]] = {"cell.unopened": ("part", "column", "cause")}

REFUSALS: dict[str, tuple[str, ...]] = {"refused": ("attempt", "code", "missing")}

# What the sequencer numbers and signs as soon as it sees it, where others wait until a second is over.
AT_ONCE = frozenset(
    {
        "break_glass.open",
        "consent.withdraw",
        "role.grant",
        "role.end",
        "person.end",
        "factor.reset",
        "log.begin",
        "log.export",
        "keys.rotate",
        "keys.seal",
    }
)

EVENTS: dict[str, tuple[str, ...]] = {**CHANGES, **READS, **FAULTS, **REFUSALS}
