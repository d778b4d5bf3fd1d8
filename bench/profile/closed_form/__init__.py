"""Multiply-accumulates by formula, a second writing of what the counters count; one file a group of networks."""
