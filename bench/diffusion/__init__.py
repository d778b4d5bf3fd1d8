"""Forward processes and the samplers that run them backwards. Importing this package does not import torch."""

from bench.diffusion.process import PROCESSES, Process
from bench.diffusion.rectified_flow import RectifiedFlow
from bench.diffusion.sd_schedule import SDSchedule
from bench.diffusion.vp_sde import VPSDE

__all__ = ["PROCESSES", "VPSDE", "Process", "RectifiedFlow", "SDSchedule"]
