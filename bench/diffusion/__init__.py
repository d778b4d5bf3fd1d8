"""The forward process and the samplers that run it backwards. Importing this package does not import torch."""

from bench.diffusion.vp_sde import VPSDE

__all__ = ["VPSDE"]
