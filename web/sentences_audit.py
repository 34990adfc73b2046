"""The trail in plain words: every event of the vocabulary, verdicts, causes and questions. A test sees to it."""

from __future__ import annotations

from functools import cache

from bti.workflow.definition import Words
from bti.workflow.library import load_definition, released
from web import language
from web.language import gettext as _
from web.sentences import REFUSALS, WORDS, Sentences, need_sentence

EVENTS: Sentences = {
    "case.open": lambda: _("Registrerte en undring"),
    "case.identify": lambda: _("Skrev hvem saken gjelder"),
    "case.move": lambda: _("Flyttet saken til et annet steg"),
    "case.next_date": lambda: _("Endret neste dato"),
    "case.hand_on": lambda: _("La undringen inn i en åpen sak"),
    "note.add": lambda: _("Skrev et tillegg til undringen"),
    "entry.add": lambda: _("Skrev i loggen"),
    "attachment.add": lambda: _("La ved en fil"),
    "goal.set": lambda: _("Satte et mål"),
    "goal.end": lambda: _("Avsluttet et mål"),
    "measure.plan": lambda: _("Planla et tiltak"),
    "measure.evaluate": lambda: _("Evaluerte et tiltak"),
    "feedback.give": lambda: _("Ga tilbakemelding på undringen"),
    "baton.confirm": lambda: _("Bestemte stafettholder"),
    "baton.interim": lambda: _("Stafettpinnen gikk til en midlertidig holder"),
    "handover.offer": lambda: _("Spurte noen om å ta stafettpinnen"),
    "handover.accept": lambda: _("Tok imot stafettpinnen"),
    "handover.decline": lambda: _("Takket nei til stafettpinnen"),
    "handover.withdraw": lambda: _("Trakk spørsmålet om stafettpinnen"),
    "handover.expire": lambda: _("Spørsmålet om stafettpinnen løp ut"),
    "handover.overtake": lambda: _("Spørsmålet om stafettpinnen falt bort"),
    "participation.invite": lambda: _("Spurte en tjeneste om å delta"),
    "participation.accept": lambda: _("Ble med i saken"),
    "participation.decline": lambda: _("Takket nei til å delta"),
    "participation.end": lambda: _("Deltakelse ble avsluttet"),
    "consent.ask": lambda: _("Ba om samtykke"),
    "consent.give": lambda: _("Registrerte et ja til samtykke"),
    "consent.refuse": lambda: _("Registrerte et nei til samtykke"),
    "consent.withdraw": lambda: _("Registrerte at samtykke ble trukket tilbake"),
    "consent.expire": lambda: _("Samtykket løp ut"),
    "disclosure.open": lambda: _("Saken ble åpnet for en tjeneste"),
    "disclosure.end": lambda: _("Saken ble lukket for en tjeneste"),
    "referral.make": lambda: _("Henviste saken til koordinerende enhet"),
    "referral.decide": lambda: _("Avgjorde en henvist sak"),
    "discussion.ask": lambda: _("Ba om anonym drøfting"),
    "discussion.answer": lambda: _("Svarte i en anonym drøfting"),
    "person.add": lambda: _("La til en ansatt"),
    "person.change": lambda: _("Endret opplysninger om en ansatt"),
    "person.end": lambda: _("Avsluttet en ansatt"),
    "role.grant": lambda: _("Ga en rolle"),
    "role.end": lambda: _("Avsluttet en rolle"),
    "municipality.add": lambda: _("La til kommunen"),
    "municipality.model": lambda: _("Valgte modellen som nye saker følger"),
    "unit.add": lambda: _("La til en enhet"),
    "unit.change": lambda: _("Endret en enhet"),
    "unit.end": lambda: _("Avsluttet en enhet"),
    "register.write": lambda: _("Skrev i registeret"),
    "import.run": lambda: _("Importerte fra fil"),
    "session.login": lambda: _("Logget inn"),
    "session.ask_factor": lambda: _("Skrev riktig passord og ble bedt om mer"),
    "session.step_up": lambda: _("Bekreftet på nytt hvem de er"),
    "session.logout": lambda: _("Logget ut"),
    "session.end": lambda: _("En innlogging ble avsluttet"),
    "session.fail": lambda: _("Mislykket innlogging"),
    "session.throttle": lambda: _("Prøvde for mange ganger og måtte vente"),
    "factor.add": lambda: _("Slo på totrinnsbekreftelse"),
    "factor.reset": lambda: _("Totrinnsbekreftelse ble avsluttet"),
    "log.begin": lambda: _("Den signerte loggen begynte"),
    "log.export": lambda: _("Tok ut den signerte loggen"),
    "break_glass.open": lambda: _("Brukte nødtilgang"),
    "break_glass.end": lambda: _("Avsluttet en nødtilgang"),
    "break_glass.review": lambda: _("Gikk gjennom en nødtilgang"),
    "break_glass.read": lambda: _("Så på en nødtilgang"),
    "alert.raise": lambda: _("Et varsel ble gitt"),
    "alert.close": lambda: _("Behandlet et varsel"),
    "sample.draw": lambda: _("Trakk stikkprøver"),
    "sample.judge": lambda: _("Vurderte en stikkprøve"),
    "keys.rotate": lambda: _("Forseglet på nytt med nye nøkler"),
    "keys.seal": lambda: _("Forseglet det som ikke var forseglet"),
    "cell.unopened": lambda: _("Forseglet innhold lot seg ikke åpne"),
    "case.read": lambda: _("Åpnet saken for å lese"),
    "attachment.read": lambda: _("Lastet ned en fil"),
    "case.preview": lambda: _("Så en begrenset forhåndsvisning"),
    "worklist.read": lambda: _("Så listen over egne saker"),
    "wonder.read": lambda: _("Så egne undringer"),
    "subject.search": lambda: _("Søkte blant barna i enheten"),
    "subject.hint": lambda: _("Fikk vite at enheten har en åpen sak"),
    "referral.read": lambda: _("Så henviste saker"),
    "discussion.read": lambda: _("Så anonyme drøftinger"),
    "unit.read": lambda: _("Så oversikten for enheten"),
    "audit.search": lambda: _("Søkte i innsynsloggen"),
    "audit.export": lambda: _("Tok kopi av innsynsloggen"),
    "consent.lookup": lambda: _("Slo opp samtykker"),
    "consent.export": lambda: _("Tok kopi av samtykkelisten"),
    "register.read": lambda: _("Så i registeret over ansatte og enheter"),
    "import.dry_run": lambda: _("Prøvekjørte en import"),
    "refused": lambda: _("Forsøkte noe som ble avvist"),
}

GROUPS: Sentences = {
    "reads": lambda: _("Alt som er lest"),
    "changes": lambda: _("Alt som er endret"),
    "consents": lambda: _("Alt om samtykker"),
    "batons": lambda: _("Alt om stafettpinnen"),
    "logins": lambda: _("Inn- og utlogging"),
    "lookups": lambda: _("Oppslag gjort av revisorer"),
}

# What the judgement of a read came to. Those of the consent's state say it as it was then.
VERDICTS: Sentences = {
    "live": lambda: _("Grunnlaget gjaldt"),
    "nothing_shown": lambda: _("Viste ikke innhold"),
    "asked": lambda: _("Samtykket var ikke gitt"),
    "partly_given": lambda: _("Bare noen hadde samtykket"),
    "refused": lambda: _("Samtykket var avslått"),
    "withdrawn": lambda: _("Samtykket var trukket tilbake"),
    "expired": lambda: _("Samtykket var utløpt"),
    "unknown_basis": lambda: _("Grunnlaget finnes ikke i saken"),
    "not_named": lambda: _("Samtykket nevner ikke tjenesten"),
    "door_shut": lambda: _("Saken var lukket for tjenesten"),
    "not_own_service": lambda: _("Saken hørte ikke til tjenesten"),
    "shared": lambda: _("Saken var delt og krevde samtykke"),
    "break_glass_over": lambda: _("Nødtilgangen var over"),
    "no_basis": lambda: _("Uten grunnlag"),
}

QUESTIONS: Sentences = {
    "no_live_basis": lambda: _("Åpnet uten gyldig grunnlag"),
    "expired_with_access": lambda: _("Samtykke løp ut mens noen hadde tilgang"),
    "withdrawn_then_read": lambda: _("Lest etter at samtykke var trukket"),
    "overrides": lambda: _("Overstyringer"),
    "refused": lambda: _("Avviste forsøk"),
    "access_at": lambda: _("Hvem hadde tilgang da?"),
    "log": lambda: _("Innsynslogg"),
    "overview": lambda: _("Spørsmålene samlet"),
    "workbench": lambda: _("Oppgavene til revisor"),
    "break_glass": lambda: _("En nødtilgang"),
    "alert": lambda: _("Et varsel"),
    "sample": lambda: _("Stikkprøver"),
    "signed_log": lambda: _("Den signerte loggen"),
    "check_log": lambda: _("Sjekk av den signerte loggen"),
}

EXPLANATIONS: Sentences = {
    "no_live_basis": lambda: _(
        "Hver gang noen har åpnet en sak, er grunnlaget vurdert på nytt slik det var i det øyeblikket. Her er de som "
        "ikke holder."
    ),
    "expired_with_access": lambda: _(
        "Saker der samtykket løp ut uten å bli fornyet, mens en stafettholder eller deltaker hadde tilgang på det."
    ),
    "withdrawn_then_read": lambda: _(
        "Tjenester som har åpnet saken etter at familien trakk samtykket til dem, og ikke hadde fått et nytt."
    ),
    "overrides": lambda: _(
        "Saker åpnet på rettslig grunnlag i stedet for samtykke, nødtilganger, midlertidige stafettholdere og avgjorte "
        "henvisninger."
    ),
    "refused": lambda: _("Hva noen prøvde på, og hvorfor de ikke fikk det til."),
    "access_at": lambda: _("Velg en sak og et tidspunkt, og se hvem som kunne åpne den da, og på hvilket grunnlag."),
}

NOTHING_FOUND: Sentences = {
    "no_live_basis": lambda: _("Alle som åpnet en sak i perioden, hadde et grunnlag som gjaldt."),
    "expired_with_access": lambda: _("Ingen samtykker løp ut i perioden mens noen hadde tilgang på dem."),
    "withdrawn_then_read": lambda: _("Ingen åpnet en sak etter at samtykket til tjenesten deres var trukket."),
    "overrides": lambda: _(
        "Ingen saker ble åpnet på rettslig grunnlag eller med nødtilgang, holdt midlertidig eller avgjort i perioden."
    ),
    "refused": lambda: _("Ingen ble avvist i perioden."),
}

# What somebody tried, where it isn't called the same as what would have happened.
ATTEMPTS: Sentences = {
    "consent.answer": lambda: _("Registrere et svar på samtykke"),
    "consent.preview": lambda: _("Se hva som skjer når samtykket trekkes"),
    "law.open": lambda: _("Åpne saken på rettslig grunnlag"),
    "law.end": lambda: _("Avslutte et rettslig grunnlag"),
    "draft.drop": lambda: _("Slette en kladd"),
}

CAUSES: Sentences = {
    "danger": lambda: _("fare for liv, helse eller vold"),
    "acute": lambda: _("barnet trengte hjelp nå"),
    "unreachable": lambda: _("de som har saken, var ikke å få tak i"),
    "other": lambda: _("noe annet som hastet"),
    "consent_withdrawn": lambda: _("samtykket ble trukket"),
    "consent_expired": lambda: _("samtykket løp ut"),
    "renewed": lambda: _("samtykket ble fornyet"),
    "case_closed": lambda: _("saken ble avsluttet"),
    "legal_basis_ended": lambda: _("det rettslige grunnlaget falt bort"),
    "absence": lambda: _("fravær"),
    "left": lambda: _("trakk seg selv"),
    "became_holder": lambda: _("ble stafettholder"),
    "holder_left": lambda: _("stafettholderen har sluttet"),
    "person_ended": lambda: _("den ansatte har sluttet"),
    "role_ended": lambda: _("rollen ble avsluttet"),
    "reopened": lambda: _("saken ble åpnet igjen"),
    "ended_by_holder": lambda: _("avsluttet av stafettholderen"),
    "stuck": lambda: _("saken står fast"),
    "disagreement": lambda: _("tjenestene er uenige"),
    "idle": lambda: _("for lenge uten bruk"),
    "absolute": lambda: _("arbeidsdagen var over"),
    "no_demo": lambda: _("kommunen er ikke lenger en demo"),
    "replaced": lambda: _("en ny tok over"),
    "owner": lambda: _("avsluttet av den det gjelder"),
    "role_granted": lambda: _("en rolle ble gitt"),
    "password_changed": lambda: _("passordet ble byttet"),
    "factor_changed": lambda: _("totrinnsbekreftelsen ble endret"),
    "turned_off": lambda: _("slått av av den det gjelder"),
    "operator": lambda: _("nullstilt fra kommandolinjen"),
}

FIELDS: Sentences = {
    "actor": lambda: _("Hvem"),
    "attempt": lambda: _("Forsøk"),
    "awaits": lambda: _("Manglet"),
    "batons_moved": lambda: _("Stafettpinner flyttet"),
    "case_unit": lambda: _("Sakens enhet"),
    "cases": lambda: _("Saker"),
    "cause": lambda: _("Årsak"),
    "drawn": lambda: _("Trukket"),
    "minutes": lambda: _("Minutter"),
    "verdict": lambda: _("Vurdering"),
    "changed": lambda: _("Endret"),
    "channel": lambda: _("Hvordan"),
    "code": lambda: _("Svar"),
    "complete": lambda: _("Alle har svart ja"),
    "created": lambda: _("Nye"),
    "door": lambda: _("Hva de prøvde"),
    "expires_on": lambda: _("Svarfrist"),
    "findings": lambda: _("Feil funnet"),
    "from": lambda: _("Fra"),
    "holder": lambda: _("Stafettholder"),
    "kinds": lambda: _("Opplysninger"),
    "law_reference": lambda: _("Hjemmel"),
    "level": lambda: _("Innlogging"),
    "method": lambda: _("Bevis"),
    "missing": lambda: _("Manglet"),
    "outcome": lambda: _("Avgjørelse"),
    "part": lambda: _("Side"),
    "person": lambda: _("Person"),
    "purpose": lambda: _("Formål"),
    "question": lambda: _("Spørsmål"),
    "role": lambda: _("Rolle"),
    "rows": lambda: _("Rader"),
    "said_on": lambda: _("Sagt"),
    "shown": lambda: _("Viste"),
    "takes_over_log": lambda: _("Tar over loggen"),
    "to": lambda: _("Til"),
    "to_unit": lambda: _("Tjeneste"),
    "unit": lambda: _("Tjeneste"),
    "units": lambda: _("Tjenester"),
    "valid_to": lambda: _("Gjelder til"),
    "view": lambda: _("Så"),
}

COLUMNS: Sentences = {
    "id": lambda: _("Nummer"),
    "at": lambda: _("Tidspunkt"),
    "event": lambda: _("Hendelse"),
    "actor": lambda: _("Hvem"),
    "unit": lambda: _("Enhet"),
    "role": lambda: _("Rolle"),
    "case": lambda: _("Sak"),
    "basis": lambda: _("Grunnlag"),
    "verdict": lambda: _("Vurdering"),
    "decision": lambda: _("Utfall"),
    "details": lambda: _("Detaljer"),
    "request_id": lambda: _("Forespørsel"),
    "purpose": lambda: _("Formål"),
    "state": lambda: _("Tilstand"),
    "as_of": lambda: _("Per"),
    "kinds": lambda: _("Opplysninger"),
    "units": lambda: _("Tjenester"),
    "asked_at": lambda: _("Bedt om"),
    "asked_by": lambda: _("Bedt om av"),
    "valid_to": lambda: _("Gjelder til"),
    "given": lambda: _("Har sagt ja"),
    "parties": lambda: _("Skal svare"),
    "consent": lambda: _("Samtykke"),
    "people": lambda: _("Hadde tilgang"),
    "ended_at": lambda: _("Lukket"),
}

SMALL: Sentences = {
    "basis.own_service": lambda: _("Egen tjeneste"),
    "basis.consent": lambda: _("Samtykke"),
    "basis.law": lambda: _("Rettslig grunnlag"),
    "basis.break_glass": lambda: _("Nødtilgang"),
    "basis.each_case": lambda: _("Hver sak for seg"),
    "basis.asked": lambda: _("Spurt om å bli med"),
    "basis.referred": lambda: _("Saken er henvist"),
    "basis.nameless": lambda: _("Uten navn på noen"),
    "basis.role": lambda: _("Rollen"),
    "alert.bulk_reading": lambda: _("Åpnet mange saker på kort tid"),
    "review.justified": lambda: _("begrunnet"),
    "review.not_justified": lambda: _("ikke begrunnet"),
    # Which page of a case somebody opened.
    "part.case": lambda: _("saken"),
    "part.form": lambda: _("skjema i loggen"),
    "part.note": lambda: _("tillegg til undringen"),
    "part.identify": lambda: _("hvem saken gjelder"),
    "part.move": lambda: _("neste steg"),
    "part.consents": lambda: _("samtykker"),
    "part.baton": lambda: _("stafettpinnen"),
    "part.baton_history": lambda: _("stafettpinnens vei"),
    "part.participants": lambda: _("deltakere"),
    "part.referral": lambda: _("henvisning"),
    "part.attachments": lambda: _("filer"),
    "part.feedback": lambda: _("tilbakemelding"),
    "view.full": lambda: _("innholdet"),
    "view.shell": lambda: _("bare skallet, uten innhold"),
    "flag.yes": lambda: _("ja"),
    "flag.no": lambda: _("nei"),
    "decision.allowed": lambda: _("Gjennomført"),
    "decision.refused": lambda: _("Avvist"),
    "method.demo": lambda: _("demo"),
    "method.password": lambda: _("passord"),
    "method.code": lambda: _("kode"),
    "method.totp": lambda: _("kode fra app"),
    "method.recovery": lambda: _("gjenopprettingskode"),
    "awaits.totp": lambda: _("kode"),
    "awaits.enrolment": lambda: _("å slå på totrinnsbekreftelse"),
    "door.password": lambda: _("passordet ved innlogging"),
    "door.own_password": lambda: _("sitt eget passord"),
    "door.code": lambda: _("koden"),
}

# What is wrong with a filter: by the form's own field.
WRONG: Sentences = {
    "person:unknown": lambda: _("Ingen ansatte heter det. Skriv navn eller brukernavn"),
    "person:too_many": lambda: _("Navnet passer på for mange. Skriv hele navnet"),
    "case:unknown": lambda: _("Ingen sak har den referansen. Den ser ut som 2026-K7Q4M"),
    "case:missing": lambda: _("Skriv referansen til saken, for eksempel 2026-K7Q4M"),
    "unit:unknown": lambda: _("Velg en enhet fra listen"),
    "event:unknown": lambda: _("Velg en hendelse fra listen"),
    "state:unknown": lambda: _("Velg en tilstand fra listen"),
    "period:ends_before_it_begins": lambda: _("Fra-datoen må komme før til-datoen"),
    "period:too_many_reads": lambda: _("Det er for mange lesinger å vurdere. Velg en kortere periode"),
    "period:too_many_rows": lambda: _("Det er for mange rader til én fil. Velg en kortere periode"),
    "as_of:in_future": lambda: _("Velg et tidspunkt som har vært"),
    "moment:in_future": lambda: _("Velg et tidspunkt som har vært"),
    "time:not_a_time": lambda: _("Skriv klokkeslettet slik: 14.30"),
    "page:unknown": lambda: _("Siden finnes ikke lenger. Søk på nytt"),
    "not_a_date": lambda: _("Skriv en dato, for eksempel 1.12.26"),
}

_BY_KIND: dict[str, Sentences] = {
    "event": EVENTS | GROUPS,
    "attempt": EVENTS | ATTEMPTS,
    "verdict": VERDICTS,
    "question": QUESTIONS,
    "cause": CAUSES,
    "field": FIELDS,
    "column": COLUMNS,
    "refusal": REFUSALS,
}


def say(kind: str, code: str) -> str:
    """Return a code of the trail in plain words; the code itself when nothing better is known."""
    if kind == "need":
        return need_sentence(code)
    if kind in ("kind", "law"):
        return _from_definitions(kind, code)
    if kind == "date":
        return ".".join(reversed(code.split("-")))
    if kind in _BY_KIND:
        sentence = _BY_KIND[kind].get(code)
    else:
        sentence = SMALL.get(f"{kind}.{code}") or WORDS.get(f"{kind}.{code}")
    return sentence() if sentence else code


def _from_definitions(kind: str, code: str) -> str:
    words = _labels(released()).get((kind, code))
    return words.in_language(language.current()) if words else code


@cache
def _labels(definitions: tuple[tuple[str, int], ...]) -> dict[tuple[str, str], Words]:
    found: dict[tuple[str, str], Words] = {}
    for name, version in definitions:
        definition = load_definition(name, version).definition
        for choice in definition.information_kinds:
            found.setdefault(("kind", choice.key), choice.label)
        for choice in definition.legal_bases:
            found.setdefault(("law", choice.key), choice.label)
    return found
