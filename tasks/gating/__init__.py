"""Gates: rules over estimates → a verdict with its reasons. Pure functions; neither Prefect nor MLflow."""
