"""What a person sees in Prefect's UI: every stage of the sample app as a deployment with a form.

The whole of it is committed in `deployments.json`. After a change that is meant, renew the file with
`RENEW_DEPLOYMENTS=1 pytest tests/pipelines/test_deployments.py` and read its difference.
"""

import json
import os
from pathlib import Path

import pytest

from configs.settings import settings
from pipelines.deployments import deployments, stages

COMMITTED = Path(__file__).with_name("deployments.json")


@pytest.fixture(scope="module")
def schemas():
    """Every parameter of every stage, as (stage, parameter, its schema)."""
    from prefect.utilities.callables import parameter_schema

    return [
        (stage, name, schema)
        for stage, flow in stages().items()
        for name, schema in parameter_schema(flow).properties.items()
    ]


@pytest.fixture
def sample_app(monkeypatch, tmp_path):
    """The sample app is the one that is served."""
    monkeypatch.setenv("LIFECYCLE_APP", "outfitter")
    monkeypatch.setenv("LIFECYCLE_HOME", str(tmp_path))
    settings.cache_clear()
    yield
    settings.cache_clear()


async def test_the_sample_app_is_deployed_as_committed(sample_app):
    found = {f"{each.flow_name}/{each.name}": _shown(each) for each in await deployments()}
    if os.environ.get("RENEW_DEPLOYMENTS"):
        COMMITTED.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")

    committed = json.loads(COMMITTED.read_text(encoding="utf-8"))
    assert found == committed, (
        "the deployments differ from tests/pipelines/deployments.json; where the change is meant, renew the file: "
        "RENEW_DEPLOYMENTS=1 pytest tests/pipelines/test_deployments.py"
    )


def test_every_parameter_says_what_it_is(schemas):
    silent = [f"{stage}.{name}" for stage, name, schema in schemas if not schema.get("description", "").strip()]
    assert silent == []


def test_every_parameter_has_a_default(schemas):
    assert [f"{stage}.{name}" for stage, name, schema in schemas if "default" not in schema] == []


def test_choices_are_drop_downs(schemas):
    choices = {
        name: kind["enum"] for _, name, schema in schemas for kind in _kinds(schema) if name in {"data", "epoch"}
    }
    assert choices == {"data": ["sample", "full", "redteam", "production"], "epoch": ["current", "new"]}


def test_numbers_have_bounds(schemas):
    numbers = [
        (f"{stage}.{name}", kind)
        for stage, name, schema in schemas
        for kind in _kinds(schema)
        if kind.get("type") in {"integer", "number"}
    ]
    assert numbers
    assert [name for name, kind in numbers if not {"minimum", "exclusiveMinimum"} & kind.keys()] == []


def test_candidates_are_named_or_digests(schemas):
    patterns = {schema.get("pattern") for _, name, schema in schemas if name in {"candidate", "against"}}
    assert patterns == {"^(latest|best|champion|[0-9a-f]{4,16})$"}


def _kinds(schema):
    """The kinds of value that a parameter takes; more than one where it may be empty."""
    return schema.get("anyOf", [schema])


def _shown(deployment):
    return {
        "description": deployment.description,
        "tags": list(deployment.tags),
        "parameters": deployment.parameters,
        "schedules": [
            {
                "slug": each.slug,
                "cron": each.schedule.cron,
                "timezone": each.schedule.timezone,
                "parameters": each.parameters,
            }
            for each in deployment.schedules or ()
        ],
        "form": deployment._parameter_openapi_schema.model_dump(mode="json"),
    }
