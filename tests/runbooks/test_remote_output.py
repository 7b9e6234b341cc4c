"""Papermill's own remote paths for outputs, with forked kernels: the executed notebook lies in the bucket."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import nbformat
import pytest
from moto.server import ThreadedMotoServer

pytestmark = pytest.mark.notebook

RUNBOOK = Path(__file__).parents[2] / "runbooks" / "force_associate.ipynb"
FOX = {
    "namespace": "fox-university",
    "subscription_name": "A-S00010002",
    "ticket_url": "https://gitlab.zendesk.com/agent/tickets/1002",
    "issue": "gitlab-com/support/internal-requests#2",
}
BUCKET = "evidence"


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """A server that speaks S3, with one bucket, and the environment by which its clients find it."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    environment = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "of-the-test",
        "AWS_SECRET_ACCESS_KEY": "of-the-test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    boto3.client("s3").create_bucket(Bucket=BUCKET)
    try:
        yield environment
    finally:
        server.stop()


@pytest.mark.parametrize("kernel", ["glhelpers", "python3"], ids=["forked", "ordinary"])
def test_papermill_writes_the_executed_notebook_to_a_bucket(
    kernel: str, store: dict[str, str], desk: Any, tmp_path: Path
) -> None:
    """`papermill runbook.ipynb s3://…`: one whole notebook of this ticket lies there, and the run's folder here."""
    words = [word for name, value in FOX.items() for word in ("-p", name, value)]
    target = f"s3://{BUCKET}/1002/force_associate.ipynb"
    done = subprocess.run(
        [sys.executable, "-m", "papermill", str(RUNBOOK), target, "--no-progress-bar", "-k", kernel, *words],
        env={**os.environ, **desk.environment, **store},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr

    client = boto3.client("s3")
    assert [one["Key"] for one in client.list_objects_v2(Bucket=BUCKET)["Contents"]] == ["1002/force_associate.ipynb"]
    kept = client.get_object(Bucket=BUCKET, Key="1002/force_associate.ipynb")["Body"].read().decode()
    book = nbformat.reads(kept, as_version=4)
    nbformat.validate(book)
    assert book.metadata.papermill.output_path == target
    assert all(cell.execution_count for cell in book.cells if cell.cell_type == "code")
    (folder,) = (tmp_path / "runs" / "1002" / "force_associate").iterdir()
    assert folder.name in kept
    assert desk.attempts() == 0
