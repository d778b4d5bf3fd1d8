"""The modules of the rival families. They import torch; `variants.baselines` imports them only when it builds."""
