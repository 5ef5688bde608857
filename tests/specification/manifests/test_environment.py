"""What the manifests set is what the program reads, and it takes it."""

import json
import os
import signal
import socket
import subprocess
import time
import unittest
import urllib.error
import urllib.request

import manifests

PROGRAM = os.environ["PROGRAM"]
# A slow machine waits for Kafka's coordinator.
READY_BOUND_S = 120


def ask(port, path):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=30) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return None


class Environment(unittest.TestCase):
    def setUp(self):
        found = manifests.resources()
        self.config_map, self.deployment, self.job = found["ConfigMap"], found["Deployment"], found["Job"]
        self.workloads = [self.deployment, self.job]

    def test_each_variable_is_one_that_the_program_reads_and_each_required_one_is_set(self):
        variables = manifests.variables()
        required = {name for name, variable in variables.items() if variable["required"]}
        for workload in self.workloads:
            names = set(manifests.environment(workload, self.config_map))
            self.assertLessEqual(names, set(variables))
            self.assertLessEqual(required, names)

    def test_each_variable_of_the_specification_is_set(self):
        specified = {name for name, variable in manifests.variables().items() if variable["specified"]}
        self.assertLessEqual(specified, set(manifests.environment(self.deployment, self.config_map)))

    def test_secrets_come_from_the_secret_and_no_manifest_holds_one(self):
        secret = {name for name, variable in manifests.variables().items() if variable["secret"]}
        self.assertFalse(secret & set(self.config_map["data"]))
        for workload in self.workloads:
            given = manifests.from_secret(workload)
            self.assertLessEqual(secret & set(manifests.environment(workload, self.config_map)), set(given))
            self.assertEqual({reference["name"] for reference in given.values()}, {"monte-carlo-service-secrets"})
            self.assertEqual(given["DATABASE_URL"]["key"], "database-url")
            self.assertNotIn("optional", given["DATABASE_URL"])
        # All that an environment can do without, the deployment can do without.
        given = manifests.from_secret(self.deployment)
        self.assertEqual(given["REDIS_PASSWORD"]["key"], "redis-password")
        self.assertTrue(all(ref.get("optional") for name, ref in given.items() if name != "DATABASE_URL"))
        self.assertNotIn("Secret", manifests.resources())

    def test_there_are_as_many_threads_as_cpus(self):
        self.assertEqual(manifests.environment(self.deployment, self.config_map)["SIMULATION_THREADS"], "1")

    def test_each_container_starts_a_command_that_the_program_has(self):
        for workload in self.workloads:
            arguments = manifests.container(workload)["args"]
            told = subprocess.run([PROGRAM, *arguments, "--help"], capture_output=True, text=True)
            self.assertEqual(told.returncode, 0, told.stderr)
        self.assertEqual(json.loads(manifests.dockerfile("CMD")), manifests.container(self.deployment)["args"])

    def test_the_program_takes_every_value(self):
        # `migrate` reads all of the environment and then calls the database alone.
        for workload in self.workloads:
            environment = manifests.environment(workload, self.config_map)
            environment["DATABASE_URL"] = os.environ["TEST_DATABASE_URL"]
            told = subprocess.run([PROGRAM, "migrate"], env=environment, capture_output=True, text=True, timeout=300)
            self.assertEqual(told.returncode, 0, told.stderr)

    def test_the_probes_and_prometheus_are_answered(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        environment = manifests.environment(self.deployment, self.config_map) | {
            "PORT": str(port),
            "DATABASE_URL": os.environ["TEST_DATABASE_URL"],
            "KAFKA_BROKERS": os.environ["TEST_KAFKA_BROKERS"],
            "KAFKA_TOPIC_PREFIX": f"manifests-{os.getpid()}.",
            "KAFKA_GROUP_ID": f"manifests-{os.getpid()}",
        }
        container = manifests.container(self.deployment)
        scraped = self.deployment["spec"]["template"]["metadata"]["annotations"]["prometheus.io/path"]
        probes = {name: container[f"{name}Probe"]["httpGet"] for name in ["startup", "readiness", "liveness"]}
        self.assertEqual({probe["port"] for probe in probes.values()}, {container["ports"][0]["name"]})
        self.assertEqual(probes["readiness"]["path"], "/ready")
        service = subprocess.Popen([PROGRAM, *container["args"]], env=environment, stderr=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL)
        try:
            began = time.monotonic()
            while ask(port, "/ready") != 200:
                self.assertIsNone(service.poll(), "it ended")
                self.assertLess(time.monotonic() - began, READY_BOUND_S, "it is not ready")
                time.sleep(0.1)
            for path in [*(probe["path"] for probe in probes.values()), scraped]:
                self.assertEqual(ask(port, path), 200, path)
            self.assertEqual(ask(port, "/healthz"), 404)
            service.send_signal(signal.SIGTERM)
            self.assertEqual(service.wait(timeout=60), 0)
        finally:
            service.kill()
            service.wait()
