"""Zendesk: tickets, comments, uploads and tags."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from starlette.responses import Response

from glhelpers.sandbox.store import Doc
from glhelpers.sandbox.web import Call, Halt, Handler, answer, halt

__all__ = ["ROUTES"]

_LARGEST_UPLOAD = 50 * 10**6
_UPLOADS_LAST = timedelta(minutes=60)
_STATUSES = ("new", "open", "pending", "hold", "solved", "closed")
_INVALID = {"error": "RecordInvalid", "description": "Record validation errors"}


def _ticket_doc(call: Call) -> Doc:
    doc = call.store.get("ticket", call.names["id"])
    if doc is None:
        raise halt(404, {"error": "RecordNotFound", "description": "Not found"})
    call.written["target"] = f"ticket {doc['id']}"
    return doc


def _invalid(field: str, why: str) -> Halt:
    return halt(422, {**_INVALID, "details": {field: [{"description": why}]}})


def _open_ticket(call: Call) -> Doc:
    ticket = _ticket_doc(call)
    if ticket["status"] == "closed":
        raise _invalid("status", "closed prevents ticket update")
    return ticket


def _texts(value: object, field: str) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise _invalid(field, "is not a list of texts")
    return value


def _show(call: Call) -> Response:
    return answer({"ticket": _ticket_doc(call)})


def _comments(call: Call) -> Response:
    ticket = _ticket_doc(call)
    rows = call.store.find("comment", "ticket", ticket["id"])
    return answer({"comments": [{k: v for k, v in row.items() if k != "ticket"} for row in rows], "count": len(rows)})


def _change(call: Call) -> Response:
    ticket, body = _open_ticket(call), call.json().get("ticket")
    if not isinstance(body, dict):
        raise _invalid("base", "there is no ticket in the request")
    if body.get("safe_update") and body.get("updated_stamp") != ticket["updated_at"]:
        raise halt(409, {"error": "UpdateConflict", "description": "Safe Update prevented the update"})
    comment = body.get("comment")
    if isinstance(comment, dict):
        _add_comment(call, ticket, comment)
    if "tags" in body:
        ticket["tags"] = _texts(body["tags"], "tags")
    if "status" in body:
        if body["status"] not in _STATUSES:
            raise _invalid("status", "is not a status")
        ticket["status"] = body["status"]
    ticket["updated_at"] = call.store.now().isoformat()
    call.store.put("ticket", ticket["id"], ticket)
    call.written["action"] = "update_ticket"
    return answer({"ticket": ticket, "audit": {"id": 1, "events": []}})


def _add_comment(call: Call, ticket: Doc, comment: Doc) -> None:
    attachments = []
    for token in _texts(comment.get("uploads") or [], "uploads"):
        upload = call.store.get("zendesk_upload", token)
        if upload is None or datetime.fromisoformat(upload["expires_at"]) <= call.store.now():
            raise _invalid("uploads", "invalid upload token")
        attachments.append({"id": upload["id"], "file_name": upload["file_name"], "size": upload["size"]})
        call.store.remove("zendesk_upload", token)
    id = call.store.next_id("comment")
    # As in Zendesk: a comment that does not say otherwise is public.
    public = comment.get("public", True)
    doc = {"id": id, "body": comment.get("body", ""), "public": public, "attachments": attachments}
    call.store.put("comment", id, {**doc, "ticket": ticket["id"]})


def _add_tags(call: Call) -> Response:
    ticket, tags = _open_ticket(call), _texts(call.json().get("tags"), "tags")
    kept = list(ticket["tags"]) if call.method == "PUT" else []
    ticket["tags"] = list(dict.fromkeys([*kept, *tags]))
    call.store.put("ticket", ticket["id"], ticket)
    call.written["action"] = "tag_ticket"
    return answer({"tags": ticket["tags"]})


def _upload(call: Call) -> Response:
    name = call.query.get("filename", "")
    if not name:
        raise _invalid("filename", "can't be blank")
    if any(name.endswith(ending) for ending in call.store.switches.zendesk_refuses):
        raise _invalid("base", "this file type is not allowed")
    if len(call.body) > _LARGEST_UPLOAD:
        raise halt(413, {"error": "AttachmentTooLarge", "description": "The attachment is too large"})
    id, token = call.store.next_id("zendesk_file"), uuid.uuid4().hex
    expires = (call.store.now() + _UPLOADS_LAST).isoformat()
    doc = {"id": id, "file_name": name, "size": len(call.body), "expires_at": expires}
    call.store.put("zendesk_file", id, doc)
    call.store.put("zendesk_upload", token, doc)
    call.written |= {"action": "upload", "target": name}
    attachment = {"id": id, "file_name": name, "content_type": call.headers.get("content-type"), "size": len(call.body)}
    return answer({"upload": {"token": token, "expires_at": expires, "attachment": attachment}}, 201)


ROUTES: list[tuple[str, str, Handler]] = [
    ("GET", "/tickets/{id}.json", _show),
    ("PUT", "/tickets/{id}.json", _change),
    ("GET", "/tickets/{id}/comments.json", _comments),
    ("PUT", "/tickets/{id}/tags.json", _add_tags),
    ("POST", "/tickets/{id}/tags.json", _add_tags),
    ("POST", "/uploads.json", _upload),
]
