"""Watching: what was served, scored and compared with what was released."""
