"""Deferring: calls through batch files, within a day and mostly at half the price."""
