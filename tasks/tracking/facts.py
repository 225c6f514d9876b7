"""Candidates and estimates as MLflow's parameters, metrics and tags."""

import json
from collections.abc import Iterable
from math import isfinite
from typing import Any

from tasks.candidate import Candidate
from tasks.statistics.estimate import Estimate
from tasks.tracking.prompts import registry_name


def candidate_parameters(candidate: Candidate) -> dict[str, Any]:
    """Returns everything that decides what a candidate answers, by the names that people search for."""
    parameters = candidate.parameters.model_dump(exclude={"name"}) if candidate.parameters else {}
    prompt, meta, retrieval = candidate.prompt, candidate.meta_prompt, candidate.retrieval
    return {
        "candidate": candidate.digest,
        "target": candidate.target.kind,
        "model": candidate.model,
        "endpoint_model": candidate.endpoint_model,
        "parameters": candidate.parameters.name if candidate.parameters else None,
        **{name: value for name, value in parameters.items() if value not in (None, ())},
        "prompt": prompt.name if prompt else None,
        "prompt_version": prompt.version if prompt else None,
        "prompt_digest": prompt.digest if prompt else None,
        "meta_prompt": meta.name if meta else None,
        "meta_prompt_version": meta.version if meta else None,
        "meta_prompt_digest": meta.digest if meta else None,
        "index": retrieval.index if retrieval else None,
        "top_k": retrieval.top_k if retrieval else 0,
        "retrieval": retrieval.told if retrieval else None,
        "examples": len(candidate.examples),
        "adapter": _adapter(candidate),
        "code": candidate.code,
        "move": candidate.move,
        "parent": candidate.parent,
    }


def _adapter(candidate: Candidate) -> str | None:
    if candidate.adapter is None:
        return None
    return candidate.adapter.digest if candidate.adapter.kind == "lora" else candidate.adapter.model


def prompt_uri(candidate: Candidate) -> str | None:
    """Returns where the registry keeps the candidate's prompt, None where it has none or is not registered."""
    prompt = candidate.prompt
    if prompt is None or prompt.version is None:
        return None
    return f"prompts:/{registry_name(candidate.app, prompt.name)}/{prompt.version}"


def linked_prompt(candidate: Candidate) -> dict[str, str]:
    """Returns the tag by which MLflow's UI links a run and its prompt versions with each other."""
    links = [
        {"name": registry_name(candidate.app, prompt.name), "version": str(prompt.version)}
        for prompt in reversed(candidate.prompts)
        if prompt.version is not None
    ]
    return {"mlflow.linkedPrompts": json.dumps(links)} if links else {}


def estimate_metrics(estimates: Iterable[Estimate]) -> dict[str, float | None]:
    """Returns a metric, its interval, rows and coverage for each estimate over all rows; slices are in the tables.

    An end of an interval that is infinite is left out.
    """
    metrics: dict[str, float | None] = {}
    for each in estimates:
        if each.slice is None:
            name = each.metric if each.quantile is None else f"{each.metric}.p{100 * each.quantile:g}"
            metrics[name] = each.value
            metrics[f"{name}.low"] = _finite(each.low)
            metrics[f"{name}.high"] = _finite(each.high)
            metrics[f"{name}.n"] = each.n
            metrics[f"{name}.coverage"] = each.coverage
            if each.judge_alone is not None:
                metrics[f"{name}.judge_alone"] = each.judge_alone
    return metrics


def _finite(end: float | None) -> float | None:
    return end if end is not None and isfinite(end) else None
