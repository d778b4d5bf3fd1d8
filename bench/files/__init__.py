"""Files and folders: where they lie, their hashes, folders that appear whole, downloads."""
