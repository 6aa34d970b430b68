# SPDX-License-Identifier: Apache-2.0
"""The test tags of the policies: what tests/tables/tags.tbl says of each."""
import os
import re

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
TAG = re.compile(r'\[t:([a-z0-9_-]+)\]$')


def table():
    """{tag: (its runs, its test as file.case)}"""
    out = {}
    with open(ROOT + '/tests/tables/tags.tbl', encoding='ascii') as f:
        for line in f:
            if line.strip() and not line.startswith('#'):
                tag, runs, test = line.split()
                if tag in out:
                    raise ValueError(tag + ' stands twice')
                out[tag] = set(runs.split(',')), test
    return out


def of_policy(name):
    """{number of a line: its tag} of policy/NAME.policy."""
    with open('%s/policy/%s.policy' % (ROOT, name), encoding='ascii') as f:
        found = {n: TAG.search(line.rstrip()) for n, line in enumerate(f, 1)}
    return {n: m[1] for n, m in found.items() if m}
