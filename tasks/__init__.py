"""HOW each step is done: plain typed Python, with a thin Prefect task where a step deserves its own line in the UI."""
