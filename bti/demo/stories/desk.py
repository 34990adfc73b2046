"""What lies on the desk beside the cases: questions that were asked without saying who they are about."""

from __future__ import annotations

from bti.demo.play import Plot, Stage, Story
from bti.usecases.referrals import answer_anonymously, ask_anonymously


def question(asked: int, by: str, unit: str, text: str, answered: int = 0, who: str = "", answer: str = "") -> Story:
    """Return the story of an anonymous discussion, answered or not."""

    def story(stage: Stage) -> Plot:
        yield asked
        discussion = stage.act(ask_anonymously, by, unit_id=stage.town.units[unit], question=text)
        if who:
            yield answered
            stage.act(answer_anonymously, who, discussion_id=discussion, answer=answer)

    return story


STORIES: tuple[Story, ...] = (
    question(
        -30,
        "kari",
        "ppt",
        "Et barn på mellomtrinnet leser langt under trinnet, men forstår alt muntlig. Hva prøver vi først?",
        -27,
        "siri",
        "Prøv lydbok og korte leseøkter hver dag i fire uker. Kom gjerne tilbake etterpå.",
    ),
    question(
        -19,
        "kristin",
        "family",
        "Hvordan snakker vi med foreldre som ikke bor sammen, uten å ta parti?",
        -15,
        "henrik",
        "Inviter begge, gjerne hver for seg først. Hold dere til hva dere ser i barnehagen.",
    ),
    question(
        -11,
        "ingrid",
        "welfare",
        "En ungdom sover ofte hos venner. Når bør vi tenke på meldeplikten?",
        -10,
        "anders",
        "Når du er alvorlig bekymret for omsorgen. Ring oss, så drøfter vi det. Er du i tvil, så ring likevel.",
    ),
    question(
        -4,
        "elle",
        "health",
        "Hva gjør vi når en ungdom sier at hun ikke får sove, og ikke vil at foreldrene skal vite det?",
    ),
    question(
        -2,
        "hanna",
        "ppt",
        "Et barn snakker flytende samisk og nesten ikke norsk. Når er det språket, og når er det noe annet?",
    ),
)
