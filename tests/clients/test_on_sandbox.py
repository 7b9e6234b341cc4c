"""Every method of every client, once, against the sandbox over real HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest
from pydantic import SecretStr

from glhelpers.clients.clients import Clients, open_clients
from glhelpers.clients.sandbox_control import SandboxControl
from glhelpers.errors import NotFound, RequestRejected
from glhelpers.sandbox_process import Running
from glhelpers.settings import load_settings
from tests.clients.conftest import FaultServer, Make, told

PROJECT = "gitlab-com/support/internal-requests"
TICKET = "https://gitlab.zendesk.com/agent/tickets/1001"


@pytest.fixture
def clients(on_sandbox: Running) -> Iterator[Clients]:
    with open_clients(load_settings()) as opened:
        yield opened


def test_gitlab_reads(clients: Clients, on_sandbox: Running) -> None:
    """Users, namespaces, groups and members as the demo world has them."""
    gitlab = clients.gitlab
    assert gitlab.today() is None
    assert gitlab.me().username == "support-admin"
    assert gitlab.today() == date(2026, 11, 23)
    assert set(gitlab.own_token().scopes) == {"api", "admin_mode"}
    assert gitlab.token_info(SecretStr(on_sandbox.tokens["portal"])).resource_owner_id == 101
    assert gitlab.user(101).username == "owner-01"
    found = gitlab.user_by_username("owner-01")
    assert found is not None
    assert found.id == 101
    assert gitlab.user_by_username("nobody-of-that-name") is None
    assert gitlab.namespace("tanuki-robotics").id == gitlab.namespace(2001).id == 2001
    assert gitlab.gitlab_subscription(2004).plan.code == "premium"
    assert gitlab.group("tanuki-robotics").id == 2001
    with pytest.raises(NotFound):
        gitlab.namespace("no-such-group")


def test_gitlab_members(clients: Clients) -> None:
    """All members, some of them, and those who take a seat with where they have it."""
    gitlab = clients.gitlab
    everyone = gitlab.direct_members(2001)
    assert len(everyone) == len(gitlab.all_members(2001)) == 40
    assert [member.username for member in gitlab.direct_members(2001, [101])] == ["owner-01"]
    billable = gitlab.billable_members(2001)
    assert len(billable) == 40
    memberships = gitlab.billable_memberships(2001, 101)
    assert [(row.source_id, row.access_level.integer_value) for row in memberships] == [(2001, 50)]


def test_gitlab_evidence(clients: Clients) -> None:
    """Labels, an issue, its notes, a file and a link; a second link is no second link."""
    gitlab = clients.gitlab
    assert "L&R" in {label.name for label in gitlab.labels(PROJECT, "L&R")}
    assert gitlab.issue(PROJECT, 1).iid == 1
    note = gitlab.create_note(PROJECT, 1, "first")
    assert note.internal
    gitlab.update_note(PROJECT, 1, note.id, "second")
    assert [each.body for each in gitlab.notes(PROJECT, 1) if each.id == note.id] == ["second"]
    gitlab.add_labels(PROJECT, 1, ["L&R"])
    assert {"L&R", "second"} <= set(gitlab.add_labels(PROJECT, 1, ["second"]).labels)
    assert "page.html" in gitlab.upload(PROJECT, "page.html", b"<p>", "text/html").markdown
    link = gitlab.link_issues(PROJECT, 1, PROJECT, 2)
    assert link is not None
    assert link.link_type == "relates_to"
    assert gitlab.link_issues(PROJECT, 1, PROJECT, 2) is None


def test_customersdot_reads(clients: Clients) -> None:
    """Subscriptions, orders and accounts by each key that finds them."""
    portal = clients.customersdot
    assert portal.subscription("A-S00010001").seats == 10
    (order,) = portal.orders(subscription_name="A-S00010001")
    assert (order.id, order.customer_id) == (7001, 5001)
    assert portal.orders(gl_namespace_id="2001") == ()
    assert portal.customer(5001).email == "billing01@example.com"
    for found in (portal.customers(email="billing01@example.com"), portal.customers(uid="101")):
        assert [each.id for each in found] == [5001]
    assert portal.customers(namespace_id="2001") == ()
    assert portal.token_info(5001).resource_owner_id == 101
    assert portal.impersonation_check(5001) > 0


def test_customersdot_tools(clients: Clients) -> None:
    """Each support tool works once, and what it did is read back."""
    portal = clients.customersdot
    tanuki = clients.gitlab.namespace("tanuki-robotics")
    assert portal.set_extra_minutes("tanuki-robotics", 1234, TICKET, key="a").success
    assert clients.gitlab.namespace(2001).extra_shared_runners_minutes_limit == 1234
    assert portal.force_associate("tanuki-robotics", "A-S00010001", TICKET, key="b").success
    assert clients.gitlab.namespace(2001).plan != tanuki.plan
    assert portal.clear_subscription("A-S00010001", TICKET, key="c").success
    assert clients.gitlab.namespace(2001).plan == "free"
    assert portal.unlink(5001, "101", TICKET, key="d").success
    assert portal.customer(5001).uid is None
    assert {event.idempotency_key for event in portal.audit_events(namespace_id=2001)} >= {"a", "b", "c"}


def test_customersdot_says_no(clients: Clients) -> None:
    """A tool that refuses is an answer; a request that makes no sense is an error."""
    portal = clients.customersdot
    refused = portal.force_associate("tanuki-robotics", "A-S00010025", TICKET, key="e")
    assert (refused.success, bool(refused.error)) == (False, True)
    with pytest.raises(RequestRejected, match="not the one expected"):
        portal.unlink(5001, "999", TICKET, key="f")
    with pytest.raises(RequestRejected, match="can't be blank"):
        portal.set_extra_minutes("tanuki-robotics", 1, "", key="g")


def test_zendesk(clients: Clients) -> None:
    """A ticket, a file, a private comment with it, and tags that are added to those there."""
    zendesk = clients.zendesk
    assert zendesk.ticket(1001).status == "open"
    token = zendesk.upload("page.html", b"<p>", "text/html").token
    zendesk.add_private_comment(1001, "a comment", [token])
    comment = zendesk.comments(1001)[-1]
    assert (comment.body, comment.public) == ("a comment", False)
    zendesk.add_tags(1001, ["one"])
    assert {"one", "two"} <= set(zendesk.add_tags(1001, ["two"]))


def test_the_sandbox_is_moved_and_counted(clients: Clients) -> None:
    """The controls that a demonstration needs; all requests of a run are in one log."""
    control = SandboxControl(load_settings())
    assert "tanuki-robotics" in str(control.cases())
    clients.zendesk.add_tags(1001, ["one"])
    assert control.writes()
    control.close()
    clients.gitlab.me()
    assert [row.call for row in clients.request_log.rows] == ["PUT /tickets/:id/tags", "GET /user"]


def test_a_long_ticket_is_read_whole(server: FaultServer, trying: Make) -> None:
    """Zendesk tells a hundred comments at a time; where the next ones are is not taken from its answer."""
    rows = [{"id": number, "body": "x", "public": True} for number in range(100)]
    server.then(
        told({"comments": rows, "next_page": "https://example.com/elsewhere"}),
        told({"comments": rows[:3], "next_page": None}),
    )
    assert len(trying().clients.zendesk.comments(5)) == 103
    assert server.targets == [f"/api/v2/tickets/5/comments.json?page={page}&per_page=100" for page in (1, 2)]


@pytest.mark.parametrize(
    ("status", "body"), [(422, {"message": "success"}), (422, {"success": True}), (422, {"success": "false"})]
)
def test_a_422_that_is_no_refusal_of_a_tool(
    status: int, body: dict[str, object], server: FaultServer, trying: Make
) -> None:
    """Only `success` false is the tool's own no; anything else with 422 is an error."""
    server.then(told(body, status=status))
    with pytest.raises(RequestRejected):
        trying().clients.customersdot.clear_subscription("A-S1", TICKET, key="k")
    assert len(server.requests) == 1


def test_many_pages_arrive_in_order(server: FaultServer, trying: Make) -> None:
    """Pages read side by side are put together as they follow one another."""
    member = {"id": 1, "username": "ada", "state": "active", "access_level": 50}
    server.then(told([member], X_Total_Pages="9"))
    assert len(trying().clients.gitlab.all_members(9)) == 9
    assert len({request.target for request in server.requests}) == 9
