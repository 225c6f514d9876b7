"""Derives a Great Expectations suite for each of an app's datasets and applies it."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from configs.loading import LoadedApp
from configs.schema.dataset import Columns
from tasks.data.contract import NEVER_SHARED, Keys, contract_tables, keys_of, required, shared_rows
from tasks.data.report import Check, ValidationReport
from tasks.data.row import Dataset
from tasks.identity import digest
from tasks.writing import write_whole

if TYPE_CHECKING:
    from great_expectations import ExpectationSuite
    from great_expectations.core import ExpectationValidationResult

__all__ = ["ValidationReport", "validate", "validated"]

# Raise it with every change of the suite or of what a check says, or old reports would be found again.
_VERSION = 3

_LONGEST = 100_000
_ROWS_NAMED = 20


def validated(
    loaded: LoadedApp,
    datasets: Sequence[Dataset],
    document_ids: frozenset[str] | None,
    folder: Path,
    training_ids: frozenset[str] | None = None,
) -> ValidationReport:
    """Returns the report of `validate`, which it keeps in `folder` under a digest of all that it depends on.

    Raises:
        DataError: the report cannot be written.
    """
    content = [
        _VERSION,
        [[dataset.name, dataset.digest] for dataset in datasets],
        [None if ids is None else sorted(ids) for ids in (document_ids, training_ids)],
        loaded.app.datasets.columns,
    ]
    path = folder / f"{digest(content)}.json"
    if path.exists():
        return ValidationReport.model_validate_json(path.read_bytes())
    report = validate(loaded, datasets, document_ids, training_ids)
    write_whole(path, report.model_dump_json(indent=1).encode())
    return report


def validate(
    loaded: LoadedApp,
    datasets: Sequence[Dataset],
    document_ids: frozenset[str] | None,
    training_ids: frozenset[str] | None = None,
) -> ValidationReport:
    """Checks datasets against the contract that the app's configuration implies.

    Critical: the columns of all roles, at least one row, unique ids, questions neither empty nor endless, known roles
    with the user's message last, supporting documents that exist, no row shared between sample, full, examples and
    train. Warnings: questions far longer than the others, a question asked twice, rows not marked answerable or not,
    and those whose mark contradicts their documents.

    Args:
        loaded: the app.
        datasets: its datasets as they were read.
        document_ids: ids of all its documents; None where it has none.
        training_ids: ids of the documents that the training rows are about; the same where None.
    """
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    import great_expectations as gx

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    source = context.data_sources.add_pandas("datasets")
    keys = [keys_of(dataset) for dataset in datasets]
    shared = shared_rows(datasets, keys)
    checks: list[Check] = []
    for dataset, own in zip(datasets, keys, strict=True):
        known = training_ids if dataset.split == "train" and training_ids is not None else document_ids
        batches = source.add_dataframe_asset(dataset.name).add_batch_definition_whole_dataframe("all")
        suite = _suite(dataset, own, loaded.app.datasets.columns, referential=known is not None)
        parts = []
        for table in contract_tables(dataset, own, shared[dataset.name], known):
            result = batches.get_batch({"dataframe": table}).validate(
                suite, result_format={"result_format": "SUMMARY", "unexpected_index_column_names": ["row.id"]}
            )
            parts.append(result.results)
        checks += [_check(dataset, each) for each in zip(*parts, strict=True)]
    return ValidationReport(datasets={dataset.name: dataset.digest for dataset in datasets}, checks=tuple(checks))


def _suite(dataset: Dataset, keys: Keys, columns: Columns, *, referential: bool) -> "ExpectationSuite":
    import great_expectations as gx
    import great_expectations.expectations as gxe

    def says(text: str) -> dict[str, str]:
        return {"says": text}

    usual = max(1_000, 10 * keys.usual_length)
    needed = required(dataset, columns)
    expectations: list[Any] = [
        gxe.ExpectTableColumnsToMatchSet(
            column_set=needed, exact_match=False, meta=says(f"columns {', '.join(needed)} are there")
        ),
        gxe.ExpectTableRowCountToBeBetween(min_value=1, meta=says("there is at least one row")),
        gxe.ExpectColumnValuesToBeUnique(column="row.id", meta=says("ids are unique")),
        gxe.ExpectColumnValuesToMatchRegex(column="row.id", regex=r"\S", meta=says("ids are not empty")),
        gxe.ExpectColumnValuesToMatchRegex(
            column="row.conversation", regex=r"\S", meta=says("questions are not empty")
        ),
        gxe.ExpectColumnValuesToBeBetween(
            column="row.length", max_value=_LONGEST, meta=says(f"questions have at most {_LONGEST:,} characters")
        ),
        gxe.ExpectColumnValuesToBeBetween(
            column="row.length",
            max_value=usual,
            severity="warning",
            meta=says(f"questions have at most {usual:,} characters, ten times the median"),
        ),
        gxe.ExpectColumnValuesToMatchRegex(
            column="row.roles",
            regex=r"^(?:(?:system|user|assistant|tool) )*user$",
            meta=says("roles are system, user, assistant or tool, the last the user's"),
        ),
        # Within a table alone uniqueness would say nothing of a dataset of several.
        gxe.ExpectColumnValuesToBeInSet(
            column="row.repeated", value_set=[""], severity="warning", meta=says("no question comes twice")
        ),
    ]
    if dataset.split in NEVER_SHARED:
        expectations.append(
            gxe.ExpectColumnValuesToBeInSet(
                column="row.shared",
                value_set=[""],
                meta=says("no row is shared between sample, full, examples and train"),
            )
        )
    if referential:
        expectations.append(
            gxe.ExpectColumnValuesToBeInSet(
                column="row.unknown_documents", value_set=[""], meta=says("supporting documents exist")
            )
        )
    if columns.answerable in needed:
        expectations += [
            gxe.ExpectColumnValuesToBeInSet(
                column="row.answerable", value_set=[True, False], meta=says("answerable is true or false")
            ),
            gxe.ExpectColumnValuesToNotBeNull(
                column="row.answerable", severity="warning", meta=says("every row is marked answerable or not")
            ),
        ]
    if columns.answerable in needed and columns.documents in needed:
        expectations.append(
            gxe.ExpectColumnValuesToBeInSet(
                column="row.contradiction",
                value_set=[""],
                severity="warning",
                meta=says("answerable rows have supporting documents, unanswerable ones none"),
            )
        )
    return gx.ExpectationSuite(dataset.name, expectations=expectations)


def _check(dataset: Dataset, parts: "Sequence[ExpectationValidationResult]") -> Check:
    """Returns what one expectation found in all parts of a dataset."""
    expectation = parts[0].expectation_config
    column = expectation.kwargs.get("column")
    says = expectation.meta["says"]
    failed = [part.result for part in parts if not part.success]
    ids = (index["row.id"] for found in failed for index in found.get("partial_unexpected_index_list") or ())
    rows = tuple(dict.fromkeys(map(str, ids)))[:_ROWS_NAMED]
    return Check(
        dataset=dataset.name,
        expectation=expectation.type + (f"({column})" if column else ""),
        passed=not failed,
        severity=expectation.severity.value,
        message=f"expected that {says}; {_unmet(dataset, rows, failed)}" if failed else says,
        rows=rows,
    )


def _unmet(dataset: Dataset, rows: tuple[str, ...], failed: Sequence[dict[str, Any]]) -> str:
    first = failed[0]
    if not rows:
        missing = (first.get("details") or {}).get("mismatched", {}).get("missing")
        return f"missing: {', '.join(missing)}" if missing else f"found {first.get('observed_value')}"
    values = [str(value) for value in first.get("partial_unexpected_list") or ()]
    named = ", ".join(rows[:5]) + (", …" if len(rows) > 5 else "")
    shown = f" (the first: {values[0][:80]})" if values and values[0] else ""
    count = sum(found["unexpected_count"] for found in failed)
    return f"not so in {count} of {len(dataset.rows)} rows: {named}{shown}"
