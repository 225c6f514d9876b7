"""A calibration: what one version of a judge is worth beside people, and where that is kept."""

import json
from typing import TYPE_CHECKING

from pydantic import ValidationError

from configs.errors import DataError
from configs.schema.base import Frozen
from tasks.statistics.agreement import Agreement
from tasks.statistics.estimate import Estimate
from tasks.statistics.rerun_noise import RerunNoise
from tasks.writing import write_whole

if TYPE_CHECKING:
    from tasks.results.store import Store

_FOLDER = "calibrations"
_LEAST_COVERAGE = 0.9


class Calibration(Frozen):
    """How a judge compares with people on labelled answers, with itself, and with itself where order or length change.

    Of exactly one version of the judge: another prompt, scale, model or parameter is another judge, and unfit.
    """

    metric: str
    """Name of the metric."""
    version: str
    """Version of the judge; also its metric's."""
    model: str
    """Name of the judge's model."""
    endpoint: str
    """What that name stood for."""
    epoch: str
    """Round of asking."""
    labels: int
    """Answers with a label that were used."""
    coverage: float
    """Share of them that the judge could rate; of the others it gave no readable score, or did not answer."""
    agreement: Agreement
    """With people."""
    noise: RerunNoise
    """Of the judge's own reruns; what a gate may claim is never less."""
    position: Estimate | None = None
    """What changes where the order of the texts does, in points of the scale: of a pairwise judge, what the first place
    gains; of another, score with the answer in the other place − score. None where its prompt fixes the order."""
    disagreement: Estimate | None = None
    """Of a pairwise judge: share of pairs on which the two orders disagree."""
    length: Estimate | None = None
    """Points that the judge adds for each doubling of the length, at the same human label; None where that cannot be
    told. Of a pairwise judge: how much it prefers an answer with filler behind it to the same one without."""
    people: Estimate | None = None
    """People's mean over all stored answers that the judge has rated, by PPI++; None where too few of those that it has
    rated in an evaluation of the present app have labels."""
    gain: float | None = None
    """How many times as many labels people alone would have needed for that interval."""

    @property
    def unfit(self) -> tuple[str, ...]:
        """Why the judge's scores are not to be relied on; () where they may be."""
        found, reasons = self.agreement, []
        if found.low <= 0:
            reasons.append(
                f"its agreement with people may be no better than chance (kappa {found.kappa:.2f}, "
                f"interval [{found.low:.2f}, {found.high:.2f}])"
            )
        if found.error >= found.constant_error:
            reasons.append(
                f"always saying the labels' mean would be as close to people: off by {found.constant_error:.2f}, "
                f"the judge by {found.error:.2f}"
            )
        if self.coverage < _LEAST_COVERAGE:
            reasons.append(f"it gave a readable score for {self.coverage:.0%} of the answers only")
        return tuple(reasons)

    @property
    def fit(self) -> bool:
        """True where it agrees with people beyond chance, beats a constant, and can be read."""
        return not self.unfit

    @property
    def biases(self) -> tuple[str, ...]:
        """What it is certainly biased by, in words."""
        named = {"the order of the texts": self.position, "the length of the answer": self.length}
        return tuple(
            f"{what} moves its score by {bias.value:+.2f} [{bias.low:+.2f}, {bias.high:+.2f}]"
            for what, bias in named.items()
            if bias is not None and bias.low is not None and bias.high is not None and (bias.low > 0 or bias.high < 0)
        )


def fitness(store: "Store", version: str) -> Calibration | None:
    """Returns the calibration of exactly this version of a judge, None where there is none.

    Args:
        store: the app's results.
        version: the judge's, which is its metric's.

    Raises:
        DataError: its file is damaged.
    """
    file = store.folder / _FOLDER / f"{version}.json"
    if not file.is_file():
        return None
    try:
        return Calibration.model_validate_json(file.read_bytes())
    except ValidationError:
        raise DataError(f"{file}: is damaged; delete it and run calibrate again") from None


def save_calibration(store: "Store", calibration: Calibration) -> None:
    """Keeps a calibration; the one of the same version before it goes.

    Raises:
        DataError: the disk is full or refuses to be written.
    """
    content = json.dumps(calibration.model_dump(mode="json"), ensure_ascii=False, indent=1)
    write_whole(store.folder / _FOLDER / f"{calibration.version}.json", content.encode())
