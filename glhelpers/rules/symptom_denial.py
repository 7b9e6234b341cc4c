"""Whether a text denies what it names: "not a 502", "no longer greyed out", "the error has been fixed"."""

from __future__ import annotations

from glhelpers.rules.symptom_text import Words, set_of

__all__ = ["is_denied"]


_BEFORE = 5
_AFTER = 7

# The wording of denials is ours; some words of other languages stand here for texts that quote an English error.
_DENIES = set_of(
    "not no never without isnt wasnt arent werent dont doesnt didnt havent hasnt hadnt nor neither none aint wont "
    "wouldnt will instead rather unlike formerly previously whether would avoid avoids avoided avoiding prevent prevents "
    "hypothetically hypothetical imagine suppose supposing example fixed resolved solved reproduce "
    "kein keine keinen nicht ohne pas sans sin nunca nao sem geen niet non senza"
)
# After one of these the denial is of something else: "no idea why", "would like to report".
_DENIES_SOMETHING_ELSE = {
    "no": set_of("idea clue matter one"),
    "not": set_of("only sure clear know understand obvious allowed possible able"),
    "dont": set_of("know understand see"),
    "would": set_of("like appreciate love need"),
    "rather": set_of("strange odd urgent"),
}
_ASKS = set_of("check see know verify ask asks asked wonder wondering")
_REASONS = set_of("because since due when while whenever once reason")
_TURNS = _REASONS | set_of("but however although though yet now still gets got gives")
_OVER = set_of("gone fixed resolved solved disappeared vanished cleared")
_NOT_OVER = set_of("not be never wasnt isnt hasnt havent until unless get please cant nothing must yet to")
_OCCURS = set_of(
    "occur occurs occurring happen happens happening appear appears reproducible there present exist exists "
    "case problem issue cause reason anymore"
)
_NO_MORE = set_of("not doesnt didnt isnt wasnt never no")


def is_denied(text: Words, span: tuple[int, ...], *, quoted: bool) -> bool:
    """
    Whether the wording at these places is negated before, within or after.

    A "not" that is part of a `quoted` error belongs to the error; one that is part of somebody's
    own words, such as "group not in the list", leaves no second denial before it to look for.
    """
    within = set(range(span[0], span[-1])) - set(span)
    if any(_denies(text, place) for place in within):
        return True
    if not quoted and any(text.words[place] in _DENIES for place in span):
        return _denied_after(text, span[-1])
    return _denied_before(text, span[0]) or _denied_after(text, span[-1])


def _denies(text: Words, place: int) -> bool:
    word = text.words[place]
    follows = text.words[place + 1] if place + 1 < len(text.words) else ""
    if word == "if" and place and text.words[place - 1] in _ASKS:
        return True
    return word in _DENIES and follows not in _DENIES_SOMETHING_ELSE.get(word, ())


def _denied_before(text: Words, start: int) -> bool:
    for place in range(start - 1, max(start - 1 - _BEFORE, -1), -1):
        if text.sentence[place] != text.sentence[start] or place + 1 in text.after_pause:
            return False
        if _denies(text, place):
            return True
        if text.words[place] in _TURNS:
            return False
    return False


def _denied_after(text: Words, end: int) -> bool:
    words = text.words
    for place in range(end + 1, min(end + 1 + _AFTER, len(words))):
        if text.sentence[place] != text.sentence[end] or words[place] in _REASONS:
            return False
        if place in text.after_pause:
            return _is_taken_back(words, place)
        if words[place] in _OVER and not _NOT_OVER.intersection(words[max(end, place - 3) : place]):
            return True
        if words[place] in _NO_MORE and _OCCURS.intersection(words[place + 1 : place + 4]):
            return True
        if words[place : place + 2] == ("no", "longer"):
            return True
    return False


def _is_taken_back(words: tuple[str, ...], place: int) -> bool:
    """Whether what follows a pause takes back what stands before it: "…, not reproducible any more"."""
    return words[place] in _OVER or (words[place] in _NO_MORE and bool(_OCCURS & set(words[place + 1 : place + 3])))
