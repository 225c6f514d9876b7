"""Prompts: reading `.prompty` files and turning a template and a row into messages."""
