"""Whether a part answers, and whether its port is free."""

import errno
import http.client
import socket
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

import psutil

from configs.errors import StackError
from configs.settings import settings
from infra.stack.parts import Part

_ANSWER_WITHIN_S = 2.0


def healthy(parts: Iterable[Part]) -> frozenset[str]:
    """Asks all parts at once. Returns the names of those that answer that they are ready."""
    asked = tuple(parts)
    if not asked:
        return frozenset()
    with ThreadPoolExecutor(len(asked)) as pool:
        return frozenset(part.name for part, ready in zip(asked, pool.map(_is_ready, asked), strict=True) if ready)


def check_ports(parts: Iterable[Part]) -> None:
    """Checks that each part can listen on its port.

    Raises:
        StackError: it cannot; names the port, its setting and, where it can be known, who holds it.
    """
    setting_of: dict[int, str] = {}
    for part in parts:
        if other := setting_of.get(part.port):
            raise StackError(
                f"port {part.port} is set twice: {other} and {part.port_setting}; set one of them to another port"
            )
        setting_of[part.port] = part.port_setting
        if problem := port_problem(part):
            raise StackError(problem)


def port_problem(part: Part) -> str | None:
    """Returns why the part cannot listen on its port, as one line; None where it can."""
    host = settings().host
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, part.port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return (
                    f"{part.name}: port {part.port} is busy{_holder(part.port)}; "
                    f"free it, or set {part.port_setting} to a free port"
                )
            if error.errno == errno.EACCES:
                return f"{part.name}: port {part.port} needs more rights; set {part.port_setting} to one above 1023"
            return f"{part.name}: cannot listen on {host}:{part.port} ({error.strerror}); mend LIFECYCLE_HOST"
    return None


def _holder(port: int) -> str:
    try:
        connections = psutil.net_connections("inet")
        pid = next(
            (c.pid for c in connections if c.status == psutil.CONN_LISTEN and c.laddr and c.laddr.port == port), None
        )
        return f" (held by {psutil.Process(pid).name()}, pid {pid})" if pid else ""
    except psutil.Error:
        return ""


def _is_ready(part: Part) -> bool:
    host = settings().host
    reach = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 (compared, not listened on)
    connection = http.client.HTTPConnection(reach, part.port, timeout=_ANSWER_WITHIN_S)
    try:
        connection.request("GET", part.health_path)
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
