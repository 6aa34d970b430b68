#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Whole boots to be recorded (record.py): a first life, a restart, a new
certificate.  usage: lives.py PROFILE"""
import os
import signal
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
sys.path[:0] = [ROOT + '/tests/integration', ROOT + '/tests/lib']
from boot_rig import Rig # noqa: E402 pylint: disable=wrong-import-position

# Everything is slower under a tracer.
PATIENT = {'connect_timeout': 10, 'call_timeout': 30, 'retry_time': 20,
           'step_deadline': 120, 'server_ready': 120, 'server_stop': 20}


def life(rig, rotate):
    boot = rig.run()
    if not boot.wait_until('ready', 300):
        sys.exit('no READY:\n' + boot.text()[-4000:])
    if rotate:
        rig.deployment.put_tls()
        boot.signal(signal.SIGHUP)
        if not boot.wait_until('rotated', 120):
            sys.exit('not rotated:\n' + boot.text()[-4000:])
    rig.stop(boot, limit=60)


def main():
    rig = Rig(profile=sys.argv[1], tls_ca=None, **PATIENT)
    try:
        life(rig, False)
        life(rig, True)
    finally:
        rig.close()


if __name__ == '__main__':
    main()
