"""Serving: the champion behind an OpenAI-compatible endpoint, every request recorded."""
