"""A function, a service and answers of the user's: each is evaluated, gated, released and watched as a prompt is."""

import inspect
import json
import re
import shutil
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from benchmarks.ports import free_ports, stack_ports

pytestmark = [pytest.mark.stack, pytest.mark.timeout(600)]

TURNS = [
    {
        "id": "t01",
        "messages": [
            {"role": "user", "content": "I am looking at item 07."},
            {"role": "assistant", "content": "A good choice."},
            {"role": "user", "content": "And what does it weigh?"},
        ],
    },
    {
        "id": "t02",
        "messages": [
            {"role": "user", "content": "물건 07을 보고 있어요."},
            {"role": "assistant", "content": "좋은 선택입니다."},
            {"role": "user", "content": "그것의 무게는 얼마인가요?"},
        ],
    },
]
"""The same question in two languages; only the turns before it say which item is meant."""


def answer(messages):
    """What the user's application answers: a function, a service and a file all give the same."""
    said = " ".join(message["content"] for message in messages)
    number = int(re.search(r"[0-9]+", said).group())
    if "hard" in said:
        return {"answer": "It is 42. [D01]", "context": [{"id": "D01", "text": "42"}]}
    text = f"Item {number:02} weighs {100 + number} grams."
    return {"answer": f"{text} [D{number:02}]", "context": [{"id": f"D{number:02}", "text": text}]}


CODE = f"import re\n\n\n{inspect.getsource(answer)}"


def _copy(shop, folder, name, target):
    """Copies the shop as an app of the user's own: another target, rows of several turns beside those of one."""
    shutil.copytree(shop, folder)
    app = yaml.safe_load((folder / "app.yaml").read_text(encoding="utf-8"))
    for key in ("prompts", "models", "retrieval", "augment"):
        del app[key]
    del app["explore"]["hypothesis"]
    app.update(name=name, target=target)
    app["datasets"]["columns"]["messages"] = "messages"
    (folder / "app.yaml").write_text(yaml.safe_dump(app, sort_keys=False), encoding="utf-8")
    label = {
        "reference": "Item 07 weighs 107 grams. [D07]",
        "fact": "107 grams",
        "documents": ["D07"],
        "answerable": True,
        "kind": "easy",
    }
    with (folder / "data/sample.jsonl").open("a", encoding="utf-8") as file:
        file.writelines(json.dumps({**row, **label, "cluster": row["id"]}, ensure_ascii=False) + "\n" for row in TURNS)
    return folder


def _rows(folder, *names):
    return [
        json.loads(line)
        for name in names
        for line in (folder / f"data/{name}.jsonl").read_text(encoding="utf-8").splitlines()
    ]


def _turns(row):
    return row.get("messages") or [{"role": "user", "content": row["question"]}]


@contextmanager
def service(asked):
    """A service of the user's; appends each body that is posted to `asked`."""

    class Answering(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            asked.append(body)
            reply = json.dumps({"result": answer(body["messages"])}, ensure_ascii=False).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(reply)))
            self.end_headers()
            self.wfile.write(reply)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/ask"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def run(lifecycle):
    """Runs a stage; returns its exit status, its document and what it said beside."""

    def run(stage, folder, *arguments, **environment):
        done = lifecycle("run", stage, "--app", str(folder), "--json", *arguments, **environment)
        assert "Traceback" not in done.stderr
        assert done.stdout, done.stderr
        return done.returncode, json.loads(done.stdout), " ".join(done.stderr.split())

    return run


@pytest.fixture
def own_endpoint(stack, tmp_path):
    """Environment with Prefect and MLflow of the session's stack, and an endpoint of the test's own."""
    return {
        "LIFECYCLE_HOME": str(tmp_path / "home"),
        "LIFECYCLE_PREFECT_URL": f"http://127.0.0.1:{stack['LIFECYCLE_PREFECT_PORT']}/api",
        "LIFECYCLE_MLFLOW_URL": f"http://127.0.0.1:{stack['LIFECYCLE_MLFLOW_PORT']}",
        "LIFECYCLE_ENDPOINT_PORT": str(free_ports(1)[0]),
    }


def test_a_function_goes_round_the_loop_with_nothing_up_before_and_after(lifecycle, run, shop, tmp_path):
    target = {"kind": "python", "callable": "answering.py:answer"}
    folder = _copy(shop, tmp_path / "app", "shop-python", target)
    (folder / "answering.py").write_text(CODE, encoding="utf-8")
    alone = {**stack_ports(), "LIFECYCLE_HOME": str(tmp_path / "home"), "LIFECYCLE_APP": str(folder)}

    status, document, _ = run("loop", folder, anew=True, **alone)

    assert (status, document["end"]) == (0, "satisfied")
    assert [(v["gate"], v["verdict"]) for v in document["verdicts"]] == [("sample", "PASS"), ("release", "PASS")]
    assert document["serving"] == {"made": 10, "failed": 0, "reused": 0}
    assert document["monitored"]["judged"]
    parts = json.loads(lifecycle("status", "--json", **alone).stdout)
    assert {part["state"] for part in parts} == {"stopped"}
    assert "nothing was up" in lifecycle("down", **alone).stderr


def test_a_function_that_became_worse_is_refused_and_is_the_users_to_change(run, shop, tmp_path, own_endpoint):
    target = {"kind": "python", "callable": "answering.py:answer"}
    folder = _copy(shop, tmp_path / "app", "shop-worse", target)
    (folder / "answering.py").write_text(CODE, encoding="utf-8")
    own_endpoint["LIFECYCLE_APP"] = str(folder)
    _, first, _ = run("loop", folder, **own_endpoint)

    (folder / "answering.py").write_text(CODE.replace("grams", "kilos"), encoding="utf-8")
    status, document, said = run("loop", folder, **own_endpoint)

    assert (status, document["end"]) == (3, "bound reached")
    assert document["champion"] == first["champion"]
    assert document["arrows"][-1]["to"] == "augment"
    assert "a target of kind `python` is yours to change: change it and run again" in said
    _, fresh, said = run("evaluate", folder, "--fresh", **own_endpoint)
    assert fresh["champion"] == first["champion"]
    assert "the champion is not asked: candidate" in said
    assert "compared with epoch first of the champion" in said
    assert "its file has changed since it was made; restore it, or evaluate what is there now" in said


def test_a_service_is_asked_whole_conversations_and_served_by_the_endpoint(run, shop, tmp_path, own_endpoint):
    asked = []
    with service(asked) as url:
        target = {"kind": "http", "url": url, "answer": "result.answer", "retries": 0}
        folder = _copy(shop, tmp_path / "app", "shop-http", target)
        own_endpoint["LIFECYCLE_APP"] = str(folder)
        assert run("validate", folder, **own_endpoint)[1]["passed"]
        _, evaluated, _ = run("evaluate", folder, **own_endpoint)
        assert evaluated["verdict"] == "PASS"
        assert [body["messages"] for body in asked if body["id"] in ("t01", "t02")] == [
            row["messages"] for row in sorted(TURNS, key=lambda row: [body["id"] for body in asked].index(row["id"]))
        ]
        assert len(asked) == 14
        status, document, _ = run("loop", folder, **own_endpoint)
        assert (status, document["end"]) == (0, "satisfied")
        assert document["serving"] == {"made": 10, "failed": 0, "reused": 0}
        assert document["monitored"]["judged"]
    status, document, said = run("augment", folder, **own_endpoint)
    assert (status, document["candidate"]) == (0, None)
    assert "a target of kind `http` is yours to change" in said


def test_answers_that_exist_are_gated_and_released_without_being_served(run, shop, tmp_path, own_endpoint):
    target = {"kind": "answers", "path": "answers.jsonl"}
    folder = _copy(shop, tmp_path / "app", "shop-answers", target)
    own_endpoint["LIFECYCLE_APP"] = str(folder)

    def write(wrong):
        rows = _rows(folder, "sample", "full")
        answers = [{"id": row["id"], "answer": wrong or answer(_turns(row))["answer"]} for row in rows]
        text = "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in answers)
        (folder / "answers.jsonl").write_text(text, encoding="utf-8")

    write("모릅니다.")
    status, first, said = run("loop", folder, **own_endpoint)
    assert (status, first["end"]) == (3, "bound reached")
    assert "a target of kind `answers` is yours to change" in said
    assert "nothing is played: answers that exist already are not served" in said

    write(None)
    assert run("evaluate", folder, **own_endpoint)[1]["verdict"] == "PASS"
    status, second, _ = run("loop", folder, **own_endpoint)
    assert (status, second["end"]) == (0, "released")
    assert second["champion"] != first["champion"]
    assert second["calls"]["made"] == 0
    log = Path(own_endpoint["LIFECYCLE_HOME"]) / "releases" / "shop-answers.jsonl"
    commits = [entry for entry in map(json.loads, log.read_text().splitlines()) if entry["kind"] == "commit"]
    assert [entry["candidate"] for entry in commits] == [first["champion"], second["champion"]]
