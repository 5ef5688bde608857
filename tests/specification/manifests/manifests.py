"""The manifests, read strictly, and what a pod made from them would see."""

import math
import re
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "k8s"
# What the specification applies; with the Secret, they are enough.
SPECIFIED = ["configmap.yaml", "deployment.yaml", "service.yaml"]


class Strict(yaml.SafeLoader):
    """A key that stands twice is a mistake, and YAML readers silently take the last."""

    def construct_mapping(self, node, deep=False):
        keys = [self.construct_object(key, deep) for key, _ in node.value]
        twice = {key for key in keys if keys.count(key) > 1}
        if twice:
            raise yaml.constructor.ConstructorError(None, None, f"twice: {twice}", node.start_mark)
        return super().construct_mapping(node, deep)


def documents(name):
    return list(yaml.load_all((FOLDER / name).read_text(), Strict))


def files():
    return sorted(path.name for path in FOLDER.glob("*.yaml"))


def resources():
    """Every resource, by its kind; the deployment's, the job's and so on occur once."""
    found = {}
    for name in files():
        if name != "kustomization.yaml":
            for document in documents(name):
                assert document["kind"] not in found, document["kind"]
                found[document["kind"]] = document
    return found


def pod(resource):
    return resource["spec"]["template"]["spec"]


def container(resource):
    (only,) = pod(resource)["containers"]
    return only


def from_secret(resource):
    """The variables whose values a Secret holds: name to its reference."""
    entries = container(resource)["env"]
    return {e["name"]: e["valueFrom"]["secretKeyRef"] for e in entries if "secretKeyRef" in e.get("valueFrom", {})}


def environment(resource, config_map):
    """What the container would find in its environment; secrets are placeholders of the right form."""
    found = {}
    for source in container(resource)["envFrom"]:
        assert source["configMapRef"]["name"] == config_map["metadata"]["name"]
        found |= config_map["data"]
    for entry in container(resource)["env"]:
        if "value" in entry:
            found[entry["name"]] = entry["value"]
        elif "resourceFieldRef" in entry["valueFrom"]:
            _, limit = entry["valueFrom"]["resourceFieldRef"]["resource"].split(".")
            found[entry["name"]] = str(math.ceil(cpus(container(resource)["resources"]["limits"][limit])))
        elif "fieldRef" in entry["valueFrom"]:
            assert entry["valueFrom"]["fieldRef"]["fieldPath"] == "metadata.name"
            found[entry["name"]] = f"{resource['metadata']['name']}-5d9c7b8f6-x2x4z"
        else:
            key = entry["valueFrom"]["secretKeyRef"]["key"]
            found[entry["name"]] = {"database-url": "postgres://app@cockroachdb:26257/app"}.get(key, "placeholder")
    return found


def cpus(quantity):
    return float(quantity[:-1]) / 1000 if quantity.endswith("m") else float(quantity)


def variables():
    """The variables that the program reads, as the README's table has them; another test holds that to the code."""
    table = (ROOT / "README.md").read_text().split("<!-- variables -->")[1].split("<!-- /variables -->")[0]
    found = {}
    for row in table.strip().splitlines()[2:]:
        name, default, _, meaning = (cell.strip() for cell in row.strip("|").split(" | "))
        found[name.strip("*`")] = {
            "specified": name.startswith("**"),
            "required": default == "required",
            "default": default.strip("`"),
            "secret": meaning.endswith("Secret."),
        }
    return found


def dockerfile(instruction):
    return re.search(rf"^{instruction} (.*)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)[1]
