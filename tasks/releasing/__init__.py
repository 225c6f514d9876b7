"""Releasing: the hash-chained log, the alias, and their reconciliation."""
