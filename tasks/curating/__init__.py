"""Curating: rows of datasets, files and production made one clean dataset, of which no side gives another away."""
