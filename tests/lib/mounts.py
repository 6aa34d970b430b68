# SPDX-License-Identifier: Apache-2.0
"""unshare(1)'s word for a mount namespace of one's own. In a plain chroot "/"
is no mount point and cannot be made private."""
import subprocess


def propagation():
    r = subprocess.run(['unshare', '-m', '--propagation', 'private', 'true'],
                       stderr=subprocess.DEVNULL, check=False)
    return 'private' if r.returncode == 0 else 'unchanged'
