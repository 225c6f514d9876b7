"""Lineage: what a candidate came from, from documents and traces to its release."""
