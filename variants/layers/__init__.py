"""The layers that options build. These modules import torch; `variants.axes` imports them only when it builds."""
