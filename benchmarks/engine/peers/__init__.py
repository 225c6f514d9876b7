"""Other evaluation tools, each at its best settings in a process of its own."""
