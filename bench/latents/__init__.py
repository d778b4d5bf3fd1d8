"""Latent diffusion: an autoencoder before and after the network, and its latents stored once (docs/latents.md).

What the network trains on is z = scale * (mean + std * eps), with mean and std from the autoencoder's encoder (Rombach
et al. 2022, arXiv:2112.10752, section 3.1); what is scored is the decoder's image of what the sampler gives.
"""
