"""One cell: its id, what it needs, its run, its scores."""
