"""Rollout: a released candidate meets users bit by bit, and goes back by itself where it is worse."""
