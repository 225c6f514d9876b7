"""The local stack: the processes on this machine and their supervision."""
