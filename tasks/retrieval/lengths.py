"""Lengths of chunks that moves of `augment` name: refused where no chunker counts by them, or none is longer."""

from collections.abc import Sequence

from configs.errors import ConfigurationError
from configs.loading import LoadedApp
from configs.schema.augment import Move
from configs.schema.retrieval import Chunker, Retrieval


def check_lengths(loaded: LoadedApp) -> None:
    """Refuses moves whose lengths of a chunk cannot be what they are meant to be.

    Raises:
        ConfigurationError: `chunk_tokens` where no chunk is of tokens, or a length that is no longer than the overlap.
    """
    retrieval = loaded.app.retrieval
    if retrieval is None:
        return
    for position, move in enumerate(loaded.app.augment.moves):
        where = f"{loaded.folder / 'app.yaml'}: key `augment.moves.{position}`"
        if _lengths(move, "chunk_tokens") and "tokens" not in _chunkers(move, retrieval):
            raise ConfigurationError(
                f"{where}: `chunk_tokens` counts only where the chunker is `tokens`, which it is nowhere in this move; "
                f"set `chunker: tokens`, or add it to `over.chunker`"
            )
        for key, overlap in (("chunk_words", retrieval.overlap_words), ("chunk_tokens", retrieval.overlap_tokens)):
            if short := [length for length in _lengths(move, key) if length <= overlap]:
                raise ConfigurationError(
                    f"{where}: `{key}` {short[0]} is no more than the {overlap} that a chunk repeats of the one before "
                    f"it; name a longer one, or lower `retrieval.{key.replace('chunk', 'overlap')}`"
                )


def _lengths(move: Move, key: str) -> Sequence[int]:
    own = getattr(move, key)
    tried: Sequence[int] = getattr(move.over, key) if move.kind == "search_retrieval" else ()
    return [*tried, *([] if own is None else [own])]


def _chunkers(move: Move, retrieval: Retrieval) -> Sequence[Chunker]:
    tried = move.over.chunker if move.kind == "search_retrieval" else ()
    return tried or (move.chunker or retrieval.chunker,)
