"""Which candidate a word means: `latest`, `best`, `champion`, or a digest."""

from configs.errors import ConfigurationError
from tasks.candidate import Candidate
from tasks.candidates import explored, read_prompts
from tasks.releasing.log import release_log
from tasks.results.marks import marked
from tasks.workspace import Workspace


def chosen(workspace: Workspace, word: str) -> Candidate:
    """Returns the candidate that a person means.

    Args:
        workspace: the app.
        word: `champion`, what is released; `best`, what the last exploration put first; `latest`, what `augment` made
            last, else the exploration's best, else the configuration's first prompt, model and parameters, and of a
            target of the user's what it is now; or a digest or its beginning.

    Raises:
        ConfigurationError: there is no such candidate.
    """
    if word == "champion":
        committed = release_log(workspace.name).committed()
        found = workspace.store.load_candidate(committed.candidate) if committed else None
        if found is None:
            raise ConfigurationError(f"app {workspace.name} has no champion yet; run deploy or loop first")
        return found
    if word == "best":
        found = marked(workspace.store, "best")
        if found is None:
            raise ConfigurationError(f"app {workspace.name} has not been explored yet; run explore first")
        return found
    if word == "latest" and workspace.loaded.app.target.kind != "prompt":
        return explored(workspace.loaded, ())[0]
    if word == "latest":
        made = marked(workspace.store, "latest") or marked(workspace.store, "best")
        return made or explored(workspace.loaded, read_prompts(workspace.loaded))[0]
    return workspace.candidate(word)
