"""Every situation the demo must show, each as a query that finds it. `:today` is the day it is looked at."""

from __future__ import annotations

_CASES = "SELECT c.id FROM cases c WHERE "
_OPEN = _CASES + "c.closed_at IS NULL AND "
_CONSENT = "SELECT k.id FROM consents k JOIN cases c ON c.id = k.case_id WHERE c.closed_at IS NULL AND "
_ALL_GAVE = """NOT EXISTS (SELECT 1 FROM consent_events e WHERE e.consent_id = k.id AND e.event <> 'given') AND
    (SELECT count(*) FROM consent_events e WHERE e.consent_id = k.id)
    = (SELECT count(*) FROM consent_parties p WHERE p.consent_id = k.id)"""
_MOVED = (
    _CASES
    + """EXISTS (SELECT 1 FROM audit_entries a WHERE a.case_id = c.id AND a.event = 'case.move'
    AND a.fields LIKE '%"move":"{move}"%' AND a.fields LIKE '%"from":"{come_from}"%'
    AND a.fields LIKE '%"to":"{to}"%')"""
)
_SUBJECT = "SELECT c.id FROM cases c JOIN subjects s ON s.id = c.subject_id WHERE "
_FAMILY = _SUBJECT + """EXISTS (SELECT 1 FROM guardianships g WHERE g.subject_id = s.id AND {what})"""


def _moved(move: str, come_from: str, to: str) -> str:
    return _MOVED.format(move=move, come_from=come_from, to=to)


def _answered(event: str) -> str:
    return _CONSENT + f"EXISTS (SELECT 1 FROM consent_events e WHERE e.consent_id = k.id AND e.event = '{event}')"


SITUATIONS = {
    # wonders
    "a wonder kept to oneself": _OPEN + "c.step = '0.1' AND c.shared_with_leader_at IS NULL",
    "a shared wonder": _OPEN + "c.step = '0.2'",
    "a wonder with feedback": _OPEN + "c.step = '0.2' AND EXISTS "
    "(SELECT 1 FROM wonders w WHERE w.case_id = c.id AND w.feedback IS NOT NULL)",
    "a wonder unanswered for ten days": _OPEN + "c.step = '0.2' AND c.shared_with_leader_at < :ten_days_ago AND EXISTS "
    "(SELECT 1 FROM wonders w WHERE w.case_id = c.id AND w.feedback IS NULL)",
    "a nameless wonder": _OPEN + "c.subject_id IS NULL",
    "a wonder named later": _CASES + "EXISTS "
    "(SELECT 1 FROM audit_entries a WHERE a.case_id = c.id AND a.event = 'case.identify')",
    "a wonder handed on": _CASES + "EXISTS "
    "(SELECT 1 FROM audit_entries a WHERE a.case_id = c.id AND a.event = 'case.hand_on')",
    "an anonymous question without an answer": "SELECT id FROM anonymous_discussions WHERE answered_at IS NULL",
    "an anonymous question with an answer": "SELECT id FROM anonymous_discussions WHERE answered_at IS NOT NULL",
    # ways
    "up to level 2": _moved("invite_services", "1.5", "2.1"),
    "up to level 3": _moved("invite_externals", "2.5", "3.1"),
    "down from 3 to 2": _moved("back_to_two_services", "3.5", "2.2"),
    "down from 2 to 1": _moved("back_to_own_service", "2.5", "1.2"),
    "jumped from 0 to 2": _moved("start_with_other_service", "0.4", "2.1"),
    "a loop on level 1": _moved("new_measures", "1.5", "1.2"),
    "going on with what works": _moved("keep_going", "1.5", "1.3"),
    "reopened": _moved("reopen", "closed", "0.4"),
    "reopened with its log": _moved("reopen_with_log", "closed", "1.1"),
    "two days overdue": _OPEN + "c.due_on = :two_days_ago",
    # the baton
    "an offer pending": "SELECT id FROM handovers WHERE state = 'offered' AND expires_on >= :today",
    "an offer expired": "SELECT id FROM handovers WHERE state = 'offered' AND expires_on < :today",
    "an offer accepted": "SELECT id FROM handovers WHERE state = 'accepted'",
    "an offer declined": "SELECT id FROM handovers WHERE state = 'declined'",
    "an offer withdrawn": "SELECT id FROM handovers WHERE state = 'withdrawn'",
    "an offer overtaken": "SELECT id FROM handovers WHERE state = 'overtaken'",
    "a log taken over by another service": "SELECT id FROM handovers WHERE state = 'accepted' AND takes_over_log",
    "an interim holder after somebody who left": _OPEN + "c.is_interim AND EXISTS (SELECT 1 FROM batons b JOIN people p"
    " ON p.id = b.person_id WHERE b.case_id = c.id AND p.ended_at IS NOT NULL)",
    "an interim holder while somebody is away": _OPEN + "c.is_interim AND NOT EXISTS (SELECT 1 FROM batons b JOIN"
    " people p ON p.id = b.person_id WHERE b.case_id = c.id AND p.ended_at IS NOT NULL)",
    "stuck and referred": "SELECT id FROM referrals WHERE cause = 'stuck' AND decided_at IS NULL",
    "a disagreement decided": "SELECT id FROM referrals WHERE cause = 'disagreement' AND decided_at IS NOT NULL",
    # consent
    "a consent asked": _CONSENT + "k.valid_to >= :today AND NOT EXISTS "
    "(SELECT 1 FROM consent_events e WHERE e.consent_id = k.id)",
    "a consent half given": _CONSENT + "k.valid_to >= :today AND EXISTS "
    "(SELECT 1 FROM consent_events e WHERE e.consent_id = k.id) AND NOT EXISTS (SELECT 1 FROM consent_events e "
    "WHERE e.consent_id = k.id AND e.event <> 'given') AND NOT (" + _ALL_GAVE + ")",
    "a consent given": _CONSENT + "k.valid_to >= :today AND " + _ALL_GAVE,
    "a consent expiring within thirty days": _CONSENT
    + "k.valid_to BETWEEN :today AND :in_thirty_days AND "
    + _ALL_GAVE,
    "a consent expired": _CONSENT + "k.valid_to < :today",
    "an expiry written down": "SELECT id FROM audit_entries WHERE event = 'consent.expire'",
    "an expiry nobody has written down": "SELECT id FROM disclosures WHERE ended_at IS NULL AND valid_to < :today",
    "a consent withdrawn": _answered("withdrawn"),
    "a consent refused": _answered("refused"),
    "a consent renewed": _CONSENT + "k.renews_id IS NOT NULL AND " + _ALL_GAVE,
    "a consent with a reservation": _CONSENT + "k.reservations <> ''",
    "a door opened by law": "SELECT id FROM disclosures WHERE law_reference IS NOT NULL AND ended_at IS NULL",
    # who it is about
    "two homes": _FAMILY.format(what="g.relation = 'father' AND g.parental_responsibility"),
    "one guardian": _SUBJECT + "(SELECT count(*) FROM guardianships g WHERE g.subject_id = s.id) = 1",
    "a parent without parental responsibility": _FAMILY.format(
        what="g.relation = 'father' AND NOT g.parental_responsibility"
    ),
    "a care order": "SELECT p.id FROM consent_parties p WHERE p.authority = 'care_order'",
    "an address block": _SUBJECT + "s.address_blocked",
    "fifteen": _SUBJECT + "s.born_on <= :fifteen AND s.born_on > :sixteen AND s.kind = 'child'",
    "sixteen": _SUBJECT + "s.born_on <= :sixteen AND s.born_on > :seventeen",
    "seventeen": _SUBJECT + "s.born_on <= :seventeen AND s.born_on > :eighteen",
    "a pregnant woman": "SELECT p.id FROM consent_parties p WHERE p.authority = 'pregnant'",
    "a young person who consents alone": "SELECT p.id FROM consent_parties p WHERE p.authority = 'own_age' AND NOT "
    "EXISTS (SELECT 1 FROM consent_parties o WHERE o.consent_id = p.consent_id AND o.id <> p.id)",
    # work
    "an invitation to answer": "SELECT id FROM participations WHERE state = 'invited' AND ended_at IS NULL",
    "an invitation declined": "SELECT id FROM participations WHERE state = 'declined'",
    "a partner who has left": "SELECT id FROM participations WHERE ended_how = 'left'",
    "a partner from outside": "SELECT p.id FROM participations p JOIN units u ON u.id = p.unit_id"
    " WHERE u.is_external AND p.state = 'active' AND p.ended_at IS NULL",
    "a measure to evaluate, late": "SELECT m.id FROM measures m WHERE m.ended_at IS NULL AND m.evaluate_on < :today",
    "a measure evaluated": "SELECT id FROM evaluations",
    "a measure at home": "SELECT id FROM measures WHERE responsible_guardian_id IS NOT NULL AND ended_at IS NULL",
    "a goal": "SELECT id FROM goals WHERE ended_at IS NULL",
    "the child's view": "SELECT id FROM entries WHERE kind = 'child_voice'",
    "a meeting": "SELECT id FROM entries WHERE kind = 'meeting'",
    "a bright spot": "SELECT id FROM entries WHERE kind = 'log' AND title <> ''",
    "an attempt that was refused": "SELECT id FROM audit_entries WHERE event = 'refused'",
    "a case that was read": "SELECT id FROM audit_entries WHERE event = 'case.read'",
}
