"""The load run works: a short one, whose times nobody is held to."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.load.memory import MIB, Trace, resident
from webapp.config import ROOT

SECONDS = 20


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_short_run_answers_everything_and_analyses_each_upload_once():
    command = [sys.executable, "-m", "tests.load.run", "--seconds", str(SECONDS), "--readers", "8", "--json"]
    done = subprocess.run([*command, "--cases", "200"], cwd=ROOT, capture_output=True, text=True, timeout=360)
    assert done.returncode in {0, 1}, done.stderr
    rows = {row["what"]: row for row in json.loads(done.stdout)["rows"]}
    assert rows["load: answers of the 500s, connections lost"]["met"], done.stderr
    assert rows["load: uploads analysed once"]["met"]
    for name in ("worklist", "read saved"):
        assert rows[f"load, {name}: p95"]["value"] > 0
        assert rows[f"load, {name}: p95"]["met"] is not None
    assert {row["met"] for what, row in rows.items() if "memory" in what} == {None}
    slow = [row for row in rows.values() if row["met"] is False]
    assert done.returncode == (1 if slow else 0)


def test_growth_is_that_of_the_line_through_the_judged_part():
    leak = Trace(0, [(second, (100 + second) * MIB) for second in range(300)])
    assert leak.growth == pytest.approx(199 * MIB)
    breathing = Trace(0, [(second, (100 + second % 2) * MIB) for second in range(300)])
    assert abs(breathing.growth) < 0.1 * MIB
    warming_up = Trace(0, [(second, min(second, 90) * MIB) for second in range(300)])
    assert warming_up.growth == 0


def test_memory_counts_what_a_program_has_started_too():
    program = [sys.executable, "-c", "x = bytearray(50_000_000); print(1, flush=True); input()"]
    child = subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        child.stdout.readline()
        assert resident(child.pid) > 50_000_000
        assert resident(os.getpid()) > resident(child.pid)
    finally:
        child.communicate(b"\n", timeout=20)
    assert resident(child.pid) == 0
