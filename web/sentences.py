"""From the core's codes to sentences: what is wrong, what to do, who can help. A test sees that each has one."""

from __future__ import annotations

from collections.abc import Callable

from bti.errors import NotReady, Refused, TooManyCases, TooSoon
from web.language import gettext as _
from web.language import ngettext

Sentences = dict[str, Callable[[], str]]

# What is wrong with a field: by field and code, else by code alone.
FIELDS: Sentences = {
    "seen:missing": lambda: _("Skriv hva du har sett eller hørt"),
    "themes:missing": lambda: _("Velg minst ett tema"),
    "talked:missing": lambda: _("Svar på om du har snakket med barnet eller foreldrene"),
    "subject:missing": lambda: _("Velg hvem det gjelder"),
    "subject:unknown": lambda: _("Velg et barn fra listen til enheten din"),
    "subject:named_and_nameless": lambda: _("Velg enten et barn eller «Uten navn»"),
    "til:missing": lambda: _("Velg hvilken sak"),
    "text:missing": lambda: _("Skriv en tekst"),
    "reason:too_thin": lambda: _("Skriv med en hel setning hva som har skjedd, og hvorfor det ikke kan vente"),
    "note:too_thin": lambda: _("Skriv med en setning hva du bygger det på"),
    "note:missing": lambda: _("Skriv hva du bygger det på"),
    "since:nothing": lambda: _("Ingen har åpnet en sak i perioden. Velg en lengre"),
    "since:ends_before_it_begins": lambda: _("Fra-datoen må komme før til-datoen"),
    "since:missing": lambda: _("Skriv datoen perioden begynner"),
    "until:missing": lambda: _("Skriv datoen perioden slutter"),
    "verdict:missing": lambda: _("Velg om nødtilgangen var begrunnet"),
    "case:missing": lambda: _("Skriv saksreferansen, eller barnets navn og fødselsdato"),
    "case:case_and_child": lambda: _("Skriv enten saksreferansen eller barnets navn, ikke begge"),
    "born_on:missing": lambda: _("Skriv barnets fødselsdato"),
    "reason:missing": lambda: _("Skriv en begrunnelse"),
    "reason:reason_missing": lambda: _("Skriv en begrunnelse"),
    "question:missing": lambda: _("Skriv spørsmålet"),
    "answers:missing": lambda: _("Registrer minst ett svar, ja eller nei"),
    "answer:missing": lambda: _("Velg eller skriv et svar"),
    "confirmed:holds_number": lambda: _(
        "Teksten ser ut til å ha et fødselsnummer. Ta det bort, eller bekreft at det er noe annet"
    ),
    "confirmed:holds_name": lambda: _(
        "Teksten ser ut til å ha navnet på et barn i enheten din. Ta det bort, eller bekreft at det er noe annet"
    ),
    "happened_on:missing": lambda: _("Skriv datoen det skjedde"),
    "asked_by:missing": lambda: _("Skriv hvem som snakket med barnet"),
    "kind:missing": lambda: _("Velg hva det er"),
    "kinds:missing": lambda: _("Velg hvilke opplysninger som kan deles"),
    "information_kind:missing": lambda: _("Velg hva slags opplysninger det er"),
    "units:missing": lambda: _("Velg minst én tjeneste"),
    "units:own_service_missing": lambda: _("Samtykke til logg må nevne deres egen tjeneste"),
    "units:other_service_missing": lambda: _("Velg minst én annen tjeneste"),
    "unit:missing": lambda: _("Velg en tjeneste"),
    "unit:not_chosen": lambda: _("Velg enheten personen arbeider i"),
    "purpose:missing": lambda: _("Skriv hva dere trenger hjelp til"),
    "purpose:not_chosen": lambda: _("Velg hva familien skal svare på"),
    "purpose:external_needs_own_consent": lambda: _("Eksterne tjenester trenger et eget samtykke: velg «eksterne»"),
    "about:missing": lambda: _("Skriv hva som skal deles, slik at familien forstår det"),
    "valid_to:in_past": lambda: _("Velg en dato fram i tid"),
    "valid_to:too_late": lambda: _("Velg en tidligere dato: samtykket kan ikke vare så lenge"),
    "channel:missing": lambda: _("Velg hvordan svaret ble gitt"),
    "said_on:missing": lambda: _("Skriv datoen svaret ble gitt"),
    "witness:missing": lambda: _("Skriv hvem som var til stede og hørte svaret"),
    "evidence:missing": lambda: _("Skriv hvor det signerte svaret ligger"),
    "to_person:missing": lambda: _("Velg hvem du vil spørre"),
    "to_person:already_holder": lambda: _("Personen er stafettholder allerede"),
    "to_person:oneself": lambda: _("Du kan ikke gi stafettpinnen til deg selv"),
    "person:missing": lambda: _("Velg hvem du vil spørre"),
    "responsible:missing": lambda: _("Velg hvem som er ansvarlig"),
    "evaluate_on:missing": lambda: _("Skriv datoen tiltaket skal evalueres"),
    "evaluate_on:before_start": lambda: _("Evalueringen må komme etter at tiltaket starter"),
    "next_date:next_date_out_of_range": lambda: _("Velg en dato fra i dag og innen fristen på siden"),
    "next_date:missing": lambda: _("Skriv den nye fristen"),
    "closing_reason:closing_reason_missing": lambda: _("Velg hvorfor saken avsluttes"),
    "closing_reason:closing_reason_not_asked": lambda: _("Dette steget avslutter ikke saken"),
    "party:missing": lambda: _("Velg hvem som trekker samtykket"),
    "law:missing": lambda: _("Velg hjemmelen"),
    "effect:missing": lambda: _("Velg hvilken virkning tiltaket har hatt"),
    "outcome:missing": lambda: _("Velg hva som skal skje videre"),
    "done_as_planned:missing": lambda: _("Svar på om tiltaket ble gjort som planlagt"),
    "cause:missing": lambda: _("Velg hva det gjelder"),
    "once:missing": lambda: _("Last siden på nytt og send igjen"),
    "name:missing": lambda: _("Skriv navnet"),
    "name:taken": lambda: _("En enhet heter dette allerede. Velg et annet navn"),
    "username:missing": lambda: _("Skriv brukernavnet"),
    "username:taken": lambda: _("Brukernavnet er i bruk. Velg et annet"),
    "password:missing": lambda: _("Skriv et passord"),
    "password:too_short": lambda: _("Passordet må ha minst 12 tegn"),
    "password:too_long": lambda: _("Passordet kan ha høyst 256 tegn"),
    "password:same_as_username": lambda: _("Passordet kan ikke være likt brukernavnet"),
    "file:missing": lambda: _("Velg en fil"),
    "file:too_large": lambda: _("Filen er større enn 20 MB. Del den opp og importer delene hver for seg"),
    "file:empty_file": lambda: _("Filen er tom. Velg en fil med overskrifter og minst én rad"),
    "file:not_text": lambda: _("Filen kan ikke leses som tekst. Lagre regnearket som CSV UTF-8, og velg den filen"),
    "attachment:missing": lambda: _("Velg en fil"),
    "attachment:too_large": lambda: _("Filen er større enn 5 MB. Velg en mindre, eller lagre den med lavere kvalitet"),
    "attachment:empty": lambda: _("Filen er tom. Velg en annen"),
    "attachment:unknown_type": lambda: _("Velg en PDF, et bilde (PNG eller JPEG), ren tekst, ODT eller DOCX"),
    "attachment:has_macros": lambda: _("Filen har makroer, som er små programmer. Lagre den uten, eller som PDF"),
    "code:missing": lambda: _("Skriv koden"),
    "code:wrong_code": lambda: _("Koden stemmer ikke. Skriv den som står i appen nå"),
    "code:too_old_page": lambda: _("Siden var for gammel. Legg inn den nye nøkkelen i appen, og skriv koden den viser"),
    "again:differs": lambda: _("De to passordene er ikke like. Skriv det nye passordet to ganger"),
    "draft:too_long": lambda: _("Kladden er for lang til å lagres"),
    "missing": lambda: _("Fyll ut feltet"),
    "unknown": lambda: _("Velg et av alternativene på siden"),
    "too_long": lambda: _("Teksten er for lang. Kort den ned"),
    "not_a_date": lambda: _("Skriv en dato, for eksempel 1.12.26"),
    "not_a_phone": lambda: _("Skriv telefonnummeret med tall, for eksempel 74 00 00 00"),
    "not_an_email": lambda: _("Skriv en e-postadresse, for eksempel kari@kommune.no"),
    "not_a_username": lambda: _("Bruk bokstaver, tall, punktum og bindestrek, uten mellomrom"),
    "in_future": lambda: _("Datoen kan ikke være fram i tid"),
    "in_past": lambda: _("Velg en dato fram i tid"),
    "too_old": lambda: _("Datoen er for langt tilbake"),
    "too_late": lambda: _("Datoen er for langt fram"),
}

REFUSALS: Sentences = {
    "not_ready": lambda: _("Noe må være på plass først. Listen viser hva som mangler, og hvem som kan ordne det."),
    "stale": lambda: _(
        "Noen andre har endret saken siden du åpnet siden. Det du skrev, er tatt vare på. Se over og send på nytt."
    ),
    "no_ground": lambda: _(
        "Det finnes ikke et samtykke som gjelder nå. Du kan flytte eller avslutte saken, men ikke lese i den."
    ),
    "not_your_task": lambda: _("Dette er det noen andre i saken som gjør."),
    "not_your_move": lambda: _("Dette steget er det noen andre i saken som tar."),
    "not_your_unit": lambda: _("Du kan bare registrere for en enhet du arbeider i."),
    "wrong_role": lambda: _("Rollen din gir ikke tilgang til denne siden."),
    "wrong_login": lambda: _("Brukernavnet eller passordet stemmer ikke."),
    "not_a_demo": lambda: _("Du kan bare logge inn som andre i en demo."),
    "own_case": lambda: _("Du kan ikke avgjøre en sak du selv er en del av."),
    "own_access": lambda: _("Du kan ikke gjennomgå din egen bruk. Det gjør en annen revisor."),
    "move_not_possible": lambda: _("Saken står ikke lenger på et steg der dette er mulig."),
    "case_closed": lambda: _("Saken er avsluttet."),
    "no_deadline": lambda: _("Modellen mangler frist for dette steget. Gi beskjed til BTI-teamet."),
    "too_many_files": lambda: _("Saken har så mange filer som den kan ha."),
    "no_log_yet": lambda: _("Saken har ikke stafettlogg ennå. Den begynner når saken går til et høyere nivå."),
    "has_log_now": lambda: _("Undringen er blitt en sak. Skriv i loggen i stedet."),
    "already_named": lambda: _("Det står allerede hvem saken gjelder."),
    "not_same_subject": lambda: _("De to sakene gjelder ikke samme barn i samme enhet."),
    "cannot_close_here": lambda: _("Undringen kan ikke avsluttes fra steget den står på."),
    "offer_open": lambda: _("Noen er allerede spurt. Vent på svar, eller trekk spørsmålet tilbake først."),
    "no_open_offer": lambda: _("Spørsmålet om stafettpinnen gjelder ikke lenger."),
    "already_holder": lambda: _("Du har stafettpinnen allerede."),
    "interim_must_appoint": lambda: _("Stafettholderen er midlertidig. Velg en stafettholder først."),
    "holder_left": lambda: _("Stafettholderen arbeider ikke her lenger. Åpne saken på nivå 0, og velg en ny der."),
    "no_interim_holder": lambda: _(
        "Ingen kan ta stafettpinnen midlertidig. Gi enheten en leder først, så ingen sak blir stående alene."
    ),
    "already_takes_part": lambda: _("Personen er allerede med i saken eller er spurt."),
    "already_answered": lambda: _("Dette er besvart allerede."),
    "already_asked": lambda: _("De samme er allerede spurt om det samme. Registrer svarene der."),
    "consent_ended": lambda: _("Samtykket gjelder ikke lenger. Be om et nytt."),
    "has_open_measures": lambda: _("Målet har tiltak som pågår. Evaluer og avslutt dem først."),
    "measure_ended": lambda: _("Tiltaket er avsluttet allerede."),
    "referral_open": lambda: _("Saken er allerede henvist og venter på avgjørelse."),
    "no_coordinating_unit": lambda: _(
        "Kommunen har ikke registrert en koordinerende enhet. Gi beskjed til administratoren."
    ),
    "unit_ended": lambda: _("Enheten er avsluttet."),
    "unit_in_use": lambda: _(
        "Enheten er i bruk. Flytt eller avslutt ansatte, barn, åpne saker og henvisninger som hører til, først."
    ),
    "person_ended": lambda: _("Personen har sluttet."),
    "already_has_role": lambda: _("Personen har rollen i enheten allerede."),
    "role_not_held": lambda: _("Personen har ikke denne rollen lenger."),
    "roles_conflict": lambda: _(
        "En revisor eller administrator kan ikke også arbeide med saker. Avslutt den andre rollen først."
    ),
    "last_administrator": lambda: _("Dette er den siste administratoren. Gi en annen rollen først."),
    "wrong_password": lambda: _("Passordet stemmer ikke."),
    "wrong_code": lambda: _("Koden stemmer ikke, eller den er brukt før. Vent på en ny kode i appen, og prøv igjen."),
    "has_factor": lambda: _("Totrinnsbekreftelse er slått på allerede. Logg inn på nytt, og bruk koden fra appen."),
    "no_factor": lambda: _("Totrinnsbekreftelse er ikke slått på."),
    "needs_factor": lambda: _("Rollen din krever totrinnsbekreftelse. Du kan bytte app, men ikke slå den av."),
    "import_under_way": lambda: _("En annen import pågår. Vent til den er ferdig, og prøv igjen."),
    "import_not_ready": lambda: _("Importen venter ikke lenger på deg. Se på siden hvordan det gikk."),
    "no_case_to_open": lambda: _(
        "Vi finner ingen sak du kan få nødtilgang til. Forsøket er skrevet i innsynsloggen. Se over det du skrev, "
        "eller ring lederen for tjenesten du tror kjenner barnet."
    ),
    "break_glass_over": lambda: _("Nødtilgangen er over allerede."),
    "break_glass_lasts": lambda: _("Nødtilgangen varer fortsatt. Den kan gås gjennom når den er over."),
    "already_reviewed": lambda: _("Noen andre har gått gjennom denne nødtilgangen allerede."),
    "alert_closed": lambda: _("Noen andre har behandlet varselet allerede."),
    "already_judged": lambda: _("Noen andre har vurdert denne allerede."),
    "many_cases": lambda: _("Du har åpnet mange saker på kort tid."),
    "not_found": lambda: _("Den finnes ikke, eller du har ikke tilgang til den."),
}

# What a need asks for, in the words of the checklist.
NEEDS: Sentences = {
    "note_written": lambda: _("Undringen er beskrevet"),
    "shared_with_leader": lambda: _("Undringen er delt med leder"),
    "leader_feedback": lambda: _("Leder har gitt tilbakemelding"),
    "guardians_talked": lambda: _("Foresatte er snakket med"),
    "subject_known": lambda: _("Det står hvem saken gjelder"),
    "holder_decided": lambda: _("Stafettholder er bestemt for nivået"),
    "consent_log": lambda: _("Samtykke til stafettlogg"),
    "consent_partner": lambda: _("Samtykke til å dele med tjenestene som er med"),
    "consent_external": lambda: _("Eget samtykke til eksterne tjenester"),
    "partner_joined": lambda: _("Minst én annen tjeneste er med"),
    "goal_set": lambda: _("Det er satt et mål"),
    "measure_planned": lambda: _("Tiltak har ansvarlig og evalueringsdato"),
    "measures_evaluated": lambda: _("Tiltakene er evaluert"),
    "child_heard": lambda: _("Barnet er hørt"),
    "no_open_offer": lambda: _("Ingen venter på å svare om stafettpinnen"),
    "giver_known": lambda: _("Det er registrert noen som kan samtykke"),
    "service_not_covered": lambda: _("Familien har samtykket til denne tjenesten"),
    "external_not_covered": lambda: _("Familien har gitt eget samtykke til den eksterne tjenesten"),
    "takeover_not_covered": lambda: _("Familien har samtykket til at tjenesten tar over loggen"),
}

FIXERS: Sentences = {
    "author": lambda: _("Den som undrer seg"),
    "holder": lambda: _("Stafettholderen"),
    "unit_leader": lambda: _("Enhetslederen"),
    "giver": lambda: _("Den som skal samtykke"),
    "invited": lambda: _("Den som er spurt"),
    "administrator": lambda: _("Administratoren"),
    "offered": lambda: _("Den som er spurt"),
    "participant": lambda: _("Deltakeren"),
    "coordinating_unit": lambda: _("Koordinerende enhet"),
}

# Small words of the domain that pages share: kinds, states, channels. Kept here so that they are said one way.
WORDS: Sentences = {
    "role.employee": lambda: _("Ansatt"),
    "role.unit_leader": lambda: _("Enhetsleder"),
    "role.coordinator": lambda: _("Koordinerende enhet"),
    "role.bti_team": lambda: _("BTI-team"),
    "role.administrator": lambda: _("Administrator"),
    "role.auditor": lambda: _("Revisor"),
    "role.holder": lambda: _("Stafettholder"),
    "role.author": lambda: _("Den som undrer seg"),
    "role.participant": lambda: _("Deltaker"),
    "role.invited": lambda: _("Spurt om å delta"),
    "role.offered": lambda: _("Spurt om å ta stafettpinnen"),
    "role.coordinating_unit": lambda: _("Koordinerende enhet"),
    "role.break_glass": lambda: _("Nødtilgang"),
    "role.system": lambda: _("Systemet"),
    "level.password": lambda: _("med passord"),
    "level.password+totp": lambda: _("med passord og kode"),
    "level.demo": lambda: _("som hvem som helst, i en demo"),
    "unit.school": lambda: _("Skole"),
    "unit.kindergarten": lambda: _("Barnehage"),
    "unit.health_centre": lambda: _("Helsestasjon"),
    "unit.nav": lambda: _("NAV"),
    "unit.ppt": lambda: _("PPT"),
    "unit.child_welfare": lambda: _("Barneverntjeneste"),
    "unit.family_support": lambda: _("Familietjeneste"),
    "unit.leisure": lambda: _("Kultur og fritid"),
    "unit.specialist_health": lambda: _("Spesialisthelsetjeneste"),
    "unit.coordinating_unit": lambda: _("Koordinerende enhet"),
    "unit.administration": lambda: _("Administrasjon"),
    "consent.asked": lambda: _("Venter på svar"),
    "consent.partly_given": lambda: _("Noen har svart ja"),
    "consent.given": lambda: _("Gitt"),
    "consent.refused": lambda: _("Avslått"),
    "consent.withdrawn": lambda: _("Trukket tilbake"),
    "consent.expired": lambda: _("Utløpt"),
    "purpose.log": lambda: _("Stafettlogg i egen tjeneste"),
    "purpose.share": lambda: _("Samarbeid med andre tjenester"),
    "purpose.external": lambda: _("Samarbeid med eksterne tjenester"),
    "purpose.takeover": lambda: _("En annen tjeneste tar over loggen"),
    "purpose.law": lambda: _("Rettslig grunnlag"),
    "purpose.emergency": lambda: _("Nødtilgang"),
    "looked_into.fine": lambda: _("I orden"),
    "looked_into.follow_up": lambda: _("Må følges opp"),
    "break_glass.danger": lambda: _("Fare for liv, helse eller vold"),
    "break_glass.acute": lambda: _("Barnet trenger hjelp nå, og vi må vite hva som er avtalt"),
    "break_glass.unreachable": lambda: _("De som har saken, er ikke å få tak i, og det kan ikke vente"),
    "break_glass.other": lambda: _("Noe annet som haster"),
    "break_glass_verdict.justified": lambda: _("Begrunnet"),
    "break_glass_verdict.not_justified": lambda: _("Ikke begrunnet"),
    "giver.guardians": lambda: _("alle med foreldreansvar"),
    "giver.subject": lambda: _("barnet eller ungdommen selv"),
    "giver.child_welfare": lambda: _("barneverntjenesten"),
    "authority.parental_responsibility": lambda: _("Foreldreansvar"),
    "authority.own_age": lambda: _("Ungdommen selv"),
    "authority.pregnant": lambda: _("Den gravide selv"),
    "authority.care_order": lambda: _("Barneverntjenesten (omsorgsovertakelse)"),
    "relation.mother": lambda: _("mor"),
    "relation.father": lambda: _("far"),
    "relation.other": lambda: _("foresatt"),
    "channel.written": lambda: _("Skriftlig"),
    "channel.oral": lambda: _("Muntlig"),
    "answer.given": lambda: _("Ja"),
    "answer.refused": lambda: _("Nei"),
    "answer.withdrawn": lambda: _("Trukket tilbake"),
    "talked.no": lambda: _("Nei, ikke ennå"),
    "talked.child": lambda: _("Ja, med barnet"),
    "talked.guardians": lambda: _("Ja, med foreldrene"),
    "talked.both": lambda: _("Ja, med begge"),
    "entry.note": lambda: _("Tillegg til undringen"),
    "entry.guardian_talk": lambda: _("Samtale med foresatte"),
    "entry.child_voice": lambda: _("Barnets stemme"),
    "entry.log": lambda: _("Notat i loggen"),
    "entry.meeting": lambda: _("Møte"),
    "entry.decision": lambda: _("Beslutning"),
    "entry.closing": lambda: _("Avslutning"),
    "measure.active": lambda: _("Pågår"),
    "measure.evaluated": lambda: _("Evaluert, fortsetter"),
    "measure.ended": lambda: _("Avsluttet"),
    "done.yes": lambda: _("Ja"),
    "done.partly": lambda: _("Delvis"),
    "done.no": lambda: _("Nei"),
    "effect.good": lambda: _("God virkning"),
    "effect.some": lambda: _("Noe virkning"),
    "effect.none": lambda: _("Ingen virkning"),
    "effect.worse": lambda: _("Det er blitt verre"),
    "outcome.continue": lambda: _("Fortsett som nå"),
    "outcome.change": lambda: _("Fortsett, men endre"),
    "outcome.end": lambda: _("Avslutt tiltaket"),
    "goal.reached": lambda: _("Nådd"),
    "goal.changed": lambda: _("Erstattet av et annet mål"),
    "goal.dropped": lambda: _("Ikke lenger aktuelt"),
    "cause.stuck": lambda: _("Saken står fast"),
    "cause.disagreement": lambda: _("Tjenestene er uenige"),
    "referral.go_on": lambda: _("Fortsett på samme nivå"),
    "referral.new_holder": lambda: _("Ny stafettholder"),
    "referral.new_services": lambda: _("Koble på flere tjenester"),
    "referral.go_down": lambda: _("Gå ned et nivå"),
    "referral.close": lambda: _("Avslutt saken"),
    "handover.offered": lambda: _("Venter på svar"),
    "handover.accepted": lambda: _("Tatt imot"),
    "handover.declined": lambda: _("Takket nei"),
    "handover.withdrawn": lambda: _("Trukket tilbake"),
    "handover.expired": lambda: _("Utløpt uten svar"),
    "handover.overtaken": lambda: _("Falt bort fordi saken ble flyttet"),
}


def field_sentence(name: str, code: str) -> str:
    """Return what is wrong with a field and what to do; a general sentence for a code that has none of its own."""
    sentence = FIELDS.get(f"{name}:{code}") or FIELDS.get(code)
    return sentence() if sentence else _("Rett opp feltet")


def refusal_sentence(refusal: Refused) -> str:
    """Return why something was turned down, in plain words."""
    sentence = REFUSALS.get(refusal.code)
    return sentence() if sentence else _("Dette går ikke slik saken står nå.")


def wait_sentence(soon: TooSoon) -> str:
    """Return that one must wait, and how long, in words."""
    if isinstance(soon, TooManyCases):
        return ngettext(
            "Det er åpnet mange forskjellige saker på kort tid. Vent %(num)d sekund før du åpner en ny.",
            "Det er åpnet mange forskjellige saker på kort tid. Vent %(num)d sekunder før du åpner en ny. "
            "Hver ny sak krever lenger venting.",
            soon.seconds,
        )
    return ngettext(
        "Det er prøvd for mange ganger. Prøv igjen om %(num)d minutt.",
        "Det er prøvd for mange ganger. Prøv igjen om %(num)d minutter.",
        -(-soon.seconds // 60),
    )


def refusal_helper(refusal: Refused) -> str:
    """Return who can help, or nothing."""
    if isinstance(refusal, NotReady):
        return ", ".join(dict.fromkeys(fixer_name(missing.fixer) for missing in refusal.missing))
    wanted = refusal.details.get("wanted", "").split()
    return ", ".join(fixer_name(relation) for relation in wanted)


def need_sentence(code: str) -> str:
    """Return what a need asks for."""
    sentence = NEEDS.get(code)
    return sentence() if sentence else code


def fixer_name(relation: str) -> str:
    """Return who can put something in place."""
    sentence = FIXERS.get(relation)
    return sentence() if sentence else relation


def word(group: str, key: str | None) -> str:
    """Return a small word of the domain: `word("consent", "given")`. Empty for no key; the key when unknown."""
    if not key:
        return ""
    sentence = WORDS.get(f"{group}.{key}")
    return sentence() if sentence else key


def choices(group: str, keys: tuple[str, ...]) -> list[tuple[str, str]]:
    """Return (key, word) pairs for a list of choices."""
    return [(key, word(group, key)) for key in keys]
