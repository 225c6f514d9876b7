"""Augmenting: what is changed when a gate says no."""
