"""MLflow is spoken to here and nowhere else: prompts, runs, traces, model versions."""
