"""What a validation found."""

from typing import Literal

from configs.schema.base import Frozen


class Check(Frozen):
    """One expectation on one dataset."""

    dataset: str
    expectation: str
    """Great Expectations' name of it, and its column."""
    passed: bool
    severity: Literal["critical", "warning"]
    message: str
    """What is expected, and where it is not met by how many rows."""
    rows: tuple[str, ...] = ()
    """Ids of the first 20 rows that do not meet it."""


class ValidationReport(Frozen):
    """Every check on an app's datasets."""

    datasets: dict[str, str]
    """Digest of each dataset by its name."""
    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        """True where no critical check failed; a warning stops nothing."""
        return not self.failures

    @property
    def failures(self) -> tuple[Check, ...]:
        """The critical checks that failed."""
        return tuple(check for check in self.checks if not check.passed and check.severity == "critical")

    @property
    def warnings(self) -> tuple[Check, ...]:
        """The checks that failed and stop nothing."""
        return tuple(check for check in self.checks if not check.passed and check.severity == "warning")
