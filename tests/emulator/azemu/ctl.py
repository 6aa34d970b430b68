# SPDX-License-Identifier: Apache-2.0
"""`emulator ctl`: what a deployer and a tester say to a running emulator."""

import base64
import json
import sys

from .client import CallError, Client


def default_policy(info):
    """Any VM that the emulated attestation service finds compliant."""
    return {"version": "1.0.0", "anyOf": [{
        "authority": "https://" + info["maa_host"],
        "allOf": [{"claim": "x-ms-isolation-tee.x-ms-compliance-status",
                   "equals": "azure-compliant-cvm"}]}]}


def vm_policy(info):
    """This VM alone (DESIGN section 7)."""
    policy = default_policy(info)
    policy["anyOf"][0]["allOf"].append({
        "claim": "x-ms-azurevm-vmid", "equals": info["vm_id"]})
    return policy


def add_parsers(sub):
    ctl = sub.add_parser("ctl", help="talk to a running emulator")
    ctl.add_argument("--dir", required=True)
    ctl.add_argument("--identity", default="deployer",
                     choices=("deployer", "vm"))
    what = ctl.add_subparsers(dest="what", required=True)
    one = what.add_parser("secret-set")
    one.add_argument("name")
    one.add_argument("--value")
    one.add_argument("--file", help="- for standard input")
    one.add_argument("--content-type")
    one = what.add_parser("secret-get")
    one.add_argument("name")
    one.add_argument("--version", default="")
    one = what.add_parser("secret-delete")
    one.add_argument("name")
    one = what.add_parser("key-create")
    one.add_argument("name")
    one.add_argument("--size", type=int, default=2048)
    one.add_argument("--kty", default="RSA-HSM")
    one.add_argument("--policy", metavar="FILE|any|vm|none", default="vm")
    one = what.add_parser("key-get")
    one.add_argument("name")
    one = what.add_parser("encrypt", help="base64 of the vault's ciphertext")
    one.add_argument("name")
    one.add_argument("--alg", default="RSA-OAEP-256")
    one.add_argument("--value")
    one.add_argument("--file", help="- for standard input")
    one = what.add_parser("fault")
    one.add_argument("entry", help="JSON; 'clear' empties the table")
    one = what.add_parser("option", help="name=json ...")
    one.add_argument("values", nargs="*")
    for name in ("attest", "counts", "reset", "requests", "state", "info"):
        what.add_parser(name)


def data_of(args):
    """The bytes of --value or --file."""
    if (args.value is None) == (args.file is None):
        raise SystemExit("emulator: give --value or --file")
    if args.value is not None:
        return args.value.encode()
    if args.file == "-":
        return sys.stdin.buffer.read()
    with open(args.file, "rb") as given:
        return given.read()


def policy_of(args, client):
    if args.policy == "none":
        return None
    if args.policy in ("any", "vm"):
        return (default_policy if args.policy == "any"
                else vm_policy)(client.info)
    with open(args.policy, "rb") as given:
        return json.load(given)


def carry_out(args, client):
    """The value to print, or None."""
    what = args.what
    if what == "secret-set":
        return client.set_secret(args.name, data_of(args).decode(),
                                 args.content_type)["id"]
    if what == "secret-get":
        return client.get_secret(args.name, args.version)
    if what == "secret-delete":
        return client.delete_secret(args.name)["recoveryId"]
    if what == "key-create":
        return client.create_key(args.name, policy_of(args, client),
                                 args.kty, args.size)["key"]["kid"]
    if what == "key-get":
        return client.get_key(args.name)
    if what == "encrypt":
        return base64.b64encode(client.encrypt(
            args.name, args.alg, data_of(args))).decode()
    if what == "fault":
        if args.entry == "clear":
            return client.clear_faults()
        return client.fault(**json.loads(args.entry))
    if what == "option":
        pairs = (one.split("=", 1) for one in args.values)
        client.options(**{k: json.loads(v) for k, v in pairs})
        return client.plain("control", "GET", "/options")
    return {"counts": client.counts, "reset": client.reset_counts,
            "attest": lambda: client.attest()[0],
            "requests": client.requests, "state": client.state,
            "info": lambda: client.info}[what]()


def run(args):
    try:
        value = carry_out(args, Client(args.dir, args.identity))
    except CallError as error:
        print("emulator: %s" % error, file=sys.stderr)
        return 1
    if isinstance(value, str):
        print(value)
    elif value is not None:
        print(json.dumps(value, indent=1))
    return 0
