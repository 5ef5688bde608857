"""`POST /simulate`: what old callers send, and the service's own words."""

from __future__ import annotations

import json

import pytest
from conftest import MARK, Server, request
from monte_carlo_engine import ENGINE_VERSION, simulate_json

SHORT = {"paths": 2_000, "steps": 20, "historyReplicates": 40}


def test_answers_the_result_that_this_machine_makes(server: Server) -> None:
    asked = request(config=SHORT)
    told = server.post("/simulate", asked)
    assert (told.status, told.headers["content-type"], told.headers[MARK]) == (200, "application/json", ENGINE_VERSION)
    here = json.loads(simulate_json(asked))
    assert told.json["resultDigest"] == here["resultDigest"]
    assert (told.json["executedOn"], here["executedOn"]) == ("ray", "python")
    assert told.json["pathsSimulated"] == 2_000


@pytest.mark.parametrize("trade_history", ["tradeHistory", "trade_history"])
@pytest.mark.parametrize("pnl_data", ["pnlData", "pnl_data"])
def test_both_dialects_give_one_result(server: Server, trade_history: str, pnl_data: str) -> None:
    said = json.loads(request(config=SHORT))
    said[trade_history], said[pnl_data] = said.pop("tradeHistory"), said.pop("pnlData")
    told = server.post("/simulate", json.dumps({**said, "unknown": {"to": "us"}}).encode())
    assert told.status == 200, told.body
    assert told.json["resultDigest"] == json.loads(simulate_json(request(config=SHORT)))["resultDigest"]


def test_an_old_call_is_answered_in_both_dialects(server: Server) -> None:
    said = json.loads(request())
    old = {"tradeHistory": said["tradeHistory"][:2], "pnlData": said["pnlData"]}
    told = server.post("/simulate", json.dumps(old).encode())
    result = told.json
    assert told.status == 200, told.body
    assert result["pathsSimulated"] == 1_000_000
    assert result["currentBalance"] == said["pnlData"]["balance"]
    assert result["tradesAnalyzed"] == 2
    risk, intervals = result["riskMetrics"], result["confidenceIntervals"]
    assert (risk["valueAtRisk95"], risk["expectedShortfall"]) == (risk["var95"], risk["cvar95"])
    assert intervals["return99Upper"] == intervals["ci99Upper"]
    assert {"variance", "standardDeviation", "simulationTimeSeconds", "peakBalance"} <= result.keys()
    assert any("neither an assessment nor a funded account" in said for said in result["assumptions"])


def test_the_account_s_own_words_are_heard(server: Server) -> None:
    def result(**more: object) -> dict:
        told = server.post("/simulate", request(config=SHORT, **more))
        assert told.status == 200, told.body
        return told.json

    plain = result()
    assert result(startingBalance=30_000)["resultDigest"] != plain["resultDigest"]
    assert result(starting_balance=30_000)["resultDigest"] == result(startingBalance=30_000)["resultDigest"]
    assert result(totalWithdrawals=90)["resultDigest"] != plain["resultDigest"]
    assert result(tier={"profitSplit": 0.5})["resultDigest"] != plain["resultDigest"]
    said = json.loads(request(config=SHORT))
    del said["fundedAccountId"]
    passed = server.post("/simulate", json.dumps({**said, "assessment_id": "a-1"}).encode())
    assert passed.json["seed"] != plain["seed"]


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (b"", "EOF"),
        (b"{", "EOF"),
        (b" []", "object"),
        (b"{}", "tradeHistory"),
        (request(config={"pathz": 1}), "pathz"),
        (request(assessmentId="a", config=SHORT), "assessmentId"),
    ],
)
def test_what_is_no_request_is_refused(server: Server, body: bytes, word: str) -> None:
    told = server.post("/simulate", body)
    assert (told.status, told.json["code"], told.is_ours) == (400, "invalid_request", True)
    assert word in told.json["error"]


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"config": {"paths": 0}}, "config.paths"),
        ({"tradeHistory": []}, "inputData.tradeHistory"),
        ({"startingBalance": -1}, "inputData.startingBalance"),
    ],
)
def test_what_cannot_be_simulated_names_its_field(server: Server, more: dict, field: str) -> None:
    told = server.post("/simulate", request(**more))
    assert (told.status, told.json["code"], told.json["field"]) == (422, "cannot_be_simulated", field)
    assert told.is_ours


def test_the_caller_s_time_is_kept(server: Server) -> None:
    asked = request(config={"paths": 100_000_000, "steps": 5_000})
    told = server.post("/simulate", asked, {"x-request-timeout-seconds": "0.5"})
    # By Serve, or a moment before by us.
    assert told.status in (408, 504)


def test_it_ends_when_a_figure_is_sure_enough(server: Server) -> None:
    tolerance = {"metric": "meanReturn", "standardError": 2e-5, "maxPaths": 5_000_000}
    asked = request(config={"steps": 20, "historyReplicates": 40, "tolerance": tolerance})
    told = server.post("/simulate", asked)
    assert told.status == 200, told.body
    assert 5_000 < told.json["pathsSimulated"] < 5_000_000
    assert told.json["resultDigest"] == json.loads(simulate_json(asked, threads=3))["resultDigest"]
