"""Parameters, before anything is read: what is accepted, and what is refused in one sentence."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glhelpers.errors import BadParameter
from glhelpers.models.request import ForceAssociateParameters, parse_parameters, ticket_number

GOOD = {"namespace": "fox", "subscription_name": "A-S00000001"}


def parse(**given_: Any) -> Any:
    """The parameters of Force Associate."""
    return parse_parameters(ForceAssociateParameters, {**GOOD, **given_}, "force_associate")


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        ("namespace", "fox", "fox"),
        ("namespace", " fox ", "fox"),
        ("namespace", "den/fox", "den/fox"),
        ("namespace", "a.b-c_d", "a.b-c_d"),
        ("namespace", 42, "42"),
        ("namespace", "42", "42"),
        ("namespace", "1e5", "1e5"),
        ("subscription_name", "A-S000860000", "A-S000860000"),
        ("customer_id", 50, "50"),
        ("customer_id", None, ""),
        ("customer_email", "ada@example.com", "ada@example.com"),
        ("issue", "gitlab-com/support/internal-requests#12", "gitlab-com/support/internal-requests#12"),
        ("ticket_url", "nonsense is judged by a rule", "nonsense is judged by a rule"),
    ],
)
def test_a_good_value_is_kept(name: str, value: object, kept: str) -> None:
    """Values stay text; white space around them does not count."""
    assert getattr(parse(**{name: value}), name) == kept


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("namespace", ""),
        ("namespace", None),
        ("namespace", ".."),
        ("namespace", "../admin"),
        ("namespace", "fox/.."),
        ("namespace", "fox/../den"),
        ("namespace", "/fox"),
        ("namespace", "fox/"),
        ("namespace", "den//fox"),
        ("namespace", "den%2Ffox"),
        ("namespace", "my fox"),
        ("namespace", "fox?admin=1"),
        ("namespace", "fox#f"),
        ("namespace", "fox\r\nX: y"),
        ("namespace", "fox\x00"),
        ("namespace", "0123"),
        ("namespace", "٣"),
        ("namespace", "f\u202eox"),
        ("namespace", "<script>alert(1)</script>"),
        ("namespace", "a" * 300),
        ("namespace", "a" * 10_000_000),
        ("namespace", True),
        ("namespace", 1.5),
        ("namespace", ["fox"]),
        ("namespace", {"a": 1}),
        ("namespace", float("nan")),
        ("subscription_name", "A-S123"),
        ("subscription_name", "a-s00000001"),
        ("subscription_name", "A-S00000001 || A-S00000002"),
        ("customer_id", "abc"),
        ("customer_id", "-5"),
        ("customer_id", "007"),
        ("customer_email", "no address"),
        ("issue", "12"),
        ("issue", "group#12"),
        ("issue", "group/project#0"),
        ("customer_confirmation", "http://example.com"),
        ("customer_confirmation", "javascript:alert(1)"),
        ("customer_confirmation", "https://example.com/<b>"),
        ("secret_token", "x"),
        ("x=1;open('y','w')", "x"),
    ],
)
def test_a_bad_value_is_refused_in_one_sentence(name: str, value: object) -> None:
    """The sentence names the parameter, never the value, and stays short."""
    with pytest.raises(BadParameter) as caught:
        parse(**{name: value})
    text = str(caught.value)
    assert len(text) < 600
    assert "\n" not in text
    if isinstance(value, str) and len(value) > 3:
        assert value not in text


@given(
    st.dictionaries(st.text(max_size=30), st.one_of(st.text(), st.integers(), st.booleans(), st.floats(), st.none()))
)
def test_no_parameters_raise_anything_else(drawn: dict[str, Any]) -> None:
    """Whatever is given: parameters, or one sentence."""
    with contextlib.suppress(BadParameter):
        parse_parameters(ForceAssociateParameters, drawn, "force_associate")


@pytest.mark.parametrize(
    ("link", "number"),
    [
        ("https://gitlab.zendesk.com/agent/tickets/1", 1),
        ("https://gitlab.zendesk.com/agent/tickets/123456#comment-2", 123456),
        ("https://gitlab.zendesk.com/agent/tickets/0", None),
        ("https://gitlab.zendesk.com/agent/tickets/1/", None),
        ("https://gitlab.zendesk.com.evil.example/agent/tickets/1", None),
        ("http://gitlab.zendesk.com/agent/tickets/1", None),
        ("https://gitlab.zendesk.com/agent/tickets/١", None),
        ("", None),
    ],
)
def test_a_ticket_link_is_well_formed_or_not(link: str, number: int | None) -> None:
    """Only the agent's link on GitLab's own Zendesk counts."""
    assert ticket_number(link) == number
