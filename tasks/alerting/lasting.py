"""Whether what is wrong has been so for long enough to be told, or has been gone for long enough to be over."""


class Lasting:
    """Whether something has held for so long that it is worth a word, or has been gone for so long that it is over.

    Args:
        after_s: seconds after which it is.
        over_s: seconds after which it is over.
    """

    def __init__(self, after_s: float, over_s: float) -> None:
        self._after_s, self._over_s = after_s, over_s
        self._held: bool | None = None
        self._since = 0.0

    def state(self, holds: bool, at: float) -> bool | None:
        """Returns True where it is worth a word, False where it is over, None where that cannot be said yet.

        Args:
            holds: whether it holds now.
            at: seconds of a clock that never goes back.
        """
        if holds != self._held:
            self._held, self._since = holds, at
        if at - self._since < (self._after_s if holds else self._over_s):
            return None
        return holds
