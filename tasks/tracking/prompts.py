"""Prompts in MLflow's registry: those of files, and those that people edit in its UI."""

import json
import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from configs.errors import DataError
from tasks.candidate import Candidate, Prompt, TemplateMessage
from tasks.prompting.render import names_in
from tasks.tracking.connection import connect, experiment_of

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import PromptVersion

_log = logging.getLogger(__name__)

_DIGEST = "lifecycle.digest"
_EXPERIMENTS = "_mlflow_experiment_ids"
"""Tag by which MLflow lists a prompt under an experiment: ids between commas, with one at each end."""
_ROLES = ("system", "user", "assistant", "tool")


def registry_name(app: str, name: str) -> str:
    """Returns the name of an app's prompt in the registry, which all apps share."""
    return f"{app}.{name}"


def with_registered(candidate: Candidate, parent: Prompt | None = None, source: str = "file") -> Candidate:
    """Returns a candidate whose prompt and meta-prompt have their versions in the registry; see `register_prompt`.

    Args:
        candidate: of any kind; one without a prompt is returned as it is.
        parent: what its prompt was made of.
        source: what its prompt came from.

    Raises:
        StackError: MLflow does not answer or refuses it.
    """
    prompt, meta = candidate.prompt, candidate.meta_prompt
    registered = {
        "prompt": prompt and register_prompt(candidate.app, prompt, parent, source),
        "meta_prompt": meta and register_prompt(candidate.app, meta),
    }
    return candidate.model_copy(update=registered)


def register_prompt(app: str, prompt: Prompt, parent: Prompt | None = None, source: str = "file") -> Prompt:
    """Returns the prompt with its version in the registry; content that the registry has already keeps its version.

    The template is stored as it is, Jinja2 included, as a chat prompt that MLflow's UI can edit.

    Args:
        app: name of the app.
        prompt: of any version.
        parent: what it was made of; a new version says so in its tags.
        source: what it came from: `file`, or what has made it.

    Raises:
        StackError: MLflow does not answer or refuses it.
    """
    with connect() as client:
        experiment = experiment_of(client, app)
        name = registry_name(app, prompt.name)
        _create(client, name, experiment)
        versions = _versions(client, name)
        made = {_DIGEST: prompt.digest, "lifecycle.source": source, **(_parent(app, parent) if parent else {})}
        known = next((int(each.version) for each in versions if _digest(each) == prompt.digest), None)
        return prompt.model_copy(update={"version": known or _add(client, name, prompt, experiment, made)})


def prompt_versions(app: str, name: str, edited_after: int | None = None) -> tuple[Prompt, ...]:
    """Returns the versions of an app's prompt, oldest first; a text prompt is one user message.

    A version that cannot be used is left out, and a warning says why.

    Args:
        app: name of the app.
        name: name of the prompt, without the app's.
        edited_after: only versions that a person made in MLflow after this one.

    Raises:
        StackError: MLflow does not answer.
    """
    with connect() as client:
        found = _versions(client, registry_name(app, name))
        if edited_after is not None:
            found = [each for each in found if each.version > edited_after and not _is_ours(each)]
        return tuple(_prompts(found, name))


def _create(client: "MlflowClient", name: str, experiment: str) -> None:
    from mlflow.exceptions import MlflowException

    found = client.get_prompt(name)
    if found is None:
        try:
            client.create_prompt(name, tags={_EXPERIMENTS: f",{experiment},"})
        except MlflowException:
            if client.get_prompt(name) is None:  # else another process made it in between
                raise
    elif f",{experiment}," not in found.tags.get(_EXPERIMENTS, ""):
        client.set_prompt_tag(name, _EXPERIMENTS, f"{found.tags.get(_EXPERIMENTS) or ','}{experiment},")


def _parent(app: str, parent: Prompt) -> dict[str, str]:
    version = {"lifecycle.parent.version": str(parent.version)} if parent.version else {}
    return {"lifecycle.parent": registry_name(app, parent.name), "lifecycle.parent.digest": parent.digest, **version}


def _add(client: "MlflowClient", name: str, prompt: Prompt, experiment: str, made: dict[str, str]) -> int:
    import mlflow

    # MLflow also lists a new version under the process's current experiment, which would else be "Default".
    mlflow.set_tracking_uri(client.tracking_uri)
    mlflow.set_experiment(experiment_id=experiment)
    added = client.register_prompt(
        name,
        [{"role": message.role, "content": message.template} for message in prompt.messages],
        tags=made,
    )
    return int(added.version)


def _versions(client: "MlflowClient", name: str) -> "list[PromptVersion]":
    if client.get_prompt(name) is None:
        return []
    found: list[PromptVersion] = []
    token: str | None = None
    while True:
        page = client.search_prompt_versions(name, max_results=200, page_token=token)
        found += page
        token = page.token
        if not token:
            return sorted(found, key=lambda each: int(each.version))


def _prompts(versions: "list[PromptVersion]", name: str) -> Iterator[Prompt]:
    for each in versions:
        try:
            yield _prompt(each, name)
        except (DataError, ValueError) as error:
            _log.warning("prompt %s version %s is left out: %s", each.name, each.version, error)


def _is_ours(version: "PromptVersion") -> bool:
    """The tag alone does not say so: whoever copies a version and edits it copies the tag."""
    return _DIGEST in version.tags and version.tags[_DIGEST] == _digest(version)


def _digest(version: "PromptVersion") -> str | None:
    """Returns the digest of a version's content, None where it cannot be used."""
    try:
        return _prompt(version, version.name).digest
    except (DataError, ValueError):
        return None


def _prompt(version: "PromptVersion", name: str) -> Prompt:
    template = version.template
    messages = [{"role": "user", "content": template}] if isinstance(template, str) else template
    if not messages:
        raise DataError("it holds no message")
    return Prompt(name=name, messages=tuple(_message(each, version) for each in messages), version=int(version.version))


def _message(message: dict[str, Any], version: "PromptVersion") -> TemplateMessage:
    role, content = message.get("role"), message.get("content")
    if role not in _ROLES:
        raise DataError(f"role {role!r}; allowed are {', '.join(_ROLES)}")
    if not isinstance(content, str):
        raise DataError(f"the {role} message holds {json.dumps(content)[:60]}; allowed is text")
    # Whoever asks for a template's names is told where it is no template.
    names_in(content, f"{role} message of {version.name} version {version.version}")
    return TemplateMessage(role=role, template=content)
