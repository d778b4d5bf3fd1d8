"""How comparisons of diffusion models mislead: the plots of docs/footguns.md, from published records or simulation.

``python -m reports.footguns --out docs/footguns`` draws them again; equal records give equal files.
"""
