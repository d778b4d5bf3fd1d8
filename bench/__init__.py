"""HOW it is measured: data, training, sampling, scores and cost of one cell; docs/design.md has its rooms."""
