"""Studies: the systems of a paper, trained as the paper did and without leaks, both beside its claims."""
