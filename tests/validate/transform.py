"""Prints template.yaml as CloudFormation makes it of the SAM form: JSON, every generated resource written out.

    transform.py template.yaml > transformed.json

The parameters have their defaults. Nothing is asked of AWS: the template names no managed policy.
"""

import json
import os
import sys

REGION = "eu-central-1"
os.environ["AWS_DEFAULT_REGION"] = REGION  # read by the translator's session

from samtranslator.translator.transform import transform  # noqa: E402
from samtranslator.yaml_helper import yaml_parse  # noqa: E402


class NoManagedPolicies:
    """Answers for IAM, which would list them."""

    def load(self):
        return {}


def packaged(template):
    """Gives local code a place in a bucket, as packaging does; the translator refuses paths."""
    for name, resource in template["Resources"].items():
        properties = resource.get("Properties", {})
        for uri in ("CodeUri", "DefinitionUri"):
            if uri in properties:
                properties[uri] = f"s3://artifacts/{name}"
    return template


def main(path):
    with open(path, encoding="utf-8") as file:
        template = packaged(yaml_parse(file))
    values = {name: p["Default"] for name, p in template["Parameters"].items() if "Default" in p}
    json.dump(transform(template, values, NoManagedPolicies()), sys.stdout, indent=2, default=str)


main(sys.argv[1])
