"""Whether there is room for one more request: what would only wait is turned away before memory grows."""

from collections.abc import Iterator
from contextlib import contextmanager

from tasks.serving.protocol import ProtocolError

_AGAIN_AFTER_S = 1


class Admission:
    """Counts the requests under way.

    Args:
        most: so many at once.

    Attributes:
        under_way: requests that are being answered.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self.under_way = 0

    @property
    def full(self) -> bool:
        """Whether the next request would be turned away."""
        return self.under_way >= self._most

    @contextmanager
    def admitted(self, *, always: bool = False) -> Iterator[None]:
        """Holds one place.

        Args:
            always: for what must get through however many wait, such as the test of a release.

        Raises:
            ProtocolError: 429; there is none.
        """
        if self.full and not always:
            message = f"{self._most} requests are under way, as many as are answered at once; try again"
            raise ProtocolError(429, message, "overloaded", headers={"retry-after": str(_AGAIN_AFTER_S)})
        self.under_way += 1
        try:
            yield
        finally:
            self.under_way -= 1
