"""A network is loaded and asked once, in a process of its own, before anybody relies on it.

What is wrong with its folder is then found without spending the memory of a web process on torch, and a
library that crashes while loading takes nothing with it.
"""

from __future__ import annotations

import json
import os
import subprocess  # the trial is a program of its own  # nosec B404
import sys
from pathlib import Path
from typing import Any

from ml.errors import MlError, NetworkError
from ml.types import NetworkId

SECONDS = 120.0
"""For the imports and one scan: some five seconds on an idle machine."""
_ROOT = Path(__file__).resolve().parent.parent
_PASSED_ON = ("PATH", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "OMP_NUM_THREADS")
_AGAIN = "Look at the folder; copy card.json and weights.safetensors again, together."


def try_out(directory: Path, seconds: float = SECONDS) -> NetworkId:
    """Load the network of `directory` as a worker would, read a scan drawn by code, and say which it is.

    Raises:
        NetworkError: what is wrong with card or weights, in the words of the error that loading them raises;
            or the process crashed or took longer than `seconds`.
    """
    command = [sys.executable, "-m", "ml.trial", str(directory)]
    given = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    try:
        ended = subprocess.run(  # noqa: S603  our own module, the folder an argument  # nosec B603
            command, cwd=_ROOT, env=given, capture_output=True, timeout=seconds, check=False
        )
        answer = json.loads(ended.stdout.splitlines()[-1])
    except subprocess.TimeoutExpired as error:
        raise NetworkError(f"The network did not load within {seconds:g} seconds.", _AGAIN) from error
    except (IndexError, ValueError) as error:
        raise NetworkError("The network ended the process that tried it out.", _AGAIN) from error
    if "what" in answer:
        raise NetworkError(answer["what"], answer["remedy"])
    return NetworkId(**answer)


def _answer(directory: Path) -> dict[str, Any]:
    from ml.data import phantom
    from ml.predictor import Predictor

    try:
        predictor = Predictor(directory, threads=1)
        predictor.predict(phantom.dicom(phantom.draw("cyst", 1, (128, 160))))
    except MlError as error:
        return {"what": error.what, "remedy": error.remedy}
    known = predictor.network
    return {"name": known.name, "version": known.version, "checksum": known.checksum}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_answer(Path(sys.argv[1]))) + "\n")
