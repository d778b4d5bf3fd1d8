"""Rival backbones. One file, one family: every module here defines ``FAMILY``; the folder is scanned."""
