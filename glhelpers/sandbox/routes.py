"""Which handler answers which request."""

from __future__ import annotations

import re
from urllib.parse import unquote

from glhelpers.sandbox import (
    admin_forms,
    admin_pages,
    customersdot_accounts,
    customersdot_routes,
    gitlab_admin,
    gitlab_groups,
    gitlab_issues,
    gitlab_namespaces,
    gitlab_users,
    zendesk_routes,
)
from glhelpers.sandbox.web import Call, Handler, halt

__all__ = ["handler_of", "needs_token"]

Route = tuple[str, re.Pattern[str], Handler]


def _compiled(prefix: str, routes: list[tuple[str, str, Handler]]) -> list[Route]:
    """Routes as patterns over the path as it was sent: an encoded slash stays inside its segment, `{name*}` spans slashes."""
    compiled = []
    for method, template, handler in routes:
        pattern = re.sub(r"\\\{(\w+)\\\*\\\}", r"(?P<\1>.+?)", re.escape(prefix + template))
        pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+?)", pattern)
        compiled.append((method, re.compile(pattern), handler))
    return compiled


_API = {
    "gitlab": _compiled(
        "/api/v4", gitlab_users.ROUTES + gitlab_namespaces.ROUTES + gitlab_groups.ROUTES + gitlab_issues.ROUTES
    ),
    "customersdot": _compiled("/adapter/v1", customersdot_routes.ROUTES + customersdot_accounts.ROUTES),
    "zendesk": _compiled("/api/v2", zendesk_routes.ROUTES),
}
_PAGES: dict[str, list[Route]] = {
    "gitlab": _compiled("", [gitlab_users.TOKEN_INFO, *gitlab_admin.PAGES]),
    "customersdot": _compiled("", admin_pages.ROUTES + admin_forms.ROUTES),
    "zendesk": [],
}
"""What asks for no token in a header: the one way to ask about a token itself, and pages for a browser."""


def needs_token(call: Call) -> bool:
    """Whether the route that fits is one of an API."""
    return not any(pattern.fullmatch(call.raw_path) for _, pattern, _ in _PAGES[call.system])


def handler_of(call: Call) -> Handler:
    """The handler, with the path's variables put into the call; ends the request where there is none."""
    fitting = False
    for method, pattern, handler in _API[call.system] + _PAGES[call.system]:
        match = pattern.fullmatch(call.raw_path)
        if match is None:
            continue
        fitting = True
        if method == call.method:
            call.names = {name: unquote(value) for name, value in match.groupdict().items()}
            return handler
    if fitting:
        raise halt(405, {"message": "405 Method Not Allowed"})
    if _unencoded(call.raw_path):
        raise halt(404, {"error": "404 Not Found"})
    raise halt(501, {"error": f"the sandbox does not model {call.method} {call.path} of {call.system}"})


def _unencoded(path: str) -> bool:
    """Whether a group's or project's path may stand here with its slashes as they are: no route on GitLab.com."""
    found = re.match(r"/api/v4/(?:namespaces|groups|projects)/([^/]+)/[^/]+", path)
    return found is not None and not found[1].isdigit() and "%2f" not in found[1].lower()
