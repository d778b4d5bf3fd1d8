"""Do the verdicts keep their word? Grids with known effects, judged by the code that judges real ones.

``python -m reports.simulation`` prints how often the intervals hold the truth and how often a verdict is false, each
with its Monte-Carlo error. docs/statistics.md holds a run and says how to read it.
"""
