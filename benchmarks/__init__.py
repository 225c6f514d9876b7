"""What the project claims of itself, measured: one package a table, each run by `make bench-…`."""
