"""Too much at once, callers that go away, replicas that die."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException

import pytest
from conftest import Server, Told, frame, long_frame, until
from monte_carlo_engine import run_shard
from processes import is_idle, is_simulating, replicas

FREED_S = 3.0
"""A second, and what a busy machine adds to it; the shard would take minutes."""


def many(calls: int, characters: int = 1) -> bytes:
    return json.dumps({"calls": ["c" * characters] * calls}).encode()


def test_more_than_may_wait_are_told_to_come_back(server: Server) -> None:
    asked = frame(0, 400_000)
    with ThreadPoolExecutor(40) as callers:
        told = list(callers.map(lambda _: server.post("/shards", asked), range(40)))
    good = [answer for answer in told if answer.status == 200]
    busy = [answer for answer in told if answer.status == 429]
    assert len(good) + len(busy) == 40, {answer.status for answer in told}
    assert good, "all were refused"
    assert busy, "none was refused"
    assert {answer.headers["retry-after"] for answer in busy} == {"1"}
    assert {answer.json["code"] for answer in busy} == {"busy"}
    assert {answer.body for answer in good} == {run_shard(asked)}
    until(lambda: server.post("/shards", asked).status == 200)


def test_a_caller_that_goes_away_frees_its_core_soon(server: Server) -> None:
    until(is_idle)
    connection = server.connect()
    connection.request("POST", "/shards", long_frame())
    until(is_simulating)
    connection.close()
    assert until(is_idle) < FREED_S


def cancel(server: Server, *calls: str) -> int:
    told = server.post("/shards/cancel", json.dumps({"calls": calls}).encode())
    assert (told.status, told.is_ours) == (200, True), told.body
    return told.json["cancelled"]


def test_a_call_is_ended_by_its_id_though_its_caller_stays(server: Server) -> None:
    until(is_idle)
    call = str(uuid.uuid4())
    with ThreadPoolExecutor(1) as callers:
        told = callers.submit(server.post, "/shards", long_frame(), {"x-request-id": call})
        until(is_simulating)
        assert cancel(server, str(uuid.uuid4()), call) == 1
        assert until(is_idle) < FREED_S
        answer = told.result()
    assert (answer.status, answer.json["code"], answer.is_ours) == (499, "cancelled", True)
    assert cancel(server, call) == 0, "it has ended"


def test_calls_that_still_wait_for_a_core_are_ended_too(server: Server) -> None:
    until(is_idle)
    ids = [str(uuid.uuid4()) for _ in range(12)]
    with ThreadPoolExecutor(len(ids)) as callers:
        told = callers.map(lambda call: server.post("/shards", long_frame(), {"x-request-id": call}), ids)
        until(is_simulating)
        until(lambda: cancel(server, *ids) == 0)
        assert until(is_idle) < FREED_S
        assert {answer.status for answer in told} == {499}


def test_a_call_that_comes_after_its_end_does_not_begin(server: Server) -> None:
    call = str(uuid.uuid4())
    assert cancel(server, call) == 0
    began = time.monotonic()
    told = server.post("/shards", long_frame(), {"x-request-id": call})
    assert (told.status, told.json["code"]) == (499, "cancelled")
    assert time.monotonic() - began < FREED_S


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"calls": "one"}', b'{"calls": [1]}', b'{"calls": [""]}', many(257), many(1, 65)]
)
def test_what_names_no_calls_is_refused(server: Server, body: bytes) -> None:
    told = server.post("/shards/cancel", body)
    assert (told.status, told.json["code"], told.json["field"]) == (400, "invalid_request", "calls")


def test_a_time_out_frees_its_core_soon(server: Server) -> None:
    until(is_idle)
    told = server.post("/shards", long_frame(), {"x-request-timeout-seconds": "1"})
    assert (told.status, told.is_ours) == (408, False), "Serve says this, and not as we would"
    assert until(is_idle) < FREED_S


def test_a_replica_that_dies_loses_its_request_alone(server: Server) -> None:
    until(is_idle)
    lost: list[Told | HTTPException | OSError] = []

    def call() -> None:
        try:
            lost.append(server.post("/shards", long_frame()))
        except (HTTPException, OSError) as fault:
            lost.append(fault)

    caller = threading.Thread(target=call)
    caller.start()
    until(is_simulating)
    for pid in replicas():
        os.kill(pid, signal.SIGKILL)
    caller.join()
    (answer,) = lost
    assert not isinstance(answer, Told) or (answer.status >= 500 and not answer.is_ours)
    assert server.get("/health").status == 200
    asked = frame()
    until(lambda: server.post("/shards", asked).status == 200)
    assert server.post("/shards", asked).body == run_shard(asked)
    until(lambda: server.get("/health").json["replicas"] >= 1)
