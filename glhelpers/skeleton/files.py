"""All files of a new runbook: made as a whole, then written; the pages that are made from the code are made again."""

from __future__ import annotations

import keyword
import re
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from glhelpers.errors import BadParameter, RunbookContractError
from glhelpers.models.request import AssociationParameters
from glhelpers.rules import handbook
from glhelpers.rules.paragraphs import PARAGRAPHS
from glhelpers.skeleton.insertions import in_catalogue, in_policies
from glhelpers.skeleton.notebook import notebook_text

__all__ = ["SECTIONS", "Wanted", "files_of", "make", "wanted"]

SECTIONS = {
    "reseller": ("RESELLER", "reseller.read-only"),
    "502": ("PORTAL_502", "502.cause"),
    "force": ("FORCE", "force.when"),
    "clear": ("CLEAR", "clear.error"),
    "sees": ("SEES", "sees.when"),
    "sees-not": ("SEES_NOT", "sees-not.workflow"),
}
"""A section of the handbook page: its name in `rules/handbook.py`, and the paragraph that a first rule rests on."""

_ID = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")
_LONGEST_ID, _LONGEST_TITLE = 40, 90
_UNFIT = re.compile(r"[^ -~]|[\"'\\`{}$|<>]")
_CATALOGUE, _POLICIES = Path("glhelpers/actions/catalogue.py"), Path("glhelpers/rules/policies.py")
_PAGES = {"docs/rules.md": "glhelpers.rules.document", "docs/coverage.md": "glhelpers.batch.coverage"}
_PARAMETERS = (
    "namespace",
    "subscription_name",
    "ticket_url",
    "issue",
    "customer_id",
    "customer_email",
    "customer_confirmation",
    "portal_facts",
    "approval",
)
_EXAMPLES = {
    "namespace": "gecko-gardens",
    "subscription_name": "A-S00050400",
    "ticket_url": "https://gitlab.zendesk.com/agent/tickets/1550",
    "issue": "gitlab-com/support/internal-requests#550",
}


@dataclass(frozen=True)
class Wanted:
    """What a new runbook is called; `section` is one of `SECTIONS`, or empty where no section is about it."""

    id: str
    title: str
    section: str = ""


def wanted(id: str, title: str, section: str) -> Wanted:
    """The names, checked; raises `BadParameter` with what is wrong with one."""
    if not _ID.fullmatch(id) or len(id) > _LONGEST_ID or keyword.iskeyword(id):
        raise BadParameter(
            f"{id[:60]!r} cannot be the id of a runbook.",
            next_step=f"Small letters, digits and single underscores, up to {_LONGEST_ID}, such as merge_request_limit.",
        )
    title = " ".join((title or id.replace("_", " ").capitalize()).split()).rstrip(".")
    if len(title) > _LONGEST_TITLE or _UNFIT.search(title) or not title:
        raise BadParameter(
            "This title cannot be taken over.",
            next_step=f"Up to {_LONGEST_TITLE} plain characters, without quotes, brackets of code or pipes.",
        )
    if section and section not in SECTIONS:
        raise BadParameter(
            f"There is no section {section[:40]!r}.",
            next_step=f"They are {', '.join(SECTIONS)}; leave it out where no section is about it.",
        )
    return Wanted(id, title, section)


def files_of(new: Wanted, root: Path) -> dict[Path, str]:
    """
    Every file that is made or changed, by its path under the repository `root`, with its whole content.

    Raises `BadParameter` if `root` is not the repository or one of the new files is there already,
    `RunbookContractError` if a list has another form than it can be added to.
    """
    if not all((root / path).is_file() for path in (_CATALOGUE, _POLICIES)) or not (root / "runbooks").is_dir():
        raise BadParameter(f"{root} is not the repository.", next_step="Run this where runbooks/ and glhelpers/ are.")
    if tuple(sorted(_PARAMETERS)) != tuple(sorted(AssociationParameters.model_fields)):
        raise RunbookContractError("The parameters of an association are others than the skeleton knows.")
    words = _words(new)
    made = {
        Path(f"runbooks/{new.id}.ipynb"): notebook_text(new.id, new.title, _intro(words), _PARAMETERS, _EXAMPLES),
        Path(f"glhelpers/rules/{new.id}.py"): _filled("rules.py.j2", words),
        Path(f"glhelpers/actions/{new.id}.py"): _filled("actions.py.j2", words),
        Path(f"tests/cases/{new.id}.yaml"): _filled("cases.yaml.j2", words),
        Path(f"tests/cases/test_cases_{new.id}.py"): _filled("test_cases.py.j2", words),
    }
    if there := [str(path) for path in made if (root / path).exists()]:
        raise BadParameter(f"{', '.join(there)} is there already.", next_step="Take another id, or remove it first.")
    entry = _filled("catalogue.py.j2", words)
    return {
        **made,
        _CATALOGUE: in_catalogue((root / _CATALOGUE).read_text(encoding="utf-8"), new.id, entry),
        _POLICIES: in_policies((root / _POLICIES).read_text(encoding="utf-8"), new.id),
    }


def make(new: Wanted, root: Path) -> list[Path]:
    """Write the files of `files_of` and renew the pages that are made from the code; answers all that has changed."""
    files = files_of(new, root)
    for path, text in files.items():
        (root / path).write_text(text, encoding="utf-8")
    for page, module in _PAGES.items():
        # Another process, since this one has the lists of before in memory.
        done = subprocess.run([sys.executable, "-m", module], cwd=root, capture_output=True, text=True, check=False)
        if done.returncode != 0 or not done.stdout:
            raise RunbookContractError(
                f"The files are written, but {page} could not be made again.",
                next_step=f"python -m {module} > {page}",
            )
        (root / page).write_text(done.stdout, encoding="utf-8")
    return [*files, *map(Path, _PAGES)]


def _words(new: Wanted) -> dict[str, object]:
    constant, ground = SECTIONS.get(new.section, ("", ""))
    paragraph = PARAGRAPHS.get(ground)
    anchor = paragraph.anchor if paragraph else ""
    return {
        "id": new.id,
        "title": new.title,
        "section": anchor,
        "constant": constant,
        "rule": f"{new.id.replace('_', '-')}-is-judged",
        "paragraph": paragraph.summary.rstrip(".")
        if paragraph
        else "What this runbook is for, until it has rules of its own",
        "rests_on": paragraph.id if paragraph else "",
        "purpose": f"{new.title}: look up, and hand on",
        "company": new.id.split("_")[0].capitalize(),
        "examples": _EXAMPLES,
    }


def _intro(words: dict[str, object]) -> str:
    section, stem = words["section"], str(words["section"]).replace("-", " ")
    about = (
        f"Section of the handbook: [{stem}]({handbook.PAGE}#{section})."
        if section
        else "No section of the handbook page is about it."
    )
    return (
        f"A runbook that looks the facts of an association up and hands on. {about}\n\n"
        "**It can change** nothing: it only reads.\n\n"
        "**When to stop:** the ticket is closed, or the group is none that can carry a subscription."
    )


@cache
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("glhelpers.skeleton"),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 (source code; the names in it are checked before)
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _filled(name: str, words: dict[str, object]) -> str:
    return _templates().get_template(name).render(**words)
