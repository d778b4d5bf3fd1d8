"""The checkpoint's file: reading, writing, its network, official weights."""
