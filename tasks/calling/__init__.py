"""Asking: every call to a model or a user's target goes through here, and every answer into the journal."""
