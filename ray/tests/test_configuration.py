"""What operators deploy is what the code says, and Ray takes every word of it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from monte_carlo_serve.health import Health
from monte_carlo_serve.simulations import Simulations
from ray.serve import Deployment
from ray.serve.config import AutoscalingConfig
from ray.serve.schema import ServeDeploySchema

ROOT = Path(__file__).resolve().parents[2]


def config() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "ray/config.yaml").read_text())


def ray_service() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "k8s/ray/rayservice.yaml").read_text())


def unknown(said: Any, taken: Any, at: str = "") -> list[str]:
    """Keys of `said` that are not in `taken`: Ray passes over those that it does not know."""
    if isinstance(said, dict):
        return [
            path
            for key, value in said.items()
            for path in ([f"{at}.{key}"] if key not in taken else unknown(value, taken[key], f"{at}.{key}"))
        ]
    if isinstance(said, list):
        return [path for one, other in zip(said, taken, strict=True) for path in unknown(one, other, at)]
    return []


def unknown_to_ray(said: dict[str, Any]) -> list[str]:
    taken = ServeDeploySchema.model_validate(said).model_dump(exclude_unset=True)
    found = unknown(said, taken)
    for application in said["applications"]:
        for deployment in application["deployments"]:
            found += deployment.get("autoscaling_config", {}).keys() - AutoscalingConfig.model_fields.keys()
    return found


def test_ray_takes_every_word() -> None:
    assert unknown_to_ray(config()) == []


@pytest.mark.parametrize("place", ["http_options", "deployment", "autoscaling_config"])
def test_a_misspelt_word_would_be_seen(place: str) -> None:
    said = config()
    deployment = said["applications"][0]["deployments"][1]
    {"deployment": deployment, "autoscaling_config": deployment["autoscaling_config"], **said}[place]["maxx"] = 1
    assert len(unknown_to_ray(said)) == 1


@pytest.mark.parametrize("deployment", [Health, Simulations])
def test_the_code_says_the_same(deployment: Deployment) -> None:
    (application,) = config()["applications"]
    (said,) = [said for said in application["deployments"] if said["name"] == deployment.name]
    coded = deployment._deployment_config.model_dump()
    for name, value in said.items():
        if name == "name":
            continue
        found = deployment.ray_actor_options if name == "ray_actor_options" else coded[name]
        if isinstance(value, dict):
            found = {key: found[key] for key in value}
        assert found == value, name
    assert coded["user_configured_option_names"] <= said.keys() | {"name"}


def test_kuberay_is_told_the_same() -> None:
    assert ray_service()["spec"]["serveConfigV2"] == (ROOT / "ray/config.yaml").read_text()


def test_one_version_of_ray_everywhere() -> None:
    pinned = [
        re.search(r"^ray==(\S+)", (ROOT / file).read_text(), re.MULTILINE)[1]
        for file in ["ray/requirements.txt", "ray/tests/requirements.txt"]
    ]
    image = re.search(r"^FROM rayproject/ray:([0-9.]+)-", (ROOT / "ray/Dockerfile").read_text(), re.MULTILINE)[1]
    assert {*pinned, image} == {ray_service()["spec"]["rayClusterConfig"]["rayVersion"]}


def test_the_tests_pins_are_the_application_s() -> None:
    def pins(file: str) -> set[str]:
        return set(re.findall(r"^[a-z0-9-]+==[^\\]*", (ROOT / file).read_text(), re.MULTILINE))

    assert pins("ray/requirements.txt") < pins("ray/tests/requirements.txt")
