"""WHERE it runs: the command, the local stack, the simulated endpoint."""
