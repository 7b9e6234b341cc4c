"""GitLab.com REST v4. API pages: namespaces, groups, members, users, issues, notes, labels, markdown uploads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any, TypeVar

from pydantic import SecretStr

from glhelpers.clients.paging import read_all
from glhelpers.clients.patience import write_patiently
from glhelpers.clients.transport import Transport
from glhelpers.clients.wire import path_of
from glhelpers.errors import RequestRejected
from glhelpers.models.namespace import (
    BillableMember,
    BillableMembership,
    GitlabSubscription,
    Group,
    Member,
    Namespace,
    PersonalAccessToken,
    TokenInfo,
    User,
)
from glhelpers.models.ticket import Issue, IssueLink, Label, Note, Upload

__all__ = ["GitLabClient"]

T = TypeVar("T")

_API = "/api/v4"


class GitLabClient:
    """Typed calls; `ref` is a numeric id or a full path."""

    def __init__(self, transport: Transport, *, sleep: Callable[[float], None] | None = None) -> None:
        self._transport, self._sleep = transport, sleep

    def patient(self, sleep: Callable[[float], None]) -> GitLabClient:
        """The same client, which waits out a 429 to a write, up to a minute, where this one hands it on."""
        return GitLabClient(self._transport, sleep=sleep)

    def today(self) -> date | None:
        """The day by GitLab.com's own clock, from the Date header of its latest answer."""
        latest = self._transport.latest_date
        return latest.date() if latest is not None else None

    def now(self) -> datetime | None:
        """The time by GitLab.com's own clock, from the Date header of its latest answer."""
        return self._transport.latest_date

    def me(self) -> User:
        """Whose token this is (API page: users)."""
        return self._get("/user", f"{_API}/user", User)

    def own_token(self) -> PersonalAccessToken:
        """What this token may do (API page: personal access tokens)."""
        return self._get("/personal_access_tokens/self", f"{_API}/personal_access_tokens/self", PersonalAccessToken)

    def token_info(self, token: SecretStr) -> TokenInfo:
        """Whose OAuth token `token` is (API page: oauth2, token information)."""
        answer = self._transport.read("/oauth/token/info", "/oauth/token/info", token=token)
        return self._transport.parse("/oauth/token/info", answer, TokenInfo)

    def user(self, user_id: int) -> User:
        """One user; GitLab.com allows 300 of these in ten minutes."""
        return self._get("/users/:id", path_of(f"{_API}/users/{{}}", user_id), User)

    def user_by_username(self, username: str) -> User | None:
        """The user of that name, or None."""
        rows = self._get("/users?username=", f"{_API}/users", list[User], {"username": username})
        return rows[0] if rows else None

    def namespace(self, ref: str | int) -> Namespace:
        """A namespace; limits are told to administrators only."""
        return self._get("/namespaces/:id", path_of(f"{_API}/namespaces/{{}}", ref), Namespace)

    def gitlab_subscription(self, ref: str | int) -> GitlabSubscription:
        """Plan, seats and term of a top-level group; for its Owners and administrators."""
        path = path_of(f"{_API}/namespaces/{{}}/gitlab_subscription", ref)
        return self._get("/namespaces/:id/gitlab_subscription", path, GitlabSubscription)

    def group(self, ref: str | int) -> Group:
        """A group, without its projects."""
        return self._get("/groups/:id", path_of(f"{_API}/groups/{{}}", ref), Group, {"with_projects": "false"})

    def direct_members(self, group_id: int, user_ids: Sequence[int] = ()) -> tuple[Member, ...]:
        """Direct members of a group, all of them or only these users."""
        query = {"user_ids[]": [str(user) for user in user_ids]} if user_ids else {}
        path = path_of(f"{_API}/groups/{{}}/members", group_id)
        return read_all(self._transport, "/groups/:id/members", path, query, Member)

    def all_members(self, group_id: int) -> tuple[Member, ...]:
        """Members with those inherited and invited, each with the highest role."""
        path = path_of(f"{_API}/groups/{{}}/members/all", group_id)
        return read_all(self._transport, "/groups/:id/members/all", path, {}, Member)

    def billable_members(self, group_id: int) -> tuple[BillableMember, ...]:
        """Everyone in the hierarchy who takes a seat; answers 400, not 403, to whoever may not see it."""
        path = path_of(f"{_API}/groups/{{}}/billable_members", group_id)
        return read_all(self._transport, "/groups/:id/billable_members", path, {}, BillableMember)

    def billable_memberships(self, group_id: int, user_id: int) -> tuple[BillableMembership, ...]:
        """Where in the hierarchy a billable member has which role."""
        call = "/groups/:id/billable_members/:user_id/memberships"
        path = path_of(f"{_API}/groups/{{}}/billable_members/{{}}/memberships", group_id, user_id)
        return read_all(self._transport, call, path, {}, BillableMembership)

    def labels(self, project: str, search: str) -> tuple[Label, ...]:
        """Labels of a project whose name holds `search`."""
        path = path_of(f"{_API}/projects/{{}}/labels", project)
        return read_all(self._transport, "/projects/:id/labels", path, {"search": search}, Label)

    def issue(self, project: str, iid: int) -> Issue:
        """An issue by its number in the project."""
        path = path_of(f"{_API}/projects/{{}}/issues/{{}}", project, iid)
        return self._get("/projects/:id/issues/:iid", path, Issue)

    def notes(self, project: str, iid: int) -> tuple[Note, ...]:
        """All notes of an issue."""
        path = path_of(f"{_API}/projects/{{}}/issues/{{}}/notes", project, iid)
        return read_all(self._transport, "/projects/:id/issues/:iid/notes", path, {}, Note)

    def create_note(self, project: str, iid: int, body: str) -> Note:
        """Add an internal note; never a public one."""
        path = path_of(f"{_API}/projects/{{}}/issues/{{}}/notes", project, iid)
        return self._write("POST", "/projects/:id/issues/:iid/notes", path, {"body": body, "internal": True}, Note)

    def update_note(self, project: str, iid: int, note_id: int, body: str) -> Note:
        """Replace the text of a note of one's own."""
        path = path_of(f"{_API}/projects/{{}}/issues/{{}}/notes/{{}}", project, iid, note_id)
        return self._write("PUT", "/projects/:id/issues/:iid/notes/:id", path, {"body": body}, Note)

    def add_labels(self, project: str, iid: int, labels: Sequence[str]) -> Issue:
        """Add labels. A label that the project does not have would be created: look it up first."""
        path = path_of(f"{_API}/projects/{{}}/issues/{{}}", project, iid)
        return self._write("PUT", "/projects/:id/issues/:iid", path, {"add_labels": ",".join(labels)}, Issue)

    def upload(self, project: str, filename: str, content: bytes, content_type: str) -> Upload:
        """Upload a file to a project; its `markdown` links to it from a note."""
        call, path = "/projects/:id/uploads", path_of(f"{_API}/projects/{{}}/uploads", project)
        parts = {"files": {"file": (filename, content, content_type)}}
        answer = write_patiently(self._transport, "POST", call, path, sleep=self._sleep, **parts)
        return self._transport.parse(call, answer, Upload)

    def link_issues(
        self, project: str, iid: int, target_project: str, target_iid: int, link_type: str = "relates_to"
    ) -> IssueLink | None:
        """Link two issues; None if they were linked before."""
        path = path_of(f"{_API}/projects/{{}}/issues/{{}}/links", project, iid)
        body = {"target_project_id": target_project, "target_issue_iid": target_iid, "link_type": link_type}
        try:
            return self._write("POST", "/projects/:id/issues/:iid/links", path, body, IssueLink)
        except RequestRejected as refusal:
            if refusal.status == 409:
                return None
            raise

    def _get(self, call: str, path: str, shape: type[T], query: dict[str, Any] | None = None) -> T:
        return self._transport.parse(call, self._transport.read(call, path, query), shape)

    def _write(self, method: str, call: str, path: str, body: dict[str, Any], shape: type[T]) -> T:
        answer = write_patiently(self._transport, method, call, path, sleep=self._sleep, json=body)
        return self._transport.parse(call, answer, shape)
