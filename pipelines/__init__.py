"""WHAT happens, in which order: one Prefect flow a file."""
