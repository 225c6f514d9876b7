"""Benchmarks of augmenting: what fine-tuning costs, and whether what is served is what was trained."""
