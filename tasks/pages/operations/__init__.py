"""The operations page of an app: how what is served has done over time, with its releases."""
