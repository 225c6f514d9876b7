"""The pure parts of a search over prompts: what is tried, on which rows, and who goes on."""
