"""Measures the operating stage beside what does the least that could be done."""
