"""Statistics: metrics with intervals. Pure functions; neither Prefect nor MLflow."""
