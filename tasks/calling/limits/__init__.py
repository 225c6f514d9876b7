"""Limits: how many calls an endpoint takes, at once and a second: found, held, and shared by processes."""
