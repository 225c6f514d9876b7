"""A model endpoint with known limits and faults, for tests and for trying things out."""
