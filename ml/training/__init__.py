"""Training: Lightning module and data, recipes, cross-validation, the command line."""
