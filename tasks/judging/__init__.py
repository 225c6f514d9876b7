"""Judges: models that rate answers, and what their ratings are worth beside those of people."""
