"""Drawn parameters at all three doors: notebook, command line, papermill. Text stays text, or a sentence refuses it."""

from __future__ import annotations

import ast
import copy
import io
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from papermill.iorw import load_notebook_node
from papermill.parameterize import parameterize_notebook

from glhelpers.actions.catalogue import CATALOGUE, Runbook, notebook_path
from glhelpers.cli import main
from glhelpers.errors import BadParameter
from glhelpers.models.request import RunbookParameters, parse_parameters
from glhelpers.runbook import open_runbook
from glhelpers.session import parameters_in

BOOKS = st.sampled_from(list(CATALOGUE.values()))
TEXTS = st.text(max_size=80) | st.sampled_from(["'); import os; ('", '"""', "\\", "\u202e", "{x}", "$(x)", "../.."])
PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | TEXTS
ANYTHING = st.recursive(
    PLAIN | st.binary(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
quick = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@st.composite
def some_given(draw: st.DrawFn, values: st.SearchStrategy[Any]) -> tuple[Runbook, dict[str, Any]]:
    """A runbook and drawn values for some of its parameters, the others as in its example."""
    book = draw(BOOKS)
    names = st.sampled_from(sorted(book.parameters.model_fields))
    return book, dict(book.examples) | draw(st.dictionaries(names, values, min_size=1, max_size=4))


def is_a_sentence(error: BadParameter) -> bool:
    """One that names parameters, and shows neither values nor control characters."""
    said = f"{error.message} {error.next_step}"
    return said.isprintable() and error.next_step is not None


@quick
@given(some_given(ANYTHING))
def test_the_notebooks_door(drawn: tuple[Runbook, dict[str, Any]]) -> None:
    """Any Python values among a notebook's variables: typed parameters of plain text, or one sentence."""
    book, variables = drawn
    try:
        asked = parse_parameters(book.parameters, parameters_in(variables, set(book.parameters.model_fields)), book.id)
    except BadParameter as refused:
        if not is_a_sentence(refused):
            pytest.fail(str(refused))
        return
    assert isinstance(asked, RunbookParameters)
    for name, value in asked.model_dump().items():
        assert isinstance(value, str), name
        assert value.isprintable() or not any(ord(char) < 32 or ord(char) == 127 for char in value), name


@quick
@given(some_given(TEXTS), st.text(min_size=1, max_size=40))
def test_names_that_are_none_open_nothing(drawn: tuple[Runbook, dict[str, Any]], name: str) -> None:
    """A name that is not in the schema is refused before a kernel is started or a service is asked."""
    book, variables = drawn
    if name in book.parameters.model_fields:
        return
    with pytest.raises(BadParameter) as caught:
        parse_parameters(book.parameters, {**variables, name: "x"}, book.id)
    assert is_a_sentence(caught.value)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(some_given(TEXTS | st.sampled_from(["a=b", "=", ""])), st.booleans())
def test_the_command_line(drawn: tuple[Runbook, dict[str, Any]], stray: bool) -> None:
    """`-p name=value`: what the parameters refuse ends with exit code 2 and a sentence; nothing is started for it."""
    book, variables = drawn
    if stray:
        variables = {**variables, "x=1;import os;y": "2"}
    try:
        parse_parameters(book.parameters, variables, book.id)
    except BadParameter:
        pass
    else:
        return
    words = [word for name, value in variables.items() for word in ("-p", f"{name}={value}")]
    said = io.StringIO()
    with (
        mock.patch.object(sys, "argv", ["glhelpers", "run", book.id, *words]),
        mock.patch("glhelpers.batch.execute._run", side_effect=AssertionError("a kernel was started")),
        redirect_stdout(said),
        redirect_stderr(said),
        pytest.raises(SystemExit) as ended,
    ):
        main()
    assert ended.value.code == 2, said.getvalue()
    assert "Traceback" not in said.getvalue()


@quick
@given(some_given(PLAIN | st.lists(PLAIN, max_size=3) | st.dictionaries(TEXTS, PLAIN, max_size=3)))
def test_papermill_carries_values_and_never_code(drawn: tuple[Runbook, dict[str, Any]]) -> None:
    """
    What papermill writes into the injected cell is names with literals; the setup cell then judges them as ever.

    Bytes, which only a YAML file with the tag `!!binary` gives, are the exception (docs/reliability.md).
    """
    book, variables = drawn
    notebook = load_notebook_node(str(notebook_path(book.id)))
    try:
        injected = parameterize_notebook(copy.deepcopy(notebook), variables)
    except (TypeError, ValueError, UnicodeError):
        return
    (cell,) = [cell for cell in injected.cells if "injected-parameters" in cell.metadata.get("tags", [])]
    tree = ast.parse(cell.source)
    assert all(isinstance(line, ast.Assign) and isinstance(line.targets[0], ast.Name) for line in tree.body)
    allowed = (
        ast.Constant,
        ast.List,
        ast.Dict,
        ast.Tuple,
        ast.UnaryOp,
        ast.USub,
        ast.UAdd,
        ast.Load,
        ast.Call,
        ast.Name,
    )
    for line in tree.body:
        assert isinstance(line, ast.Assign)
        for node in ast.walk(line.value):
            assert isinstance(node, allowed), ast.dump(node)
            if isinstance(node, ast.Call):  # float('nan') and float('inf') are how papermill writes those
                assert isinstance(node.func, ast.Name)
                assert node.func.id == "float"


@pytest.mark.parametrize(
    "line", ["namespace: !!binary J10iCg==", "namespace: !!python/object/apply:os.getcwd []", "namespace: &a [*a]"]
)
def test_tags_in_a_parameter_file_are_text_or_refused(tmp_path: Path, line: str) -> None:
    """`--params FILE` knows no tags: what papermill's own `-f` would make bytes of stays text, and nothing is built."""
    from glhelpers.batch.parameters import gather

    path = tmp_path / "given.yaml"
    path.write_text(line + "\n")
    try:
        given_values = gather([], path, None)
    except BadParameter:
        return
    assert all(isinstance(value, (str, list)) for value in given_values.values())


def test_a_run_opened_with_nonsense_asks_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parameters are judged before settings are read, a sandbox is started or a folder made."""
    monkeypatch.setattr("glhelpers.runbook.load_settings", lambda: pytest.fail("settings were read"))
    with pytest.raises(BadParameter):
        open_runbook("force_associate", {"namespace": "../..", "subscription_name": "A-S00010002"})
    assert not (tmp_path / "runs").exists()
