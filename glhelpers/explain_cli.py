"""`glhelpers explain`: an error text in, cause, evidence and next step out. Reads no service, writes nothing."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from glhelpers.rules.explanation import Evidence, Explanation

__all__ = ["explain_command"]

# What each runbook cannot do without, with values to be replaced.
_PARAMETERS = {
    "start_here": ("namespace=GROUP", "subscription_name=A-S…"),
    "provision_reseller": ("namespace=GROUP", "subscription_name=A-S…"),
    "portal_502": ("customer_id=NUMBER",),
    "force_associate": ("namespace=GROUP", "subscription_name=A-S…"),
    "clear_subscription": ("namespace=GROUP", "subscription_name=A-S…"),
    "self_serve": ("namespace=GROUP", "subscription_name=A-S…"),
    "subscription_not_visible": ("subscription_name=A-S…", "customer_email=ADDRESS"),
}
_TICKET = "ticket_url=https://gitlab.zendesk.com/agent/tickets/NUMBER"


def explain_command(
    text: Annotated[str, typer.Argument(help="The error text or symptom, in quotes; - reads it from standard input.")],
    seen: Annotated[
        list[str] | None,
        typer.Option("--seen", "-s", metavar="NAME=VALUE", help="A fact looked up, such as linked_user=true."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")] = False,
) -> None:
    """Explain an error text: cause, evidence, what to look up, next step, handbook paragraph; or abstain."""
    from glhelpers.rules.explain import explain

    answer = explain(_from_stdin() if text == "-" else text, _evidence(seen or []))
    typer.echo(answer.model_dump_json(indent=1) if as_json else _in_words(answer))


def _from_stdin() -> str:
    from glhelpers.rules.symptom_text import LONGEST

    # One character too many is enough to be told that the text is too long; UTF-8 takes four bytes at most.
    return sys.stdin.buffer.read(4 * (LONGEST + 1)).decode("utf-8", "replace")


def _evidence(pairs: list[str]) -> Evidence:
    from pydantic import ValidationError

    from glhelpers.batch.parameters import gather
    from glhelpers.errors import BadParameter
    from glhelpers.rules.explanation import Evidence

    try:
        return Evidence.model_validate(gather(pairs, None, None))
    except ValidationError as error:
        names = sorted({str(item["loc"][0])[:60] for item in error.errors()})
        raise BadParameter(
            f"These facts cannot be read: {', '.join(names)}.",
            next_step=f"Known facts are {', '.join(Evidence.model_fields)}; docs/diagnosis.md tells their values.",
        ) from None


def _in_words(answer: Explanation) -> str:
    from glhelpers.rules.handbook import PAGE

    blocks = [
        f"{answer.symptom or 'Not explained'} ({answer.confidence})",
        f"Cause:     {answer.cause}",
        _listed("Evidence:", answer.evidence),
        _listed("Look up:", answer.missing),
        f"Next step: {answer.next_step}",
        "Escalate:  yes; nothing is written meanwhile" if answer.escalate else "",
        f"Handbook:  {PAGE}#{answer.anchor} ({answer.paragraph})",
        f"Command:   {_command(answer.runbook)}" if answer.runbook else "",
    ]
    return "\n".join(block for block in blocks if block)


def _listed(title: str, sentences: tuple[str, ...]) -> str:
    return "\n".join(f"{'' if place else title:<10} {one}" for place, one in enumerate(sentences))


def _command(runbook: str) -> str:
    given = " ".join(f"-p {pair}" for pair in (*_PARAMETERS[runbook], _TICKET))
    return f"glhelpers run {runbook} {given}"
