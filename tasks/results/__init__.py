"""The results store: rows, answers and scores as Parquet under `.lifecycle/results`, the truth in bulk."""
