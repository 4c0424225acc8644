"""The dataset doctor: what is wrong with a folder of scans, told before a network learns from it."""
