"""Programs that the docs name and that cannot be had from a package registry: just as much of each as is typed there.

`pulumi` becomes the rehearsal, which runs the very program; `ossutil` the vendor's SDK; `pip` looks at what it would
install and leaves this environment alone. Each refuses what it does not know, so that no page can type it unseen.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import oss2
from alibabacloud_ram20150501.client import Client
from alibabacloud_ram20150501.models import CreateAccessKeyRequest

from controller.cloud.credentials import Credentials
from controller.cloud.openapi import client_config

REGION = "cn-hangzhou"
NAMES = ("pulumi", "ossutil", "pip")


def stand_in(folder: Path, name: str) -> None:
    """Put the stand-in of a program into a folder of programs."""
    program = folder / name
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{Path(__file__).resolve()}" {name} "$@"\n')
    program.chmod(0o755)


def say(text: str) -> None:
    """What the program prints."""
    sys.stdout.write(f"{text.rstrip()}\n")


def pulumi(words: list[str]) -> None:
    """`stack init`, `stack output`, `preview`, `up`, `refresh`, `destroy`."""
    parser = argparse.ArgumentParser(prog="pulumi")
    parser.add_argument("-s", "--stack")
    verbs = parser.add_subparsers(dest="verb", required=True)
    for verb in ("preview", "up", "refresh", "destroy"):
        one = verbs.add_parser(verb)
        one.add_argument("-s", "--stack", required=True)
        one.add_argument("--expect-no-changes", action="store_true")
        one.add_argument("--refresh", action="store_true")
        one.add_argument("--policy-pack", type=Path)
    stack = verbs.add_parser("stack").add_subparsers(dest="verb", required=True)
    stack.add_parser("init").add_argument("stack")
    output = stack.add_parser("output")
    output.add_argument("name", choices=["handover", "operatorAccessKey"])
    output.add_argument("-s", "--stack", required=True)
    output.add_argument("--json", action="store_true", required=True)
    output.add_argument("--show-secrets", action="store_true")
    asked = parser.parse_args(words)
    state = Path(".sandbox") / f"rehearsed-{asked.stack}.json"
    match asked.verb:
        case "init":
            if not Path("environments", f"Pulumi.{asked.stack}.yaml").is_file():
                sys.exit(f"there is no environments/Pulumi.{asked.stack}.yaml")
        case "output" if asked.name == "operatorAccessKey":
            if not asked.show_secrets:
                sys.exit('a secret is shown as "[secret]" without --show-secrets')
            say(json.dumps(_access_key(state)))
        case "output":
            say(_rehearse("output", asked.stack, state))
        case "destroy":
            say(_rehearse("destroy", asked.stack, state))
        case verb:
            if asked.policy_pack and not (asked.policy_pack / "PulumiPolicy.yaml").is_file():
                sys.exit(f"{asked.policy_pack} is no policy pack")
            said = _rehearse("up", asked.stack, state, *([] if verb == "up" else ["--preview"]))
            say(said)
            if asked.expect_no_changes and re.search(r"^  (create|update|delete) ", said, re.MULTILINE):
                sys.exit("no changes were expected")


def _rehearse(verb: str, stack: str, state: Path, *more: str) -> str:
    command = [sys.executable, "-m", "sandbox", "rehearse", verb, "--stack", stack, "--state", str(state), *more]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        sys.exit(done.returncode)
    return done.stdout


def _access_key(state: Path) -> dict[str, str]:
    """Another key of the stack's RAM user: the rehearsal keeps no secret."""
    made = json.loads(state.read_text())["made"].values()
    user = next(one["inputs"]["name"] for one in made if one["type"] == "alicloud:ram/user:User")
    client = Client(client_config(_root(), region=REGION, endpoint=os.environ["EMULATOR_URL"]))
    key = client.create_access_key(CreateAccessKeyRequest(user_name=user)).body.access_key
    return {"accessKeyId": key.access_key_id, "accessKeySecret": key.access_key_secret}


def ossutil(words: list[str]) -> None:
    """`cat`, `cp` of one file, `rm` of one object."""
    match words:
        case ["cat", address]:
            sys.stdout.write(_bucket(address).get_object(_key(address)).read().decode())
        case ["cp", file, address] if address.startswith("oss://"):
            target = _key(address) + (Path(file).name if address.endswith("/") else "")
            _bucket(address).put_object_from_file(target, file)
        case ["rm", address]:
            _bucket(address).delete_object(_key(address))
        case _:
            sys.exit(f"ossutil {' '.join(words)}: unknown here")


def _bucket(address: str) -> oss2.Bucket:
    auth = oss2.AuthV4(_root().access_key_id, _root().access_key_secret)
    return oss2.Bucket(auth, os.environ["EMULATOR_URL"], address.split("/")[2], region=REGION)


def _key(address: str) -> str:
    return address.split("/", 3)[3]


def _root() -> Credentials:
    return Credentials(os.environ["ALIBABA_CLOUD_ACCESS_KEY_ID"], os.environ["ALIBABA_CLOUD_ACCESS_KEY_SECRET"])


def pip(words: list[str]) -> None:
    """What it would install is this project, with that extra."""
    match words:
        case ["install", "-e", project]:
            extra = re.fullmatch(r"\.\[(\w+)\]", project)
            if not extra or not re.search(rf"^{extra[1]} = \[$", Path("pyproject.toml").read_text(), re.MULTILINE):
                sys.exit(f"{project}: no such extra")
        case _:
            sys.exit(f"pip {' '.join(words)}: unknown here")


if __name__ == "__main__":
    {"pulumi": pulumi, "ossutil": ossutil, "pip": pip}[sys.argv[1]](sys.argv[2:])
