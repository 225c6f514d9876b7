"""Harvesting: what production was asked becomes rows, once a person has said what the right answer is."""
