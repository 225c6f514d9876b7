"""Guarding: what requests and answers are looked at for at the endpoint. Pure functions; no model is asked."""
