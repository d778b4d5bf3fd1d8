"""One file, one axis: every module here defines ``AXIS``; the folder is scanned, so a new file is all it takes."""
