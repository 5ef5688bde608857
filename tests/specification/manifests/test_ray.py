"""The Ray cluster that KubeRay makes: each field is one that it knows, its pods are what Kubernetes takes, and the service
finds it. (`./test ray` holds the Serve configuration inside it to Ray.)"""

import unittest

import kubernetes_validate
import yaml

import manifests

FOLDER = manifests.FOLDER / "ray"

# The fields of KubeRay 1.7's `ray.io/v1`, as far as this manifest could use them: an unknown one is dropped without a word.
OBJECT = {"apiVersion", "kind", "metadata", "spec"}
METADATA = {"name", "namespace", "labels", "annotations"}
RAY_SERVICE = {"serveService", "serveConfigV2", "rayClusterConfig", "upgradeStrategy", "rayClusterDeletionDelaySeconds"}
RAY_CLUSTER = {
    "rayVersion", "enableInTreeAutoscaling", "autoscalerOptions", "headGroupSpec", "workerGroupSpecs",
    "gcsFaultToleranceOptions", "headServiceAnnotations", "suspend", "managedBy", "authOptions",
}
AUTOSCALER = {
    "version", "idleTimeoutSeconds", "upscalingMode", "resources", "image", "imagePullPolicy", "env", "envFrom",
    "securityContext", "volumeMounts",
}
HEAD_GROUP = {"rayStartParams", "template", "serviceType", "headService", "enableIngress", "resources", "labels"}
WORKER_GROUP = {
    "groupName", "replicas", "minReplicas", "maxReplicas", "idleTimeoutSeconds", "numOfHosts", "rayStartParams", "template",
    "scaleStrategy", "suspend", "resources", "labels",
}


def document(name):
    (only,) = yaml.load_all((FOLDER / name).read_text(), manifests.Strict)
    return only


def valid(resource):
    kubernetes_validate.validate(resource, kubernetes_validate.latest_version(), strict=True)


class Ray(unittest.TestCase):
    def setUp(self):
        self.ray = document("rayservice.yaml")
        self.cluster = self.ray["spec"]["rayClusterConfig"]
        self.head, (self.workers,) = self.cluster["headGroupSpec"], self.cluster["workerGroupSpecs"]
        self.config = yaml.load(self.ray["spec"]["serveConfigV2"], manifests.Strict)

    def test_each_file_is_looked_at(self):
        self.assertEqual({path.name for path in FOLDER.iterdir()}, {"rayservice.yaml", "networkpolicy.yaml"})

    def test_each_field_is_one_that_kuberay_knows(self):
        self.assertEqual((self.ray["apiVersion"], self.ray["kind"]), ("ray.io/v1", "RayService"))
        for found, known in [
            (self.ray, OBJECT), (self.ray["metadata"], METADATA), (self.ray["spec"], RAY_SERVICE),
            (self.cluster, RAY_CLUSTER), (self.cluster["autoscalerOptions"], AUTOSCALER), (self.head, HEAD_GROUP),
            (self.workers, WORKER_GROUP),
        ]:
            self.assertEqual(set(found) - known, set())
        self.assertIn(self.cluster["autoscalerOptions"]["version"], ["v1", "v2"])
        for group in [self.head, self.workers]:
            self.assertTrue(all(isinstance(value, str) for value in group["rayStartParams"].values()))

    def test_its_pods_and_its_service_are_what_kubernetes_takes(self):
        for group in [self.head, self.workers]:
            template = group["template"]
            metadata = {"name": "pod", **template["metadata"]}
            valid({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]})
        resources = self.cluster["autoscalerOptions"]["resources"]
        valid({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "autoscaler"}, "spec": {
            "containers": [{"name": "autoscaler", "resources": resources}]}})
        valid({"apiVersion": "v1", "kind": "Service", **self.ray["spec"]["serveService"]})
        valid(document("networkpolicy.yaml"))

    def test_the_service_finds_it(self):
        (port,) = self.ray["spec"]["serveService"]["spec"]["ports"]
        name = self.ray["spec"]["serveService"]["metadata"]["name"]
        config_map = manifests.resources()["ConfigMap"]
        self.assertEqual(config_map["data"]["RAY_SERVE_URL"], f"http://{name}:{port['port']}")
        self.assertEqual(self.ray["metadata"]["namespace"], config_map["metadata"]["namespace"])
        self.assertEqual(port["targetPort"], self.config["http_options"]["port"])
        for group in [self.head, self.workers]:
            (container,) = group["template"]["spec"]["containers"]
            self.assertIn({"name": "serve", "containerPort": port["targetPort"]}, container["ports"])

    def test_a_worker_is_a_replica_and_there_may_be_as_many(self):
        (application,) = self.config["applications"]
        (simulations,) = [one for one in application["deployments"] if one["name"] == "Simulations"]
        cpus, scaling = simulations["ray_actor_options"]["num_cpus"], simulations["autoscaling_config"]
        self.assertEqual(self.workers["rayStartParams"]["num-cpus"], str(cpus))
        self.assertEqual(self.head["rayStartParams"]["num-cpus"], "0")
        self.assertEqual(self.workers["minReplicas"], scaling["min_replicas"])
        self.assertEqual(self.workers["maxReplicas"], scaling["max_replicas"])
        (container,) = self.workers["template"]["spec"]["containers"]
        self.assertGreaterEqual(manifests.cpus(container["resources"]["requests"]["cpu"]), cpus)
        self.assertTrue(self.cluster["enableInTreeAutoscaling"])
        grace = self.workers["template"]["spec"]["terminationGracePeriodSeconds"]
        self.assertGreater(grace, simulations["graceful_shutdown_timeout_s"])

    def test_the_pods_have_few_rights(self):
        for group in [self.head, self.workers]:
            spec = group["template"]["spec"]
            self.assertTrue(spec["securityContext"]["runAsNonRoot"])
            self.assertEqual(spec["securityContext"]["seccompProfile"], {"type": "RuntimeDefault"})
            (container,) = spec["containers"]
            self.assertFalse(container["securityContext"]["allowPrivilegeEscalation"])
            self.assertEqual(container["securityContext"]["capabilities"], {"drop": ["ALL"]})

    def test_the_network_policy_is_for_its_pods_and_lets_the_service_in(self):
        policy = document("networkpolicy.yaml")
        label = policy["spec"]["podSelector"]["matchLabels"]
        for group in [self.head, self.workers]:
            self.assertEqual(group["template"]["metadata"]["labels"], label)
        asking = manifests.resources()["Deployment"]["spec"]["template"]["metadata"]["labels"]["app"]
        ports = {
            port["port"]
            for rule in policy["spec"]["ingress"] for source in rule["from"]
            if source.get("podSelector", {}).get("matchLabels") == {"app": asking} for port in rule["ports"]
        }
        self.assertEqual(ports, {self.config["http_options"]["port"]})
        everyone = [source for rule in policy["spec"]["ingress"] for source in rule["from"]
                    if source.get("podSelector") == {} or (source.keys() == {"namespaceSelector"} and not source["namespaceSelector"])]
        self.assertEqual(everyone, [])
