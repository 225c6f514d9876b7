import os
import socket
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from configs.errors import StackError
from infra.stack.health import check_ports, healthy
from infra.stack.parts import parts


@pytest.fixture
def server(fresh_settings):
    """A small server on the port of MLflow, whose health check answers as the test says."""
    answers = {"status": 200}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(answers["status"])
            self.end_headers()

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", fresh_settings.mlflow_port), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield answers
        server.shutdown()
        thread.join()


def test_free_ports_are_no_error(fresh_settings):
    check_ports(parts())


def test_a_busy_port_names_the_port_its_setting_and_who_holds_it(fresh_settings):
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", fresh_settings.mlflow_port))
        holder.listen()
        with pytest.raises(StackError) as error:
            check_ports(parts())
    message = str(error.value)
    assert f"port {fresh_settings.mlflow_port} is busy" in message
    assert "LIFECYCLE_MLFLOW_PORT" in message
    assert f"pid {os.getpid()}" in message


def test_a_port_set_twice_names_both_settings(setting, fresh_settings):
    setting("LIFECYCLE_CHAT_PORT", str(fresh_settings.embedding_port))
    with pytest.raises(StackError, match="LIFECYCLE_CHAT_PORT and LIFECYCLE_EMBEDDING_PORT"):
        check_ports(parts())


def test_an_address_of_another_machine_names_the_setting(setting):
    setting("LIFECYCLE_HOST", "192.0.2.1")
    with pytest.raises(StackError, match="LIFECYCLE_HOST"):
        check_ports(parts(["chat"]))


def test_only_parts_that_answer_200_are_healthy(server):
    assert healthy(parts()) == {"mlflow"}
    server["status"] = 503
    assert healthy(parts()) == frozenset()
