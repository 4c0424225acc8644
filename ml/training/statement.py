"""What the card says in words: limits, sources, and how the class "normal" was made."""

from __future__ import annotations

LIMITS = (
    "Research and education only; not a medical device.",
    "Breast ultrasound stills in grey: no colour Doppler, elastography, needles, implants or axilla.",
    "Two public data sets from Brazil and Egypt, few scanner models: others may differ.",
    "BUS-BRA's lesions were all biopsied: more of them are malignant, and harder, than in screening.",
    "Probabilities mean what they say at that mix of cases only.",
    "Normal scans come from BUSI alone: that class is the least proven.",
    "BUSI names no patients: groups of near copies take their place, so its figures may still be too good.",
)

CITATIONS = (
    "Gomez-Flores W et al. BUS-BRA: a breast ultrasound dataset. Med Phys 2023. doi 10.5281/zenodo.7730709",
    "Al-Dhabyani W et al. Dataset of breast ultrasound images. Data in Brief 28 (2020) 104863",
    "He K et al. Deep residual learning for image recognition. CVPR 2016",
)

NORMAL = (
    "BUSI only; lesion-free parts of BUS-BRA images are added in training, "
    "so that the class is not the look of one scanner alone"
)
