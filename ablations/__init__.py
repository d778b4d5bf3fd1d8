"""WHICH comparisons run: grids, budgets, plans, and the engines that run their cells."""
