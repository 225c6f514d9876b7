"""Tuning: weights that are fitted to an app's task."""
