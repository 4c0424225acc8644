"""ROC, reliability, confusion matrix and training curves as PNG files. No pyplot, no global state."""

from ml.evaluation.plots.discrimination import roc
from ml.evaluation.plots.matrix import confusion
from ml.evaluation.plots.probability import reliability
from ml.evaluation.plots.progress import curves

__all__ = ["confusion", "curves", "reliability", "roc"]
