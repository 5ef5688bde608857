"""`POST /shards`: frames in, frames out, the same bits as here."""

from __future__ import annotations

import pytest
from conftest import MARK, PATHS, Server, frame, long_frame, request
from monte_carlo_engine import ENGINE_VERSION, run_shard, shard_frame

HISTORY_PATHS = 512
"""Paths on each weighted history; they follow the result's own."""


@pytest.mark.parametrize(
    ("first_path", "paths"),
    [(0, 1), (0, 20_000), (12_345, 6_789), (PATHS, 3 * HISTORY_PATHS), (PATHS - 100, 100 + HISTORY_PATHS)],
)
def test_an_answer_has_the_bits_that_this_machine_makes(server: Server, first_path: int, paths: int) -> None:
    asked = frame(first_path, paths)
    told = server.post("/shards", asked)
    assert (told.status, told.headers["content-type"]) == (200, "application/octet-stream")
    assert told.headers[MARK] == ENGINE_VERSION
    assert told.body == run_shard(asked)


def test_another_shard_has_other_bits() -> None:
    assert run_shard(frame(0, 100)) != run_shard(frame(100, 100))


@pytest.mark.parametrize("changed", ["cut", "flipped", "empty", "json"])
def test_a_damaged_frame_is_refused_so_that_it_is_sent_again(server: Server, changed: str) -> None:
    whole = frame()
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 4
    body = {"cut": whole[:-1], "flipped": bytes(flipped), "empty": b"", "json": b"{}"}[changed]
    told = server.post("/shards", body)
    assert (told.status, told.json["code"], told.is_ours) == (400, "bad_frame", True)


@pytest.mark.parametrize(("first_path", "paths"), [(0, 0), (PATHS + 1, HISTORY_PATHS), (PATHS * 10, 1), (2**64 - 1, 9)])
def test_a_shard_that_the_plan_has_not_is_refused(server: Server, first_path: int, paths: int) -> None:
    told = server.post("/shards", frame(first_path, paths))
    assert (told.status, told.json["code"], told.is_ours) == (400, "bad_frame", True)


def test_another_engine_is_told_apart(server: Server) -> None:
    import hashlib

    body = bytearray(frame()[:-16])
    # Magic (4), format (1), the version's length (1), the version.
    assert body[6 : 6 + body[5]].decode() == ENGINE_VERSION
    body[6] = ord("~")
    told = server.post("/shards", bytes(body) + hashlib.sha256(body).digest()[:16])
    assert (told.status, told.json["code"], told.is_ours) == (409, "engine_version", True)
    assert "~" in told.json["error"]


def test_what_cannot_be_simulated_names_its_field(server: Server) -> None:
    asked = request(config={"paths": 1_000, "steps": 10, "blockLength": 0.5})
    told = server.post("/shards", shard_frame(asked, first_path=0, paths=1_000, time_left_ms=1_000))
    assert (told.status, told.json["code"], told.is_ours) == (422, "cannot_be_simulated", True)
    assert told.json["field"] == "config.blockLength"


def test_time_that_is_over_is_told(server: Server) -> None:
    told = server.post("/shards", long_frame(seconds=0.3))
    assert (told.status, told.json["code"], told.is_ours) == (504, "deadline", True)


def test_too_large_a_body_is_refused(server: Server) -> None:
    told = server.post("/shards", bytes((32 << 20) + 1))
    assert (told.status, told.json["code"], told.is_ours) == (413, "too_large", True)
