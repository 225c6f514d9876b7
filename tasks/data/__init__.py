"""Datasets: reading rows in whatever format they come, naming them by content, and checking what enters."""
