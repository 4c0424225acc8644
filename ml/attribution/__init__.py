"""Methods of explanation by name, each one function of the same shape (`ml.attribution.method.Explain`)."""

from __future__ import annotations

from ml.attribution import cam, gradients, perturbations, rollout
from ml.attribution.method import Explain, Map, Method

__all__ = ["METHODS", "Explain", "Map", "Method"]

_ALL = (
    Method("grad-cam", "Selvaraju et al. 2017", cam.grad_cam),
    Method("grad-cam++", "Chattopadhay et al. 2018", cam.grad_cam_plus_plus),
    Method("layer-cam", "Jiang et al. 2021", cam.layer_cam),
    Method("integrated-gradients", "Sundararajan et al. 2017", gradients.integrated_gradients, 0.1),
    Method("occlusion", "Zeiler and Fergus 2014", perturbations.occlusion, 0.1),
    Method("lime", "Ribeiro et al. 2016", perturbations.lime, 0.1),
    Method("kernel-shap", "Lundberg and Lee 2017", perturbations.kernel_shap, 0.1),
    Method(
        "attention-rollout", "Abnar and Zuidema 2020", rollout.attention_rollout, fits=rollout.has_attention
    ),
)

METHODS: dict[str, Method] = {method.name: method for method in _ALL}
