"""What a gate may rely on an app's judges for: what their calibrations say, and nothing where there is none."""

from typing import TYPE_CHECKING

from configs.loading import LoadedApp
from tasks.gating.instrument import Instrument
from tasks.judging.calibration import Calibration
from tasks.judging.judge import judges_of

if TYPE_CHECKING:
    from tasks.results.store import Store


def instruments_of(loaded: LoadedApp, store: "Store") -> dict[str, Instrument]:
    """Returns what is known of each judge of an app, by its metric.

    Args:
        loaded: the app.
        store: its results, calibrations among them.

    Raises:
        ConfigurationError: a judge cannot be meant as it is named.
        DataError: a judge's prompt is none, or a calibration is damaged.
    """
    return {judge.name: _instrument(loaded.app.name, judge.name, judge.fitness(store)) for judge in judges_of(loaded)}


def _instrument(app: str, metric: str, calibration: Calibration | None) -> Instrument:
    if calibration is None:
        why = f"judge {metric} was not calibrated in its present version; run `lifecycle run calibrate --app {app}`"
        return Instrument(why, lambda _: 0.0)
    unfit = f"judge {metric} is unfit: {'; '.join(calibration.unfit)}" if calibration.unfit else ""
    return Instrument(unfit, calibration.noise.smallest_difference)
