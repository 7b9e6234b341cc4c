"""
Whether somebody still works in a run folder: told by a lock on the folder itself.

The system lets go of it when the process ends, however it ends, so nothing has to be kept in the
folder that could grow old, name a machine or tell a person.
"""

from __future__ import annotations

import errno
import fcntl
import os
import weakref
from pathlib import Path

from glhelpers.errors import OperatorError

__all__ = ["Hold", "hold", "hold_alone", "is_held"]

_TAKEN = (errno.EWOULDBLOCK, errno.EACCES)


class Hold:
    """A folder that this process works in, until it lets go or ends."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.release = weakref.finalize(self, os.close, descriptor)

    def is_of(self, folder: Path) -> bool:
        """Whether the folder is still the one of this name."""
        try:
            return os.path.samestat(os.fstat(self._descriptor), folder.stat())
        except OSError:
            return False


def hold(folder: Path) -> Hold:
    """
    Work in a folder beside others that may, such as the process that made it and its kernel.

    A file system that knows no locks is worked on all the same.
    """
    own = _opened(folder)
    try:
        fcntl.flock(own._descriptor, fcntl.LOCK_SH)
    except OSError:
        return own
    return own


def hold_alone(folder: Path) -> Hold | None:
    """
    Have a folder for this process alone; None if somebody works in it.

    Raises `OperatorError` where the file system cannot tell.
    """
    own = _opened(folder)
    try:
        fcntl.flock(own._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        own.release()
        if error.errno in _TAKEN:
            return None
        raise OperatorError(
            f"Whether the run in {folder.name} is still going on cannot be told: its file system keeps no locks.",
            next_step="Make sure that it has ended, copy the folder to a local disk, and finish it there.",
        ) from None
    return own


def is_held(folder: Path) -> bool:
    """Whether somebody works in the folder; also where that cannot be told."""
    try:
        own = hold_alone(folder)
    except (OperatorError, OSError):
        return True
    if own is not None:
        own.release()
    return own is None


def _opened(folder: Path) -> Hold:
    return Hold(os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW))
