"""Evaluating: a candidate is asked rows, its answers are scored and kept."""
