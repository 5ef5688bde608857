"""delete.py ADDRESS: takes the application off the Ray at ADDRESS, as `serve` does; returns when it is gone."""

import sys

import ray
from ray import serve

ray.init(sys.argv[1], logging_level="ERROR")
serve.delete("monte-carlo")
