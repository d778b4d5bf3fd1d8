"""Files and folders: where they lie, their hashes, downloads."""
