"""config.py CONFIG PORT [REPLICAS]: the operators' configuration on 127.0.0.1:PORT. For tests: up to two replicas and a short queue.
For a bench: so many replicas from the beginning, and the queue as it is."""

import sys
from pathlib import Path

import yaml

path, port, *fixed = sys.argv[1:]
config = yaml.safe_load(Path(path).read_text())
config["http_options"] |= {"host": "127.0.0.1", "port": int(port)}
(application,) = config["applications"]
(simulations,) = [deployment for deployment in application["deployments"] if deployment["name"] == "Simulations"]
if fixed:
    (replicas,) = map(int, fixed)
    simulations["autoscaling_config"] |= {"min_replicas": replicas, "max_replicas": replicas}
else:
    simulations["max_queued_requests"] = 8
    simulations["autoscaling_config"]["max_replicas"] = 2
print(yaml.safe_dump(config))
