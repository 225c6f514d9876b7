"""Scorers: a row and its answer → a score of one dimension. A small file a family; no framework."""
