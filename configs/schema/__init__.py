"""The frozen models that check every configuration."""
