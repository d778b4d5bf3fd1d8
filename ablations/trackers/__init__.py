"""Trackers: what cells say while they run, in another program's files; one file is one of them."""
