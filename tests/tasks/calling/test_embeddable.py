"""One text that an embedding model refuses costs the others nothing; a failure that is no text's is raised."""

import numpy as np
import pytest

from tasks.calling.embeddable import embeddable
from tasks.calling.failures import CallFailure, FailureKind


class Model:
    """Refuses what contains `bad`; `asked` counts the times that it was asked."""

    def __init__(self, kind):
        self.kind, self.asked = kind, 0

    async def __call__(self, texts):
        self.asked += 1
        if any("bad" in text for text in texts):
            raise CallFailure(self.kind, "refused")
        return np.array([[float(text), 1.0] for text in texts], np.float32)


@pytest.mark.parametrize("kind", [FailureKind.TOO_LONG, FailureKind.REJECTED])
async def test_what_is_refused_is_left_out(kind):
    model = Model(kind)
    texts = [("bad" if at in (0, 77, 99) else str(at)) for at in range(100)]
    found = await embeddable(texts, model)
    assert found.places == tuple(at for at in range(100) if at not in (0, 77, 99))
    assert found.vectors[:, 0].tolist() == list(found.places)
    assert model.asked < 50


async def test_what_is_taken_is_asked_about_at_once_and_nothing_not_at_all():
    model = Model(FailureKind.REJECTED)
    assert (await embeddable(["1", "2"], model)).places == (0, 1)
    none = await embeddable([], model)
    assert (none.places, none.vectors.shape, model.asked) == ((), (0, 0), 1)


async def test_texts_that_are_all_too_long_are_no_failure():
    found = await embeddable(["bad", "bad"], Model(FailureKind.TOO_LONG))
    assert (found.places, found.vectors.shape) == ((), (0, 0))


@pytest.mark.parametrize("kind", [FailureKind.REJECTED, FailureKind.REFUSED, FailureKind.UNAUTHORIZED])
async def test_where_no_text_is_to_blame_it_is_raised(kind):
    with pytest.raises(CallFailure):
        await embeddable(["bad", "bad"], Model(kind))
