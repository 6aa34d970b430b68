# SPDX-License-Identifier: Apache-2.0
"""The filters of this build: their programs as bytes, and their texts."""
import os
import re
import subprocess

import bpf
import model

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
BUILD = os.environ.get('SALLYPORT_BUILD', ROOT + '/build/release')
POLICY = ROOT + '/policy'


def installation():
    if 'SALLYPORT_INST' in os.environ:
        return os.environ['SALLYPORT_INST']
    return subprocess.run(
        ['bash', '-c', '. %s/scripts/lib.sh; printf %%s "$INST"' % ROOT],
        check=True, capture_output=True, text=True).stdout


def programs(build=BUILD):
    """{filter's name: its bytes}, from what policyc wrote for the compiler.
    That the built programs hold just these bytes is a test's matter."""
    with open(build + '/policy/filters.c', encoding='ascii') as f:
        text = f.read()
    out = {}
    for name, body in re.findall(r'insns_(\w+)\[\] = \{\n(.*?)\n\};', text,
                                 re.S):
        rows = [tuple(int(n, 0) for n in re.findall(r'0x[0-9a-f]+|\d+', row))
                for row in body.split('\n')]
        out[name] = b''.join(bpf.INSN.pack(*row) for row in rows)
    return out


def text_name(name):
    """A C name is not quite the file's."""
    return name if os.path.exists('%s/%s.policy' % (POLICY, name)) \
        else name.replace('_', '-')


def both(build=BUILD):
    """[(policy, raw bytes)] of all filters, in order of name."""
    return [(model.Policy('%s/%s.policy' % (POLICY, text_name(name))), raw)
            for name, raw in sorted(programs(build).items())]
