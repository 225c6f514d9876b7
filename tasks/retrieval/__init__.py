"""Retrieval: documents, chunks, and an index that finds them."""
