"""Vectors in PostgreSQL with pgvector: one table, the rows of many indexes, compared by the server."""

import asyncio
import os
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, NamedTuple
from weakref import WeakKeyDictionary

from configs.errors import ConfigurationError
from configs.schema.retrieval import PgvectorStore
from tasks.calling.failures import CallFailure, FailureKind
from tasks.retrieval.vectors import Near

if TYPE_CHECKING:
    import asyncpg
    import numpy as np

_AT_ONCE = 500
_CONNECTIONS = 4
_TIMEOUT_S = 30


class _Kept(NamedTuple):
    """Connections, and the generator that closes them: a loop that ends closes what generators it left unfinished."""

    pool: "asyncpg.Pool"
    keeper: "AsyncGenerator[asyncpg.Pool]"


_pools: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, _Kept]] = WeakKeyDictionary()


class PgVectors:
    """The vectors of one index in PostgreSQL, where they are put before the first search, unless they are there.

    Args:
        store: which server and table.
        index: digest of the index.
        vectors: float32, L2-normalised, shape (chunks, dimensions).

    Raises:
        ConfigurationError: the environment variable of the address is not set.
    """

    def __init__(self, store: PgvectorStore, index: str, vectors: "np.ndarray") -> None:
        self._address = os.environ.get(store.address_env, "").strip()
        if not self._address:
            raise ConfigurationError(
                f"`retrieval.store`: the environment variable {store.address_env} is not set; put the address of "
                f"PostgreSQL there or into .env, such as postgresql://user:password@host/database"
            )
        self._store, self._index, self._vectors = store, index, vectors
        self._filled = False
        self._filling = asyncio.Lock()

    async def nearest(self, vector: "np.ndarray", count: int) -> Sequence[Near]:
        """See `Vectors`; every vector is compared.

        Raises:
            CallFailure: the server does not answer, or refuses.
        """
        query = (
            f"SELECT place, round(1 - (embedding <=> $1::text::vector)::numeric, 6) AS score FROM {self._store.table} "  # noqa: S608
            f"WHERE index = $2 ORDER BY score DESC, place LIMIT $3"
        )
        async with self._connected() as pool:
            rows = await pool.fetch(query, _text(vector), self._index, count)
        return [Near(row["place"], float(row["score"])) for row in rows]

    async def scores(self, vector: "np.ndarray", places: Sequence[int]) -> Sequence[float]:
        """See `Vectors`.

        Raises:
            CallFailure: the server does not answer, or refuses.
        """
        query = (
            f"SELECT place, round(1 - (embedding <=> $1::text::vector)::numeric, 6) AS score FROM {self._store.table} "  # noqa: S608
            f"WHERE index = $2 AND place = ANY($3::int[])"
        )
        async with self._connected() as pool:
            rows = await pool.fetch(query, _text(vector), self._index, list(places))
        found = {row["place"]: float(row["score"]) for row in rows}
        return [found[place] for place in places]

    @asynccontextmanager
    async def _connected(self) -> "AsyncGenerator[asyncpg.Pool]":
        import asyncpg

        try:
            pool = await _pool(self._address)
            async with self._filling:
                if not self._filled:
                    await self._fill(pool)
                    self._filled = True
            yield pool
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError, ValueError) as error:
            said = " ".join(str(error).split()) or type(error).__name__
            raise CallFailure(
                FailureKind.UNREACHABLE,
                f"the vector store that {self._store.address_env} names: {said.replace(self._address, '…')}; check "
                f"that PostgreSQL runs there, has the extension `vector`, and lets this user make tables",
            ) from None

    async def _fill(self, pool: "asyncpg.Pool") -> None:
        """Puts what is missing into the table: a fill that was killed goes on."""
        table = self._store.table
        await pool.execute("CREATE EXTENSION IF NOT EXISTS vector")
        await pool.execute(
            f"CREATE TABLE IF NOT EXISTS {table} "
            f"(index text, place int, embedding vector NOT NULL, PRIMARY KEY (index, place))"
        )
        rows = await pool.fetch(f"SELECT place FROM {table} WHERE index = $1", self._index)  # noqa: S608
        there = {row["place"] for row in rows}
        missing = [at for at in range(len(self._vectors)) if at not in there]
        insert = f"INSERT INTO {table} VALUES ($1, $2, $3::text::vector) ON CONFLICT DO NOTHING"  # noqa: S608
        for start in range(0, len(missing), _AT_ONCE):
            batch = missing[start : start + _AT_ONCE]
            await pool.executemany(insert, [(self._index, at, _text(self._vectors[at])) for at in batch])


def _text(vector: "np.ndarray") -> str:
    return f"[{','.join(map(str, vector.tolist()))}]"


async def _pool(address: str) -> "asyncpg.Pool":
    shared = _pools.setdefault(asyncio.get_running_loop(), {})
    if address not in shared:
        keeper = _keep(address)
        shared[address] = _Kept(await anext(keeper), keeper)
    return shared[address].pool


async def _keep(address: str) -> "AsyncGenerator[asyncpg.Pool]":
    import asyncpg

    pool = asyncpg.create_pool(
        address, min_size=1, max_size=_CONNECTIONS, timeout=_TIMEOUT_S, command_timeout=_TIMEOUT_S
    )
    async with pool:
        yield pool
