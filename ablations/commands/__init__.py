"""What the commands of ``uvit`` do, one file a command; ``requests`` holds what can be asked of them."""
