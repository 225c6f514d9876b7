"""`mlflow.genai.evaluate`: one call by the openai SDK and one exact scorer a row, its rate limit off."""

import argparse
import os
from pathlib import Path
from typing import Any

from benchmarks.engine.apps import INSTRUCTION, MODEL, MOST_TOKENS, read_questions


def evaluate(address: str, rows: Path, at_once: int, server: str) -> None:
    """Evaluates the rows of a dataset, and records them in an MLflow server."""
    os.environ["MLFLOW_GENAI_EVAL_MAX_WORKERS"] = str(at_once)
    # By default it starts at ten calls a second.
    os.environ["MLFLOW_GENAI_EVAL_PREDICT_RATE_LIMIT"] = "0"
    os.environ["MLFLOW_GENAI_EVAL_SCORER_RATE_LIMIT"] = "0"
    # The function below is traced: without this, one more call finds that out before the others start.
    os.environ["MLFLOW_GENAI_EVAL_SKIP_TRACE_VALIDATION"] = "true"
    import mlflow
    import openai
    from mlflow.genai.scorers import scorer

    mlflow.set_tracking_uri(server)
    mlflow.set_experiment("peer")
    client = openai.OpenAI(base_url=address, api_key="none", max_retries=0)

    @mlflow.trace  # type: ignore[untyped-decorator]
    def predict(question: str) -> str:
        reply = client.chat.completions.create(
            model=MODEL,
            messages=[{"role": "system", "content": INSTRUCTION}, {"role": "user", "content": question}],
            temperature=0.0,
            max_tokens=MOST_TOKENS,
        )
        return reply.choices[0].message.content or ""

    @scorer  # type: ignore[untyped-decorator]
    def exact(outputs: str, expectations: dict[str, Any]) -> bool:
        return bool(outputs == expectations["expected_response"])

    data = [
        {"inputs": {"question": question}, "expectations": {"expected_response": question}}
        for question in read_questions(rows)
    ]
    mlflow.genai.evaluate(data=data, predict_fn=predict, scorers=[exact])


def main() -> None:
    """Evaluates the rows that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address")
    parser.add_argument("rows", type=Path)
    parser.add_argument("server")
    parser.add_argument("--at-once", type=int, required=True)
    arguments = parser.parse_args()
    evaluate(arguments.address, arguments.rows, arguments.at_once, arguments.server)


if __name__ == "__main__":
    main()
