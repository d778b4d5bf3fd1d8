"""What the commands of ``uvit`` do at the terminal, one file a command."""
