"""The walk through a drift in docs/monitoring.md, typed as it stands there: nobody releases anything in it."""

import httpx
import pytest

pytestmark = [pytest.mark.stack, pytest.mark.timeout(1800)]


def test_the_walk_ends_as_the_page_says(open_walk):
    walk = open_walk("monitoring.md", "A drift that closes the loop by itself", "umbrellas")
    begin, drift, canary, users, _ = walk.blocks
    status, said = walk.type(begin)
    assert status == 0 and said.count("answered by") == 1, said
    before = walk.log.committed()
    status, said = walk.type(drift)
    assert status == 0, said
    status, said = walk.type(canary)
    assert status == 0 and "canary" in said and "abstention_rate" in said, said
    status, said = walk.type(users)
    assert status == 0 and said.count("answered by") == 2 and "watch" in said, said
    assert walk.log.committed().candidate != before.candidate
    runs = httpx.post(f"{walk.prefect}/api/flow_runs/filter", json={}).raise_for_status().json()
    started = {run["name"].partition(" ")[0] for run in runs if (run["created_by"] or {}).get("type") == "AUTOMATION"}
    assert {"augment", "evaluate", "deploy", "harvest"} <= started
