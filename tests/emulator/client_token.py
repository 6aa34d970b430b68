# SPDX-License-Identifier: Apache-2.0
"""Runs inside `emulator exec --vtpm`: attests the emulated VM, puts MAA's
token and the VM's client id into the environment and becomes the command."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

from azemu.client import Client  # noqa: E402  (the path comes first)

client = Client(os.environ["EMULATOR_DIR"])
os.environ["TARGET_TOKEN"] = client.attest()[0]
os.environ["VM_CLIENT_ID"] = client.info["vm_client_id"]
os.execv(sys.argv[1], sys.argv[1:])
