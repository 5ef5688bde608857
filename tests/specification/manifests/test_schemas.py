"""Every manifest is what Kubernetes' schema of its kind allows, and no more."""

import unittest

import kubernetes_validate
import yaml

import manifests


class Schemas(unittest.TestCase):
    def test_each_resource_is_of_its_kind(self):
        for name in manifests.files():
            if name != "kustomization.yaml":
                for document in manifests.documents(name):
                    with self.subTest(name, kind=document["kind"]):
                        kubernetes_validate.validate(document, kubernetes_validate.latest_version(), strict=True)

    def test_each_resource_is_in_the_namespace_and_labelled(self):
        for kind, resource in manifests.resources().items():
            app = "monte-carlo-service-migrate" if kind == "Job" else "monte-carlo-service"
            self.assertEqual(resource["metadata"]["namespace"], "default", kind)
            self.assertEqual(resource["metadata"]["labels"]["app"], app, kind)

    def test_the_kustomization_takes_all_that_stays(self):
        (kustomization,) = manifests.documents("kustomization.yaml")
        known = {"apiVersion", "kind", "namespace", "resources", "patches"}
        self.assertLessEqual(set(kustomization), known)
        self.assertEqual(kustomization["apiVersion"], "kustomize.config.k8s.io/v1beta1")
        # The job runs once for each release.
        staying = set(manifests.files()) - {"kustomization.yaml", "migrate-job.yaml"}
        self.assertEqual(sorted(kustomization["resources"]), sorted(staying))
        for patch in kustomization["patches"]:
            target = manifests.resources()[patch["target"]["kind"]]
            self.assertEqual(target["metadata"]["name"], patch["target"]["name"])
            for change in yaml.safe_load(patch["patch"]):
                at = target
                for step in change["path"].strip("/").split("/"):
                    at = at[step]
