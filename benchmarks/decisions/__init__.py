"""The table of the decisions: how often a gate is wrong, how many rows it takes, and whether intervals hold."""
