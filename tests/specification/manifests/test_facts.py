"""What the platform's operators know and rely on: names, ports, sizes; and that the pods have no rights."""

import re
import unittest

import yaml

import manifests

SERVICE = "monte-carlo-service"


class Facts(unittest.TestCase):
    def setUp(self):
        found = manifests.resources()
        self.deployment, self.job = found["Deployment"], found["Job"]
        self.found = found

    def test_sizes(self):
        self.assertEqual(self.deployment["spec"]["replicas"], 2)
        resources = manifests.container(self.deployment)["resources"]
        self.assertEqual(resources["requests"], {"cpu": "500m", "memory": "512Mi"})
        self.assertEqual(resources["limits"], {"cpu": "1", "memory": "1Gi"})

    def test_names(self):
        self.assertEqual(self.found["ConfigMap"]["metadata"]["name"], f"{SERVICE}-config")
        for kind in ["ServiceAccount", "Deployment", "Service", "HorizontalPodAutoscaler", "PodDisruptionBudget"]:
            self.assertEqual(self.found[kind]["metadata"]["name"], SERVICE)
        self.assertEqual(self.found["HorizontalPodAutoscaler"]["spec"]["scaleTargetRef"]["name"], SERVICE)
        for workload in [self.deployment, self.job]:
            self.assertEqual(manifests.pod(workload)["serviceAccountName"], SERVICE)
            self.assertEqual(manifests.container(workload)["image"], f"<ECR_REGISTRY>/{SERVICE}:latest")

    def test_the_specified_three_need_nothing_else(self):
        of_three = [d for name in manifests.SPECIFIED for d in manifests.documents(name)]
        kinds = [document["kind"] for document in of_three]
        self.assertEqual(kinds, ["ConfigMap", "ServiceAccount", "Deployment", "Service"])
        self.assertNotIn("volumes", manifests.pod(self.deployment))

    def test_a_request_to_port_80_reaches_the_service(self):
        service = self.found["Service"]["spec"]
        (port,) = service["ports"]
        (listens,) = manifests.container(self.deployment)["ports"]
        self.assertEqual((port["port"], port["targetPort"]), (80, listens["name"]))
        self.assertEqual(listens["containerPort"], 3002)
        self.assertEqual(self.found["ConfigMap"]["data"]["PORT"], "3002")
        self.assertEqual(manifests.dockerfile("EXPOSE"), "3002")

    def test_selectors_meet_the_service_and_not_the_migration(self):
        labels = self.deployment["spec"]["template"]["metadata"]["labels"]
        spec = {kind: resource["spec"] for kind, resource in self.found.items() if "spec" in resource}
        selectors = [
            spec["Deployment"]["selector"]["matchLabels"],
            spec["Service"]["selector"],
            spec["PodDisruptionBudget"]["selector"]["matchLabels"],
            *(s["labelSelector"]["matchLabels"] for s in manifests.pod(self.deployment)["topologySpreadConstraints"]),
        ]
        for selector in selectors:
            self.assertEqual(selector, {"app": SERVICE})
        self.assertEqual(labels["app"], SERVICE)
        self.assertNotEqual(self.job["spec"]["template"]["metadata"]["labels"]["app"], SERVICE)

    def test_the_pods_have_no_rights_and_no_place_to_write(self):
        for workload in [self.deployment, self.job]:
            whole, own = manifests.pod(workload)["securityContext"], manifests.container(workload)["securityContext"]
            self.assertTrue(whole["runAsNonRoot"])
            self.assertEqual(f"{whole['runAsUser']}:{whole['runAsGroup']}", manifests.dockerfile("USER"))
            self.assertEqual(whole["seccompProfile"], {"type": "RuntimeDefault"})
            self.assertTrue(own["readOnlyRootFilesystem"])
            self.assertFalse(own["allowPrivilegeEscalation"])
            self.assertEqual(own["capabilities"], {"drop": ["ALL"]})
            self.assertFalse(manifests.pod(workload)["automountServiceAccountToken"])

    def test_the_network_policy_lets_each_neighbour_through(self):
        policy = self.found["NetworkPolicy"]["spec"]
        chosen = policy["podSelector"]["matchExpressions"][0]["values"]
        self.assertEqual(chosen, [w["spec"]["template"]["metadata"]["labels"]["app"] for w in [self.deployment, self.job]])
        outward = {port["port"] for rule in policy["egress"] for port in rule.get("ports", [])}
        self.assertLessEqual({53, 9092, 9094, 9096, 9098, 26257, 5432, 6379, 80, 8000, 443}, outward)
        data = self.found["ConfigMap"]["data"]
        for address in [*data["KAFKA_BROKERS"].split(","), data["RAY_SERVE_URL"], data["CORE_SERVICE_URL"]]:
            port = re.search(r":(\d+)/?$", address)
            self.assertIn(int(port[1]) if port else 80, outward, address)
        self.assertIn(int(data["REDIS_PORT"]), outward)
        inward = [{port["port"] for port in rule["ports"]} for rule in policy["ingress"]]
        self.assertTrue(all(3002 in ports for ports in inward), inward)

    def test_prometheus_and_istio_find_the_service(self):
        metadata = self.deployment["spec"]["template"]["metadata"]
        self.assertEqual(metadata["labels"]["sidecar.istio.io/inject"], "true")
        self.assertEqual(metadata["annotations"]["prometheus.io/scrape"], "true")
        self.assertEqual(metadata["annotations"]["prometheus.io/port"], "3002")
        self.assertEqual(self.job["spec"]["template"]["metadata"]["labels"]["sidecar.istio.io/inject"], "false")

    def test_stopping_is_given_more_time_than_it_takes(self):
        pod, annotations = manifests.pod(self.deployment), self.deployment["spec"]["template"]["metadata"]["annotations"]
        before = manifests.container(self.deployment)["lifecycle"]["preStop"]["sleep"]["seconds"]
        grace = int(self.found["ConfigMap"]["data"]["SHUTDOWN_GRACE_SECONDS"])
        goodbye = 2  # crates/service/src/runtime: the outbox and the last answers
        takes = before + grace + goodbye
        proxy = yaml.safe_load(annotations["proxy.istio.io/config"])
        stays = int(proxy["terminationDrainDuration"].removesuffix("s"))
        self.assertLess(takes, stays, "the sidecar leaves first")
        self.assertLess(stays, pod["terminationGracePeriodSeconds"], "the kubelet kills first")
