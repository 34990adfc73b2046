"""The trail: one vocabulary, one door to write it, one way to read a case's state back out of it."""

from bti.audit.replay import CaseState, replay
from bti.audit.showing import show
from bti.audit.trail import record, record_refusal, record_unopened
from bti.audit.vocabulary import EVENTS, READS

__all__ = ["EVENTS", "READS", "CaseState", "record", "record_refusal", "record_unopened", "replay", "show"]
