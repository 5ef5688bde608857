"""config.py CONFIG PORT: the operators' configuration, for tests: on 127.0.0.1:PORT, two replicas, a short queue."""

import sys
from pathlib import Path

import yaml

config = yaml.safe_load(Path(sys.argv[1]).read_text())
config["http_options"] |= {"host": "127.0.0.1", "port": int(sys.argv[2])}
(application,) = config["applications"]
(simulations,) = [deployment for deployment in application["deployments"] if deployment["name"] == "Simulations"]
simulations["max_queued_requests"] = 8
simulations["autoscaling_config"]["max_replicas"] = 2
print(yaml.safe_dump(config))
