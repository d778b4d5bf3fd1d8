"""What follows from a grid's records, as numbers: columns, verdicts, budgets, curves, costs. No text, no drawing."""
