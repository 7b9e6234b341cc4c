"""GitLab.com projects as evidence sink: labels, issues, notes, uploads, links."""

from __future__ import annotations

import hashlib
import re
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any

from starlette.responses import Response

from glhelpers.sandbox.auth import need_scope
from glhelpers.sandbox.quick_actions import carry_out, mentions, split
from glhelpers.sandbox.store import Doc
from glhelpers.sandbox.web import Call, Handler, answer, halt, paged

__all__ = ["ROUTES", "note_of"]

_LONGEST_NOTE = 1_000_000
_LARGEST_UPLOAD = 100 * 1024 * 1024


def _project(call: Call) -> Doc:
    need_scope(call)
    ref = call.names["id"]
    found = _named(call, ref)
    if found is None:
        raise halt(404, {"message": "404 Project Not Found"})
    return found


def _named(call: Call, ref: str) -> Doc | None:
    """A project by id or full path."""
    if ref.isascii() and ref.isdigit():
        return call.store.get("project", ref)
    found = call.store.find("project", "path", ref)
    return found[0] if found else None


def _issue(call: Call) -> tuple[Doc, Doc]:
    project = _project(call)
    issue = call.store.get("issue", f"{project['id']}/{call.names['iid']}")
    if issue is None:
        raise halt(404, {"message": "404 Issue Not Found"})
    call.written["target"] = f"{project['path']}#{issue['iid']}"
    return project, issue


def _issue_entity(project: Doc, issue: Doc) -> Doc:
    address = f"https://gitlab.com/{project['path']}/-/issues/{issue['iid']}"
    return {**issue, "project_id": project["id"], "web_url": address, "description": ""}


def _labels(call: Call) -> Response:
    project, search = _project(call), call.query.get("search", "").lower()
    rows = [row for row in call.store.find("label", "project", project["id"]) if search in row["name"].lower()]
    return paged(
        call, [{"id": row["id"], "name": row["name"], "color": "#999999", "description": None} for row in rows]
    )


def _show(call: Call) -> Response:
    return answer(_issue_entity(*_issue(call)))


def _names(value: Any) -> list[str]:
    parts = value if isinstance(value, list) else str(value).split(",")
    return [part.strip() for part in map(str, parts) if part.strip()]


def _change(call: Call) -> Response:
    project, issue = _issue(call)
    body, labels = call.json(), list(issue["labels"])
    if "labels" in body:
        labels = _names(body["labels"])
    added = _names(body.get("add_labels", []))
    for label in added:
        scope = label.rpartition("::")[0]
        labels = [old for old in labels if not (scope and old.rpartition("::")[0] == scope)]
        labels.append(label)
    gone = set(_names(body.get("remove_labels", [])))
    labels = [label for label in dict.fromkeys(labels) if label not in gone]
    for label in labels:
        # As on GitLab.com: a label that does not exist is made, without a word.
        if call.store.get("label", f"{project['id']}/{label}") is None:
            number = project["id"] * 100 + len(call.store.all("label")) + 1
            call.store.put("label", f"{project['id']}/{label}", {"id": number, "project": project["id"], "name": label})
    state = {"close": "closed", "reopen": "opened"}.get(str(body.get("state_event")), issue["state"])
    changed = {**issue, "labels": labels, "state": state}
    call.written["action"] = "put_issue"
    return answer(_issue_entity(project, call.store.put("issue", f"{project['id']}/{issue['iid']}", changed)))


def _notes(call: Call) -> Response:
    _, issue = _issue(call)
    rows = call.store.find("note", "noteable_id", issue["id"])
    return paged(call, [_note_entity(row) for row in reversed(rows)])


def _note_entity(note: Doc) -> Doc:
    return {name: value for name, value in note.items() if name not in ("project", "issue")}


def _body(call: Call) -> str:
    body = call.json().get("body")
    if not isinstance(body, str) or not body.strip():
        raise halt(400, {"error": "body is missing"})
    if len(body) > _LONGEST_NOTE:
        raise halt(400, {"message": {"note": ["is too long (maximum is 1000000 characters)"]}})
    return body


def _add_note(call: Call) -> Response:
    project, issue = _issue(call)
    body = _body(call)
    call.written["action"] = "create_note"
    kept = _acted_upon(call, project, issue, body)
    if not kept:
        return answer({"commands_changes": {}, "summary": ["Commands applied"]}, 202)
    id, now = call.store.next_id("note"), call.store.now().isoformat()
    user = call.user or {"id": 0, "username": "ghost", "name": ""}
    note = {"id": id, **note_of(project, issue, user, kept, now, internal=call.json().get("internal") is True)}
    call.store.put("note", id, note)
    return answer(_note_entity(note), 201)


def _acted_upon(call: Call, project: Doc, issue: Doc, body: str) -> str:
    """Do what a text does when it is saved; the text that is left to show."""
    kept, actions = split(body)
    carry_out(call.store, project, issue, actions)
    call.written |= {"quick_actions": [name for name, _ in actions], "mentions": mentions(kept)}
    return kept


def note_of(project: Doc, issue: Doc, user: Doc, body: str, now: str, *, internal: bool) -> Doc:
    """A note as it is kept, still without its id."""
    return {
        "body": body,
        "attachment": None,
        "author": {"id": user["id"], "username": user["username"], "name": user["name"]},
        "created_at": now,
        "updated_at": now,
        "system": False,
        "noteable_id": issue["id"],
        "noteable_type": "Issue",
        "noteable_iid": issue["iid"],
        "project_id": project["id"],
        "resolvable": False,
        "confidential": internal,
        "internal": internal,
        "imported": False,
        "project": project["id"],
        "issue": issue["iid"],
    }


def _change_note(call: Call) -> Response:
    project, issue = _issue(call)
    note = call.store.get("note", call.names["note_id"])
    if note is None or note["noteable_id"] != issue["id"]:
        raise halt(404, {"message": "404 Note Not Found"})
    if call.user is None or note["author"]["id"] != call.user["id"]:
        raise halt(403, {"message": "403 Forbidden"})
    kept = _acted_upon(call, project, issue, _body(call))
    changed = {**note, "body": kept or note["body"], "updated_at": call.store.now().isoformat()}
    call.written["action"] = "update_note"
    return answer(_note_entity(call.store.put("note", note["id"], changed)))


def _upload(call: Call) -> Response:
    project = _project(call)
    if len(call.body) > _LARGEST_UPLOAD:
        raise halt(413, {"message": "413 Request Entity Too Large"})
    head = f"Content-Type: {call.headers.get('content-type', '')}\r\n\r\n".encode()
    message = BytesParser(policy=HTTP).parsebytes(head + call.body)
    part = next((part for part in message.walk() if part.get_filename()), None)
    if part is None:
        raise halt(400, {"error": "file is missing"})
    content = part.get_payload(decode=True)
    content = content if isinstance(content, bytes) else b""
    name = re.sub(r"[^\w.-]", "_", str(part.get_filename()))
    secret = hashlib.md5(content + name.encode(), usedforsecurity=False).hexdigest()
    id = call.store.next_id("upload")
    call.store.put("upload", id, {"id": id, "name": name, "size": len(content), "secret": secret})
    call.written |= {"action": "upload", "target": project["path"]}
    address = f"/uploads/{secret}/{name}"
    image = "!" if name.rsplit(".", 1)[-1] in ("png", "jpg", "gif", "svg") else ""
    return answer(
        {
            "id": id,
            "alt": name,
            "url": address,
            "full_path": f"/-/project/{project['id']}{address}",
            "markdown": f"{image}[{name}]({address})",
        },
        201,
    )


def _link(call: Call) -> Response:
    project, issue = _issue(call)
    body = call.json()
    ref, iid = str(body.get("target_project_id")), str(body.get("target_issue_iid"))
    other = _named(call, ref)
    target = call.store.get("issue", f"{other['id']}/{iid}") if other is not None else None
    if other is None or target is None:
        raise halt(404, {"message": "404 Not found"})
    kind = body.get("link_type", "relates_to")
    if kind not in ("relates_to", "blocks", "is_blocked_by"):
        raise halt(400, {"error": "link_type does not have a valid value"})
    key, back = f"{issue['id']}>{target['id']}", f"{target['id']}>{issue['id']}"
    if call.store.get("link", key) is not None or call.store.get("link", back) is not None:
        raise halt(409, {"message": "Issue(s) already assigned"})
    call.store.put("link", key, {"from": issue["id"], "to": target["id"], "type": kind})
    call.written["action"] = "link_issues"
    ends = {"source_issue": _issue_entity(project, issue), "target_issue": _issue_entity(other, target)}
    return answer({**ends, "link_type": kind}, 201)


ROUTES: list[tuple[str, str, Handler]] = [
    ("GET", "/projects/{id}/labels", _labels),
    ("GET", "/projects/{id}/issues/{iid}", _show),
    ("PUT", "/projects/{id}/issues/{iid}", _change),
    ("GET", "/projects/{id}/issues/{iid}/notes", _notes),
    ("POST", "/projects/{id}/issues/{iid}/notes", _add_note),
    ("PUT", "/projects/{id}/issues/{iid}/notes/{note_id}", _change_note),
    ("POST", "/projects/{id}/uploads", _upload),
    ("POST", "/projects/{id}/issues/{iid}/links", _link),
]
