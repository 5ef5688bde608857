"""The server that TEST_RAY_URL names, and how to talk to it. `./test ray` starts one."""

from __future__ import annotations

import http.client
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest
from monte_carlo_engine import shard_frame

BOUND_S = 60
"""Ends what hangs; nothing here takes nearly as long."""

MARK = "x-monte-carlo-engine"


@dataclass(frozen=True)
class Told:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def is_ours(self) -> bool:
        return MARK in self.headers


@dataclass(frozen=True)
class Server:
    host: str
    port: int

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self.host, self.port, timeout=BOUND_S)

    def ask(self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> Told:
        connection = self.connect()
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            names = {name.lower(): value for name, value in answer.getheaders()}
            return Told(answer.status, names, answer.read())
        finally:
            connection.close()

    def get(self, path: str) -> Told:
        return self.ask("GET", path)

    def post(self, path: str, body: bytes, headers: dict[str, str] | None = None) -> Told:
        return self.ask("POST", path, body, headers)


@pytest.fixture(scope="session")
def server() -> Server:
    url = urlsplit(os.environ["TEST_RAY_URL"])
    assert url.hostname is not None
    assert url.port is not None
    return Server(url.hostname, url.port)


def request(**more: Any) -> bytes:
    """A history of 120 trades, and what `more` says of the account and the configuration."""
    pnls = [(n * 7919 % 401) - 190 for n in range(120)]
    trades = [
        {"id": f"t{n}", "type": "close", "pnl": pnl, "timestamp": 1_767_225_600_000 + n * 20_000_000}
        for n, pnl in enumerate(pnls)
    ]
    balance = 50_000 + sum(pnls)
    pnl_data = {"balance": balance, "peak": balance + 500, "realized": sum(pnls), "unrealized": 0}
    return json.dumps({"fundedAccountId": "f-1", "tradeHistory": trades, "pnlData": pnl_data, **more}).encode()


PATHS = 400_000
"""Of the plan that tests take shards of."""

STEPS = 50


def frame(first_path: int = 0, paths: int = 20_000, seconds: float = BOUND_S) -> bytes:
    """A request for a shard; 20,000 paths take some ten milliseconds."""
    asked = request(config={"paths": PATHS, "steps": STEPS, "historyReplicates": 40})
    return shard_frame(asked, first_path=first_path, paths=paths, time_left_ms=int(seconds * 1_000))


def long_frame(seconds: float = BOUND_S) -> bytes:
    """A request for a shard that takes minutes."""
    asked = request(config={"paths": 100_000_000, "steps": 5_000})
    return shard_frame(asked, first_path=0, paths=100_000_000, time_left_ms=int(seconds * 1_000))


def until(what: Callable[[], bool], within_s: float = BOUND_S) -> float:
    """Waits until it is so; says how long that took."""
    began = time.monotonic()
    while not what():
        assert time.monotonic() - began < within_s, "it did not come about"
        time.sleep(0.02)
    return time.monotonic() - began
