"""Backbones: U-ViT and its rivals. Every module here is one family and defines ``FAMILY``; the folder is scanned."""
