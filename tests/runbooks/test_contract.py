"""The notebook contract: thin cells, known tags, nothing executed; and proof that it sees each breach."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from glhelpers.actions.catalogue import CATALOGUE
from glhelpers.runbook import STEPS

RUNBOOKS = sorted((Path(__file__).parents[2] / "runbooks").glob("*.ipynb"))

MOST_CELLS, MOST_LINES, MOST_PARAMETERS = 20, 10, 18
STEP_TAGS = [f"step:{name}" for name in STEPS]
KNOWN_TAGS = {"parameters", "setup", "gate", "writes", *STEP_TAGS}
BRANCHES = (ast.If, ast.IfExp, ast.Match, ast.Try, ast.TryStar, ast.With, ast.AsyncWith)
LOOPS = (ast.For, ast.AsyncFor, ast.While, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
ENDINGS = {"exit", "quit", "_exit", "SystemExit", "abort"}


def breaches(book: NotebookNode, id: str) -> list[str]:
    """One sentence for each rule of the contract that the notebook breaks."""
    return [*_file(book, id), *_tags(book), *_order(book), *(said for cell in book.cells for said in _cell(cell))]


def _file(book: NotebookNode, id: str) -> Iterator[str]:
    if id not in CATALOGUE:
        yield f"{id} is not the id of a runbook in the catalogue"
    if book.metadata.get("kernelspec", {}).get("name") != "python3":
        yield "the kernel is not python3"
    for kept in ("widgets", "papermill", "glhelpers"):
        if kept in book.metadata:
            yield f"metadata of an execution is stored: {kept}"
    if len(book.cells) > MOST_CELLS:
        yield f"{len(book.cells)} cells, more than {MOST_CELLS}"
    if not nbformat.validator.isvalid(book):
        yield "it is no valid notebook"


def _tags_of(cell: NotebookNode) -> list[str]:
    return list(cell.metadata.get("tags", []))


def _tags(book: NotebookNode) -> Iterator[str]:
    tags = [tag for cell in book.cells for tag in _tags_of(cell)]
    for once in ("parameters", "setup"):
        if tags.count(once) != 1:
            yield f"tag {once} stands {tags.count(once)} times, not once"
    if [tag for tag in tags if tag.startswith("step:")] != STEP_TAGS:
        yield "the step tags are not those of the steps, in their order"
    for tag, step in (("gate", "step:confirm"), ("writes", "step:apply")):
        if [step in _tags_of(cell) for cell in book.cells if tag in _tags_of(cell)] != [True]:
            yield f"tag {tag} does not stand at {step} alone"
    for tag in sorted(set(tags) - KNOWN_TAGS):
        yield f"tag {tag} is not known"


def _order(book: NotebookNode) -> Iterator[str]:
    for before, cell in zip([None, *book.cells], book.cells, strict=False):
        if "setup" in _tags_of(cell):
            continue  # the form that it shows goes with the parameters, and the text stands before those
        if cell.cell_type == "code" and (before is None or before.cell_type != "markdown"):
            yield f"no text stands before code cell {cell.id}"
    roles = [tag for cell in book.cells for tag in _tags_of(cell) if tag in ("parameters", "setup", STEP_TAGS[0])]
    if roles != ["parameters", "setup", STEP_TAGS[0]]:
        yield "parameters, setup and the first step do not follow each other"


def _cell(cell: NotebookNode) -> Iterator[str]:
    if cell.cell_type != "code":
        return
    if cell.outputs:
        yield f"cell {cell.id} holds outputs"
    if cell.execution_count is not None:
        yield f"cell {cell.id} holds an execution count"
    tags = _tags_of(cell)
    if not tags:
        yield f"cell {cell.id} has no tag"
    lines = len(cell.source.splitlines())
    if lines > (MOST_PARAMETERS if "parameters" in tags else MOST_LINES):
        yield f"cell {cell.id} has {lines} lines"
    try:
        tree = ast.parse(cell.source)
    except SyntaxError:
        yield f"cell {cell.id} is not plain Python"
        return
    yield from _code(cell.id, tree, tags)


def _code(id: str, tree: ast.Module, tags: list[str]) -> Iterator[str]:
    nodes = list(ast.walk(tree))
    for kinds, word in ((DEFINITIONS, "defines something"), (LOOPS, "loops"), (BRANCHES, "branches")):
        if any(isinstance(node, kinds) for node in nodes):
            yield f"cell {id} {word}"
    if any(isinstance(node, (ast.Import, ast.ImportFrom)) for node in nodes) and "setup" not in tags:
        yield f"cell {id} imports"
    names = {getattr(node, "id", None) or getattr(node, "attr", None) for node in nodes}
    if names & ENDINGS:
        yield f"cell {id} ends the process"
    literal = all(
        isinstance(line, ast.Assign) and isinstance(line.value, ast.Constant) and isinstance(line.value.value, str)
        for line in tree.body
    )
    if "parameters" in tags and not literal:
        yield f"cell {id} holds more than names with a text"


@pytest.mark.parametrize("path", RUNBOOKS, ids=lambda path: path.stem)
def test_every_runbook_keeps_the_contract(path: Path) -> None:
    """No notebook under runbooks/ breaks a rule."""
    assert breaches(nbformat.read(path, as_version=4), path.stem) == []


@pytest.mark.parametrize("path", RUNBOOKS, ids=lambda path: path.stem)
def test_the_parameters_cell_names_exactly_the_parameters(path: Path) -> None:
    """The parameters cell and the catalogue know the same names, and its values are the catalogue's examples."""
    book = nbformat.read(path, as_version=4)
    given: dict[str, Any] = {}
    exec(code(book, "parameters").source, {}, given)
    runbook = CATALOGUE[path.stem]
    assert set(given) == set(runbook.parameters.model_fields)
    assert {name: value for name, value in given.items() if value} == dict(runbook.examples)


def test_every_runbook_of_the_catalogue_has_its_notebook() -> None:
    """The catalogue and the folder list the same runbooks."""
    assert {path.stem for path in RUNBOOKS} == set(CATALOGUE)


def small() -> NotebookNode:
    """The smallest notebook that keeps the contract."""
    cells = [("parameters", 'namespace = "a"'), ("setup", "from glhelpers.runbook import open_runbook")]
    cells += [(tag, "run.step()") for tag in STEP_TAGS]
    extra = {"step:confirm": ["gate"], "step:apply": ["writes"]}
    built = []
    for number, (tag, source) in enumerate(cells):
        step = new_code_cell(source, id=f"c{number}", metadata={"tags": [tag, *extra.get(tag, [])]})
        built += [new_markdown_cell("Why.", id=f"m{number}"), step]
    return new_notebook(cells=built, metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}})


def code(book: NotebookNode, tag: str) -> NotebookNode:
    """The code cell with this tag."""
    return next(cell for cell in book.cells if tag in _tags_of(cell))


def sets(tag: str, source: str) -> Callable[[NotebookNode], None]:
    """A change that gives the cell with this tag another source."""
    return lambda book: code(book, tag).update(source=source)


def tagged(tag: str, tags: list[str]) -> Callable[[NotebookNode], None]:
    """A change that gives the cell with this tag other tags."""
    return lambda book: code(book, tag).metadata.update(tags=tags)


def swapped(book: NotebookNode) -> None:
    """Check before look up."""
    first, second = code(book, "step:look up"), code(book, "step:check")
    first.metadata, second.metadata = second.metadata, first.metadata


NO_ORDER = "the step tags are not those of the steps, in their order"
PLANTED: list[tuple[str, Callable[[NotebookNode], Any], str]] = [
    ("too many cells", lambda b: b.cells.extend(new_markdown_cell(".") for _ in range(9)), "27 cells, more than 20"),
    ("a long cell", sets("step:check", "run.check()\n" * 11), "cell c3 has 11 lines"),
    ("too many parameters", sets("parameters", 'a = "1"\n' * 19), "cell c0 has 19 lines"),
    ("a computed parameter", sets("parameters", "a = 1 + 1"), "cell c0 holds more than names with a text"),
    ("a function", sets("step:check", "def f():\n    return 1"), "cell c3 defines something"),
    ("a class", sets("step:check", "class A:\n    a = 1"), "cell c3 defines something"),
    ("a lambda", sets("step:check", "f = lambda: 1"), "cell c3 defines something"),
    ("a for loop", sets("step:check", "for i in 'ab':\n    i"), "cell c3 loops"),
    ("a while loop", sets("step:check", "while run:\n    run.check()"), "cell c3 loops"),
    ("a comprehension", sets("step:check", "[x for x in 'ab']"), "cell c3 loops"),
    ("an if", sets("step:check", "if run:\n    run.check()"), "cell c3 branches"),
    ("a try", sets("step:apply", "try:\n    run.apply()\nfinally:\n    run"), "cell c6 branches"),
    ("a with", sets("step:check", "with run:\n    run.check()"), "cell c3 branches"),
    ("an import", sets("step:check", "import os"), "cell c3 imports"),
    ("a from-import", sets("step:apply", "from os import path"), "cell c6 imports"),
    ("a magic", sets("step:check", "%time run.check()"), "cell c3 is not plain Python"),
    ("sys.exit", sets("step:confirm", "sys.exit(0)"), "cell c5 ends the process"),
    ("exit", sets("step:confirm", "exit()"), "cell c5 ends the process"),
    ("SystemExit", sets("step:confirm", "raise SystemExit"), "cell c5 ends the process"),
    ("outputs", lambda b: code(b, "setup").outputs.append(new_output("stream", text="x")), "cell c1 holds outputs"),
    ("a count", lambda b: code(b, "setup").update(execution_count=3), "cell c1 holds an execution count"),
    ("widget state", lambda b: b.metadata.update(widgets={}), "metadata of an execution is stored: widgets"),
    ("an executed copy", lambda b: b.metadata.update(papermill={}), "metadata of an execution is stored: papermill"),
    ("a cell without a tag", tagged("step:check", []), "cell c3 has no tag"),
    ("parameters twice", tagged("setup", ["setup", "parameters"]), "tag parameters stands 2 times, not once"),
    ("no setup", tagged("setup", ["gate"]), "tag setup stands 0 times, not once"),
    ("steps in another order", swapped, NO_ORDER),
    ("a step left out", tagged("step:verify", ["setup"]), NO_ORDER),
    ("an unknown step", tagged("step:verify", ["step:hope"]), NO_ORDER),
    ("no gate", tagged("step:confirm", ["step:confirm"]), "tag gate does not stand at step:confirm alone"),
    ("two gates", tagged("step:plan", ["step:plan", "gate"]), "tag gate does not stand at step:confirm alone"),
    ("no mark of the write", tagged("step:apply", ["step:apply"]), "tag writes does not stand at step:apply alone"),
    ("errors allowed", tagged("step:apply", ["step:apply", "raises-exception"]), "tag raises-exception is not known"),
    ("a cell passed over", tagged("step:check", ["step:check", "skip-execution"]), "tag skip-execution is not known"),
    ("no text before a cell", lambda b: b.cells.pop(4), "no text stands before code cell c2"),
    ("a broken cell", lambda b: b.cells[0].pop("source"), "it is no valid notebook"),
    ("another kernel", lambda b: b.metadata.kernelspec.update(name="julia"), "the kernel is not python3"),
]


def test_the_smallest_notebook_keeps_the_contract() -> None:
    """What the planted breaches start from breaks no rule itself."""
    assert breaches(small(), "force_associate") == []


@pytest.mark.parametrize(("change", "says"), [row[1:] for row in PLANTED], ids=[row[0] for row in PLANTED])
def test_the_contract_sees_a_planted_breach(change: Callable[[NotebookNode], Any], says: str) -> None:
    """Each rule, broken alone, is named by its sentence."""
    book = small()
    change(book)
    assert says in breaches(book, "force_associate")


def test_the_contract_sees_a_file_that_is_no_runbook() -> None:
    """A notebook that the catalogue does not know is named."""
    assert breaches(small(), "scratch") == ["scratch is not the id of a runbook in the catalogue"]
