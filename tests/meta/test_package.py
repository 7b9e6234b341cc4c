"""The package as a whole: documented, layered, and free of what belongs to nobody else."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "glhelpers"
MODULES = sorted(path for path in PACKAGE.rglob("*.py"))
TEXTS = {
    ".py",
    ".md",
    ".yaml",
    ".yml",
    ".toml",
    ".ipynb",
    ".html",
    ".css",
    ".json",
    ".cfg",
    ".svg",
    ".lock",
    ".txt",
    "",
}

MOST_LINES = 400
MOST_LINES_OF_A_FUNCTION = 60


def named(path: Path) -> str:
    """The module's path inside the repository."""
    return str(path.relative_to(ROOT))


def tracked() -> list[Path]:
    """The text files that git keeps; without git, as in an unpacked archive, those of the known folders."""
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    names = done.stdout.split("\0") if done.returncode == 0 else []
    paths = [ROOT / name for name in names if name] or [path for path in PACKAGE.rglob("*") if path.is_file()]
    return [path for path in paths if path.suffix in TEXTS and path.is_file()]


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_a_module_says_its_job_and_what_it_offers(path: Path) -> None:
    """A docstring, a sorted `__all__` whose names exist, and no more than a reader can hold."""
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    assert ast.get_docstring(tree), "no docstring"
    assert len(text.splitlines()) <= MOST_LINES
    if path.name in ("__init__.py", "__main__.py"):
        return
    values = [
        line.value
        for line in tree.body
        if isinstance(line, ast.Assign) and [getattr(name, "id", "") for name in line.targets] == ["__all__"]
    ]
    assert len(values) == 1, "no __all__"
    offered = ast.literal_eval(values[0])
    assert offered == sorted(offered, key=_order)
    assert set(offered) <= _defined(tree)


def _order(name: str) -> tuple[int, str]:
    """CONSTANTS, then Classes, then functions, each by name: the order that ruff keeps."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2, name)


def _defined(tree: ast.Module) -> set[str]:
    names: set[str] = set()
    for line in tree.body:
        match line:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name) | ast.AsyncFunctionDef(name=name):
                names.add(name)
            case ast.Assign(targets=targets):
                names |= {target.id for target in targets if isinstance(target, ast.Name)}
            case ast.AnnAssign(target=ast.Name(id=name)):
                names.add(name)
            case ast.ImportFrom(names=imported) | ast.Import(names=imported):
                names |= {alias.asname or alias.name for alias in imported}
    return names


@pytest.mark.parametrize("path", [path for path in MODULES if path.name == "__init__.py"], ids=named)
def test_a_package_holds_a_docstring_alone(path: Path) -> None:
    """`__init__.py` runs nothing; only the first one also tells the version."""
    body = ast.parse(path.read_text(encoding="utf-8")).body[1:]
    if path == PACKAGE / "__init__.py":
        assert {ast.unparse(line).split(" ")[0] for line in body} <= {"from", "__version__", "__all__"}
    else:
        assert body == []


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_a_function_is_short_and_a_public_one_says_what_it_promises(path: Path) -> None:
    """No function is longer than a screen; every public function and class of a module has a docstring."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = [node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
    long = [node.name for node in functions if (node.end_lineno or 0) - node.lineno >= MOST_LINES_OF_A_FUNCTION]
    assert long == []
    public = [
        node
        for node in tree.body
        # A rule says what it asks in its decorator, where the record finds it.
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not (node.name.startswith("_") or _is_rule(node))
    ]
    assert [node.name for node in public if not ast.get_docstring(node)] == []


def _is_rule(node: ast.FunctionDef | ast.ClassDef) -> bool:
    return any(ast.unparse(line).startswith("rule(") for line in node.decorator_list)


def test_the_layers_hold() -> None:
    """Every import contract of pyproject.toml is kept."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout
    assert " 0 broken." in done.stdout


FOREIGN = {
    "a home folder": r"/root/|/home/(?!user\b|you\b|someone\b)[a-z]",
    "a package registry": r"(?:pypi|npmjs|artifactory|nexus)[\w.-]*\.(?:org|com|io|net)/(?:simple|artifactory|repository)",
    "an index of packages": r"--(?:extra-)?index-url\s+\S|index-url\s*=\s*http",
    "a GitLab token": r"\bgl(?:pat|oas|dt|rtr?|cbt|ptt|ft|imt|agent|wt|soat|ffct)-[\w-]{20,}",
    "a private key": r"-----BEGIN [A-Z ]*PRIVATE KEY-----",
    "a signed web token": r"\beyJ[\w-]{20,}\.eyJ[\w-]{20,}\.",
    "credentials in an address": r"https?://[^\s/:@\"']+:[^\s/@\"'{}]+@(?![\w.-]*\bexample\b)",
}


@pytest.mark.parametrize(("what", "pattern"), FOREIGN.items(), ids=FOREIGN.keys())
def test_no_tracked_file_holds_what_belongs_elsewhere(what: str, pattern: str) -> None:
    """No folder of a machine, no registry, no token; tests of the redaction may plant what they look for."""
    planting = {ROOT / "tests" / "evidence", ROOT / "tests" / "clients", Path(__file__).parent}
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in tracked()
        if not planting & set(path.parents)
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1)
        if re.search(pattern, line)
    ]
    assert found == []


def test_people_are_made_up() -> None:
    """Every e-mail address in a tracked file is of a domain that is reserved for examples."""
    address = re.compile(r"\b[\w.+-]+@((?:[\w-]+\.)+[a-z]{2,})\b")
    reserved = re.compile(r"(?:^|\.)(?:example(?:\.(?:com|org|net))?|test|invalid|localhost)$")
    found = {
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in tracked()
        for match in address.finditer(path.read_text(encoding="utf-8", errors="replace"))
        if not reserved.search(match[1].lower())
    }
    assert found == set()
