"""The one family of errors that a user can cause. Each message is one line: what, where, and what to do."""


class LifecycleError(Exception):
    """Something a user can mend. The message is one line: what is wrong, where, and what to do.

    Attributes:
        exit_code: the command's exit status where this error ends it.
    """

    exit_code = 1

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.split()))


class ConfigurationError(LifecycleError):
    """A configuration or a command that cannot be meant: exit status 2."""

    exit_code = 2


class DataError(LifecycleError):
    """A dataset, document or prompt file that cannot be used as it is."""


class MissingVariableError(DataError):
    """A row that lacks a variable of the prompt."""


class EndpointError(LifecycleError):
    """A model endpoint or a user's service that could not be reached or gave no usable answer."""


class StackError(LifecycleError):
    """A part of the local stack that does not start, stop or answer."""


class ReleaseError(LifecycleError):
    """A release that may not or could not happen."""
