"""Prefect is spoken to here: steps that are lines in its UI, artifacts, events and automations."""
