"""Programs that tests start for themselves: an S3 server, a Redis of one's own; free ports."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path

import boto3
import pytest
import redis
from fsspec import get_filesystem_class

from tests.support import absent


def free_port() -> int:
    """A TCP port of 127.0.0.1 that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def moto_server() -> Iterator[str]:
    """An S3 server with one empty bucket; yields `s3://bucket`. AWS_* point to it meanwhile."""
    address = f"http://127.0.0.1:{free_port()}"
    program = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", address.rpartition(":")[2]]
    server = subprocess.Popen(program, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    access = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**access, "AWS_ENDPOINT_URL": address}.items():
            patch.setenv(name, value)
        try:
            wait_for(lambda: urllib.request.urlopen(f"{address}/moto-api/", timeout=2).close() or True, 60)
            # One made for the server of another module would still call there.
            get_filesystem_class("s3").clear_instance_cache()
            boto3.client("s3").create_bucket(Bucket="secondread-test")
            yield "s3://secondread-test"
        finally:
            server.kill()
            server.wait()


@contextmanager
def redis_server(folder: Path) -> Iterator[str]:
    """A Redis of one's own on a free port; yields its URL."""
    program = shutil.which("redis-server")
    if program is None:
        absent("redis-server")
    port = free_port()
    options = [
        "--port",
        str(port),
        "--bind",
        "127.0.0.1",
        "--save",
        "",
        "--appendonly",
        "no",
        "--dir",
        str(folder),
    ]
    server = subprocess.Popen([program, *options], stdout=subprocess.DEVNULL)
    try:
        wait_for(lambda: redis.Redis(port=port).ping(), 20)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        server.kill()
        server.wait()


def wait_for(ready, seconds: float):
    """What `ready()` returns once it is true. Refused, reset and half answers count as not yet.

    Raises AssertionError after `seconds`.
    """
    deadline = time.monotonic() + seconds
    last: object = None
    while time.monotonic() < deadline:
        try:
            last = ready()
        except (OSError, redis.RedisError, HTTPException) as error:
            last = error
        else:
            if last:
                return last
        time.sleep(0.1)
    raise AssertionError(f"not ready after {seconds} s: {last!r}")


def clean_environment(**more: str) -> dict[str, str]:
    """The environment for a program of ours: what the machine needs, and the settings given."""
    keep = ("PATH", "HOME", "LANG", "TMPDIR", "AWS_", "OMP_", "CI", "TORCH_HOME")
    return {name: value for name, value in os.environ.items() if name.startswith(keep)} | more
