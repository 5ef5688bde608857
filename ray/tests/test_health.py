"""`GET /health`, and paths that there are none of."""

from __future__ import annotations

import statistics
import threading
import time

import pytest
from conftest import MARK, Server, long_frame
from monte_carlo_engine import ENGINE_VERSION, PROTOCOL


def test_says_who_answers_and_what_it_speaks(server: Server) -> None:
    told = server.get("/health")
    assert (told.status, told.headers["content-type"]) == (200, "application/json")
    assert told.headers[MARK] == ENGINE_VERSION
    replicas = told.json.pop("replicas")
    assert told.json == {
        "status": "healthy",
        "engine": ENGINE_VERSION,
        "protocols": [PROTOCOL],
        "replicas": replicas,
    }
    assert replicas >= 1


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/", 404, "not_found"),
        ("POST", "/shard", 404, "not_found"),
        ("GET", "/shards", 405, "method_not_allowed"),
        ("POST", "/health", 405, "method_not_allowed"),
    ],
)
def test_other_paths_and_methods_are_refused(server: Server, method: str, path: str, status: int, code: str) -> None:
    told = server.ask(method, path)
    assert (told.status, told.json["code"], told.is_ours) == (status, code, True)


def test_answers_at_once_while_every_core_simulates(server: Server) -> None:
    busy = [threading.Thread(target=server.post, args=("/shards", long_frame(seconds=3))) for _ in range(4)]
    for thread in busy:
        thread.start()
    waited = []
    while any(thread.is_alive() for thread in busy):
        asked = time.monotonic()
        assert server.get("/health").status == 200
        waited.append(time.monotonic() - asked)
    assert sum(waited) > 2.0, "nothing kept the cores busy"
    # Behind simulations it would wait for seconds each time; on a machine that is busy otherwise, now and then.
    assert statistics.median(waited) < 0.5, waited
