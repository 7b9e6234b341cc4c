"""
What must not be seen, made known to the redaction: the tokens in use, the persons that a service names, and the key
of the pseudonyms.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from weakref import ref

from glhelpers.clients.tape import TAPE, Recorder
from glhelpers.credentials import kept_token
from glhelpers.evidence.personal import BUILT_IN_KEY, names_in, pseudonyms_in, told_by, use_policy, watch
from glhelpers.evidence.redact import register_secret, use_pseudonym_key
from glhelpers.settings import Settings

__all__ = ["KEY_FILE", "people_of", "register_tokens", "watch_answers"]

KEY_FILE = "pseudonyms.key"
"""In the state folder, for a profile whose keyring holds no key of the pseudonyms."""

_OWN = "/user"
"""The request for one's own account: operators stand in the evidence by name."""


def register_tokens(settings: Settings) -> None:
    """
    Mask the tokens of these settings wherever they stand from now on, and follow their policy of personal data.

    The sandbox's people are made up, so there the built-in key serves and two runs read alike.
    """
    use_policy(settings.masking)
    if settings.replay is not None:
        return  # Its tokens are one plain word, which would be masked in every sentence.
    for endpoint in (settings.gitlab, settings.customersdot, settings.zendesk):
        if endpoint.token is not None:
            register_secret(endpoint.token)
    if settings.portal_token is not None:
        register_secret(settings.portal_token)
    use_pseudonym_key(BUILT_IN_KEY if settings.profile == "sandbox" else _key_of(settings))


def watch_answers(recorder: Recorder) -> None:
    """From now on the persons that a service names are masked, from the moment their names are heard."""
    seen, living = 0, ref(recorder)

    def new_names() -> Sequence[str] | None:
        nonlocal seen
        recorder = living()
        if recorder is None:
            return None
        if seen == len(recorder.heard):
            return ()
        new = recorder.heard[seen:]
        seen += len(new)
        return [name for heard in new if not heard.path.endswith(_OWN) for name in names_in(heard.body)]

    watch(new_names)


@contextmanager
def people_of(folder: Path) -> Iterator[None]:
    """In this block the persons are masked too that the kernel of this folder's run has heard of."""
    try:
        text = (folder / TAPE).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        text = ""
    with told_by(pseudonyms_in([text])):
        yield


def _key_of(settings: Settings) -> bytes:
    """The team's key from the keyring, else one that this machine drew once."""
    kept = kept_token(settings.profile, "pseudonyms")
    if kept is not None:
        return kept.get_secret_value().encode()
    path = settings.state_dir / KEY_FILE
    if not path.is_file():
        _draw(path)
    return path.read_bytes().strip()


def _draw(path: Path) -> None:
    """Write a new key that only this user can read; whoever comes first wins."""
    path.parent.mkdir(parents=True, exist_ok=True)
    staged = path.with_name(f".{path.name}.{os.getpid()}")
    staged.unlink(missing_ok=True)
    descriptor = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as stream:
        stream.write(secrets.token_hex(32))
    try:
        os.link(staged, path)
    except FileExistsError:
        pass
    finally:
        staged.unlink()
