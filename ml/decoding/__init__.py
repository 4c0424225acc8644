"""Decoding in processes of its own, so that a file that breaks a codec breaks nothing else.

The door: `IsolatedDecoder`, `ProcessLimits`. `pool` keeps the children, `process` is one of them seen
from outside, `child` its program, `wire` what the two say to each other.
"""

from ml.decoding.pool import IsolatedDecoder
from ml.decoding.process import ProcessLimits

__all__ = ["IsolatedDecoder", "ProcessLimits"]
