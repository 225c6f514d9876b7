"""Keys of the endpoint: who may ask, and how much. Only their hashes are kept; a change counts at once."""

import hashlib
import logging
import os
import secrets
import tempfile
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock
from pydantic import Field, ValidationError

from configs.errors import ConfigurationError
from configs.schema.base import Frozen
from configs.settings import settings
from tasks.writing import write_whole

_PREFIX = "lk-"
_log = logging.getLogger(__name__)


class KeyLimits(Frozen):
    """What a key may use; what is not set is not limited."""

    requests_per_minute: int | None = Field(None, ge=1)
    """Requests; as many may come at once."""
    tokens_per_minute: int | None = Field(None, ge=1)
    """Tokens in and out. An answer's are known when it is there: the next request waits for what the last ones used."""
    price_per_day: float | None = Field(None, gt=0)
    """US dollars from midnight to midnight, UTC."""


class Key(Frozen):
    """One key, without the key."""

    id: str
    """Its first characters, by which people and records name it."""
    name: str = Field(pattern=r"^[\w.@ -]{1,80}$")
    """Whose it is."""
    hash: str
    """SHA-256 of it: 256 random bits need no slow hash."""
    limits: KeyLimits = KeyLimits()
    apps: tuple[str, ...] = ()
    """Names of the apps that may be asked with it; every app where none is named."""
    created: str
    """Time in UTC, ISO 8601."""
    revoked: str | None = None
    """When it stopped being answered; None while it is."""

    def may_ask(self, app: str) -> bool:
        """Returns whether an app may be asked with it."""
        return not self.apps or app in self.apps


class _File(Frozen):
    keys: tuple[Key, ...] = ()


class KeyRing:
    """The keys in one file; safe for many processes.

    Args:
        path: the file; without it there are no keys, and nobody is asked for one.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen: tuple[int, int] | None = None
        self._by_hash: dict[str, Key] = {}
        self._damaged = False

    @property
    def needed(self) -> bool:
        """Whether a key must be sent: once there has been one, also where all are revoked or the file is damaged."""
        self._refresh()
        return bool(self._by_hash) or self._damaged

    def find(self, key: str) -> Key | None:
        """Returns the key that a client has sent, None where it is none or was revoked."""
        self._refresh()
        found = self._by_hash.get(_hash(key))
        return found if found is not None and found.revoked is None else None

    def all(self) -> tuple[Key, ...]:
        """Returns all keys, the oldest first.

        Raises:
            ConfigurationError: the file is damaged.
        """
        return self._read().keys

    def add(self, name: str, limits: KeyLimits, apps: tuple[str, ...] = ()) -> str:
        """Makes a key and returns it; nothing can return it again.

        Args:
            name: whose it is.
            limits: what it may use.
            apps: names of the apps that may be asked with it; () for all.

        Raises:
            ConfigurationError: a key of this name is answered already, or the name is none.
            DataError: the file cannot be written.
        """
        secret = f"{_PREFIX}{secrets.token_urlsafe(32)}"
        with self._held():
            keys = self._read().keys
            if any(key.name == name and key.revoked is None for key in keys):
                raise ConfigurationError(f"there is a key of the name {name!r}: revoke it, or take another name")
            try:
                made = Key(id=secret[:9], name=name, hash=_hash(secret), limits=limits, apps=apps, created=_now())
            except ValidationError:
                raise ConfigurationError(
                    f"{name!r} is no name of a key: up to 80 letters, digits, blanks, and any of . @ _ -"
                ) from None
            self._write((*keys, made))
        return secret

    def revoke(self, name: str) -> Key:
        """Revokes the key with a name or id; it is not answered from now on.

        Raises:
            ConfigurationError: there is none.
            DataError: the file cannot be written.
        """
        with self._held():
            keys = self._read().keys
            found = [key for key in keys if name in (key.name, key.id) and key.revoked is None]
            if not found:
                known = ", ".join(key.name for key in keys if key.revoked is None) or "none"
                raise ConfigurationError(f"no key {name!r} to revoke; known are {known}")
            ended = found[0].model_copy(update={"revoked": _now()})
            self._write(tuple(ended if key.hash == ended.hash else key for key in keys))
        return ended

    def _held(self) -> FileLock:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        return FileLock(self.path.with_suffix(".lock"))

    def _refresh(self) -> None:
        try:
            status = self.path.stat()
            seen = (status.st_mtime_ns, status.st_size)
        except OSError:
            return  # what was known stays: a file that is gone opens nothing
        if seen == self._seen:
            return
        try:
            self._by_hash = {key.hash: key for key in self._read().keys}
            self._damaged, self._seen = False, seen
        except ConfigurationError as error:  # what was known goes on to be answered, and nobody else
            if not self._damaged:
                _log.error("%s", error)
            self._damaged = True

    def _read(self) -> _File:
        try:
            return _File.model_validate_json(self.path.read_bytes())
        except FileNotFoundError:
            return _File()
        except (OSError, ValueError) as error:
            raise ConfigurationError(
                f"{self.path}: cannot be read ({type(error).__name__}); restore it, or delete it and make new keys"
            ) from None

    def _write(self, keys: tuple[Key, ...]) -> None:
        write_whole(self.path, _File(keys=keys).model_dump_json(indent=1).encode())


def local_key() -> str:
    """Returns the key by which processes of this machine ask its endpoints: `LIFECYCLE_API_KEY`, else one in a file.

    The file is made where it is missing, for its owner to read alone.

    Raises:
        ConfigurationError: it can be neither read nor made.
    """
    if (given := settings().api_key) is not None:
        return given.get_secret_value()
    path = settings().folder() / "local.key"
    try:
        if not path.exists():
            _make_key(path)
        if key := path.read_text(encoding="utf-8").strip():
            return key
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be used: {error.strerror}; mend its rights, or delete it") from None
    raise ConfigurationError(f"{path}: is empty; delete it")


def _make_key(path: Path) -> None:
    """Makes a file whole or not at all; where two processes make it, one of them does."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".local-key-")
    try:
        with os.fdopen(handle, "w") as file:
            file.write(f"{_PREFIX}{secrets.token_urlsafe(32)}")
        with suppress(FileExistsError):
            os.link(name, path)
    finally:
        Path(name).unlink()


def key_ring() -> KeyRing:
    """Returns the keys of this machine's endpoints, in `home/keys.json`."""
    return KeyRing(settings().folder() / "keys.json")


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
