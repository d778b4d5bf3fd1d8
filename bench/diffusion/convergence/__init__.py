"""Do the samplers converge as they claim? Errors on data whose answer is known; run it with ``python -m``."""
