"""config.py CONFIG PORT [APPLICATION]: the operators' configuration on 127.0.0.1:PORT.

For tests: up to two replicas and a short queue, behind two doors. For a bench, which says RAY_REPLICAS: so many
replicas from the start, the queue and the door as they are.
"""

import os
import sys
from pathlib import Path

import yaml

source, port, *others = sys.argv[1:]
config = yaml.safe_load(Path(source).read_text())
config["http_options"] |= {"host": "127.0.0.1", "port": int(port)}
(application,) = config["applications"]
for other in others:
    application["import_path"] = other
deployments = {deployment["name"]: deployment for deployment in application["deployments"]}
health, simulations = deployments["Health"], deployments["Simulations"]
if replicas := os.environ.get("RAY_REPLICAS"):
    simulations["autoscaling_config"] |= {"min_replicas": int(replicas), "max_replicas": int(replicas)}
else:
    simulations["max_queued_requests"] = 8
    simulations["autoscaling_config"]["max_replicas"] = 2
    # What one of them is told, the other must hear.
    health["num_replicas"] = 2
for deployment in deployments.values():
    # A request whose proxy was killed is waited for when its application is deleted.
    deployment["graceful_shutdown_timeout_s"] = 5
print(yaml.safe_dump(config))
