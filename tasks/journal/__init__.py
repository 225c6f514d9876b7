"""The journal: every finished call in one durable file, by all that decides its answer."""
