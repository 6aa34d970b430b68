# SPDX-License-Identifier: Apache-2.0
"""The command: serve, exec, vtpm, ctl."""

import argparse
import json
import os
import signal
import sys
import tempfile
import threading
import uuid

from . import ctl

DEFAULT_MAA = "sharedeus.eus.attest.azure.net"


def parser():
    top = argparse.ArgumentParser(prog="emulator", description=(
        "Azure as Sallyport meets it: IMDS, MAA, AKV and a vTPM, emulated "
        "with real cryptography. See README.md."))
    sub = top.add_subparsers(dest="command", required=True)
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--vault", action="append", metavar="NAME",
                        help="a vault (repeat for more; default apmkv)")
    common.add_argument("--maa-host", default=DEFAULT_MAA, metavar="HOST")
    common.add_argument("--cache", metavar="DIR",
                        help="keys are taken from here, or left here")
    common.add_argument("--no-attestation", action="store_true",
                        help="no vTPM, no AMD chain, no MAA")
    serve = sub.add_parser("serve", parents=[common],
                           help="serve on loopback ports until SIGTERM")
    serve.add_argument("--dir", required=True)
    for name in ("imds", "maa", "akv", "blob", "control"):
        serve.add_argument("--%s-port" % name, type=int, default=0,
                           metavar="N")
    serve.add_argument("--ready-fd", type=int, metavar="N")
    serve.add_argument("--default-identity", default="vm",
                       choices=("vm", "deployer"))
    run = sub.add_parser("exec", parents=[common], help=(
        "run a command in a namespace where Azure's names lead here"))
    run.add_argument("--dir", help="state; default: a temporary one")
    run.add_argument("--vtpm", action="store_true",
                     help="start the vTPM too (DIR/vtpm.sock)")
    run.add_argument("--default-identity", default="deployer",
                     choices=("vm", "deployer"))
    run.add_argument("argv", nargs=argparse.REMAINDER, metavar="-- CMD ...")
    device = sub.add_parser("vtpm", help="the vTPM alone, until SIGTERM")
    device.add_argument("--dir", required=True)
    device.add_argument("--cache", metavar="DIR")
    device.add_argument("--ready-fd", type=int, metavar="N")
    ctl.add_parsers(sub)
    return top


def wait_for_end():
    """An event that SIGTERM and SIGINT set."""
    done = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: done.set())
    return done


def make_emulator(args, directory):
    from .core import Emulator
    return Emulator(directory, args.vault or ["apmkv"], args.maa_host,
                    args.cache, args.default_identity,
                    not args.no_attestation)


def say_ready(args):
    if args.ready_fd is not None:
        with os.fdopen(args.ready_fd, "w") as ready:
            ready.write("ready\n")


def run_vtpm(args):
    from . import pki_amd, vtpm
    done = wait_for_end()
    pki = pki_amd.Pki(args.dir, args.cache)
    vtpm.provision(args.dir, pki, str(uuid.uuid4()).upper())
    device = vtpm.start(args.dir, pki)
    try:
        say_ready(args)
        while not done.wait(1):
            if device.poll() is not None:
                print("emulator: the vTPM has ended", file=sys.stderr)
                return 1
    finally:
        device.terminate()
    return 0


def serve(args):
    from .core import announce, listeners
    done = wait_for_end()
    info = os.path.join(args.dir, "emulator.json")
    if os.path.exists(info):
        os.unlink(info)
    emulator = make_emulator(args, args.dir)
    emulator.start_vtpm()
    try:
        found = listeners(emulator, {
            "imds": args.imds_port, "maa": args.maa_port,
            "akv": args.akv_port, "blob": args.blob_port, "control": args.control_port})
        announce(emulator, found)
        say_ready(args)
        while not done.wait(1):
            if not emulator.vtpm_alive():
                print("emulator: the vTPM has ended", file=sys.stderr)
                return 1
    finally:
        emulator.stopping.set()
        emulator.stop_vtpm()
        if os.path.exists(info):
            os.unlink(info)
    for one in found.values():
        one.stop()
    return 0


def run_exec(args):
    from . import netns
    argv = args.argv[1:] if args.argv[:1] == ["--"] else args.argv
    if not argv:
        raise SystemExit("emulator: exec needs a command after --")
    if args.dir:
        os.makedirs(args.dir, exist_ok=True)
        return netns.run(args, args.dir, argv)
    with tempfile.TemporaryDirectory(prefix="emulator-") as directory:
        return netns.run(args, directory, argv)


def main():
    args = parser().parse_args()
    try:
        if args.command == "serve":
            return serve(args)
        if args.command == "exec":
            return run_exec(args)
        if args.command == "vtpm":
            return run_vtpm(args)
        return ctl.run(args)
    except (OSError, ImportError, json.JSONDecodeError) as error:
        print("emulator: %s" % error, file=sys.stderr)
        return 1
