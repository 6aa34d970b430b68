#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Whole boots and the workers' own tests, recorded (record.py): which filters
the kernel has for each live process, how many calls those let it make, and
that no line of a policy is there which nothing used."""
import concurrent.futures
import os
import re
import signal
import subprocess
import sys
import tempfile
import unittest

import bpf
import cases
import filters
import model
import ptrace as pt
import tags
import words
from record import Recording

HERE = filters.ROOT + '/tests/policy/'
SERVER = os.environ.get('SALLYPORT_SERVER', '/var/cache/sallyport/server/bao')
NET = ('resolve', 'https')
SHARED = ('keeper',) # where nodes share a store: that boot ends at its server
OFFLINE = ('broker', 'verify', 'tpm', 'prepare', 'control')
# DESIGN's goals for the calls a process may make (SECURITY.md shows them).
GOALS = {'broker': 10, 'tpm': 16, 'verify': 16, 'control': 20, 'https': 30}
BOOTS = {'full': ['lives.py', 'full'],
         'container': ['--odd-clock', 'lives.py', 'container']}
# What boots do not do: rare and hostile input, stops, other name servers.
TESTS = {'resolve': '', 'stopped': '', 'exec': '', 'https': 'over_ipv6',
         'prepare': 'new_and_old_files', 'verify': 'very_many_pieces',
         'keeper': 'all_that_it_calls', 'nodes': 'Lease.test_it_is_taken'}


def command(name):
    if name in BOOTS:
        *options, script, profile = BOOTS[name]
        return options, [sys.executable, HERE + script, profile]
    return ['--odd-clock'], [
        sys.executable, filters.ROOT + '/tests/lib/tap.py',
        '%s/tests/integration/test_%s.py' % (filters.ROOT, name), TESTS[name]]


def record(folder, name):
    """(name, its Recording, None) or (name, None, what it said)"""
    out = os.path.join(folder, name)
    options, argv = command(name)
    p = subprocess.run(
        [sys.executable, HERE + 'record.py', *options, out, *argv],
        env=dict(os.environ, SALLYPORT_BUILD=filters.BUILD),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, timeout=500, check=False)
    if p.returncode != 0 or '# SKIP' in p.stdout:
        return name, None, p.stdout
    return name, Recording.load(out), None


def setUpModule():
    why = pt.unable()
    if why:
        raise unittest.SkipTest(why)
    with tempfile.TemporaryDirectory(prefix='sallyport-rec.') as folder, \
            concurrent.futures.ThreadPoolExecutor(2) as pool:
        for name, recording, said in pool.map(
                lambda n: record(folder, n), [*BOOTS, *TESTS]):
            if recording is None:
                raise AssertionError('%s:\n%s' % (name, said))
            print('# %s: %d calls of %d processes' % (
                name, recording.count, len(recording.processes)))
            RECORDED[name] = recording


RECORDED = {}


def role(process):
    """Whose program it is; None: the supervisor's, before exec too."""
    # below a plain chroot it is named from the machine's root
    if process.program.endswith(os.path.realpath(SERVER)):
        return 'server'
    name = os.path.basename(process.program)
    return name[len('sallyport-'):] if name.startswith('sallyport-') else None


def layers(name):
    """The filters that it must have, the oldest first."""
    if name in ('server', 'exec'):
        return ['supervisor', 'outer_net', 'vault_server']
    return ['supervisor', 'outer_net' if name in NET + SHARED else 'outer', name]


class Stacks(unittest.TestCase):
    def test_the_kernel_has_the_built_filters_in_their_order(self):
        built = filters.programs()
        for profile in BOOTS:
            seen = set()
            for p in RECORDED[profile].processes:
                held = [RECORDED[profile].programs[i] for i in p.stack]
                name = role(p)
                if name in OFFLINE + NET and p.status == signal.SIGKILL and \
                        len(held) == 2: # ended before its START
                    self.assertEqual(held, [built[n] for n in
                                            layers(name)[:2]])
                    continue
                seen.add(name)
                if name is None: # itself, or a child of its not yet exec'ed
                    self.assertEqual(held[:1], [built['supervisor']])
                    self.assertIn(held[1:], ([], [built['outer']],
                                             [built['outer_net']]))
                    continue
                self.assertEqual(held, [built[n] for n in layers(name)],
                                 (profile, name))
            self.assertEqual(seen, {None, 'server', 'exec', *NET, *OFFLINE})


    def test_so_it_has_for_the_keeper(self):
        boot, built = RECORDED['nodes'], filters.programs()
        held = [[boot.programs[i] for i in p.stack] for p in boot.processes
                if role(p) == 'keeper']
        self.assertEqual(held, [[built[n] for n in layers('keeper')]])


class Counted(unittest.TestCase):
    def counts(self, name):
        """(whatever the arguments, by condition) of one role, from what was
        read back from the live process."""
        boot = RECORDED['nodes' if name in SHARED else 'full']
        stack = max((p.stack for p in boot.processes if role(p) == name),
                    key=len)
        progs = [bpf.decode(boot.programs[i]) for i in stack]
        free = conditional = 0
        for nr in words.CALLS.values():
            each = [bpf.answers(p, cases.NATIVE, nr) for p in progs]
            if all(a == {model.ALLOW} for a in each):
                free += 1
            elif all(model.ALLOW in a for a in each):
                conditional += 1
        return free, conditional

    def test_the_table_of_calls_is_true(self):
        with open(filters.ROOT + '/SECURITY.md', encoding='utf-8') as f:
            table = dict(re.findall(r'^\| (\w+) \| (\d+ \| \d+ \| \d+) \|$',
                                    f.read(), re.M))
        for name in (*OFFLINE, *NET, *SHARED):
            free, conditional = self.counts(name)
            row = '%d | %d | %d' % (free, conditional, free + conditional)
            self.assertEqual(table.get(name), row, 'SECURITY.md must say: '
                             '| %s | %s |' % (name, row))
        self.assertEqual(set(table), {*OFFLINE, *NET, *SHARED})

    def test_no_process_may_do_more_than_was_meant(self):
        for name, goal in GOALS.items():
            self.assertLessEqual(sum(self.counts(name)), goal, name)


class Needed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        """used: {(policy, line) of every call that was let pass: runs}."""
        cls.policies, by_raw = {}, {}
        for policy, raw in filters.both():
            by_raw.setdefault(raw, []).append(policy)
            cls.policies[policy.name] = policy
        boot = RECORDED['full']
        # a worker in its own test has its inner filter alone
        above = {boot.programs[p.stack[-1]]: [boot.programs[i]
                                              for i in p.stack]
                 for p in boot.processes if role(p)}
        cls.used = {}
        for run, recording in RECORDED.items():
            for raw, nr, args in cls.calls(recording, above):
                for policy in by_raw[raw]:
                    line = policy.line_of(nr, args)
                    if line:
                        cls.used.setdefault(
                            (policy.name, line.number), set()).add(run)

    @staticmethod
    def calls(recording, above):
        """(filter, nr, args) of every call under every filter."""
        for p in recording.processes:
            for installed, nr, args in p.calls:
                held = [recording.programs[i] for i in p.stack[:installed]]
                if len(held) == 1:
                    held = above.get(held[0], held)
                for raw in held:
                    yield raw, nr, args

    def unused(self, policy):
        """Lines that kill are used by test_live and test_filters."""
        return ['%s:%d: %s' % (policy.path, line.number, line.text)
                for line in policy.lines if line.action != 'kill' and
                (policy.name, line.number) not in self.used]

    def test_every_line_was_used(self):
        unused = []
        for name, policy in self.policies.items():
            if name == 'vault-server':
                continue # by its own traces: test_server_policy
            unused += self.unused(policy)
        self.assertEqual(unused, [], 'remove it or test it:\n' +
                         '\n'.join(unused))

    def test_a_line_that_nothing_uses_is_seen(self):
        policy = self.policies['broker']
        line = policy.lines[0]
        self.assertIn((policy.name, line.number), self.used)
        runs = self.used.pop((policy.name, line.number))
        try:
            self.assertEqual(self.unused(policy), ['%s:%d: %s' % (
                policy.path, line.number, line.text)])
        finally:
            self.used[policy.name, line.number] = runs

    def test_every_line_was_used_by_the_runs_of_its_tag(self):
        table, other = tags.table(), []
        for name, policy in self.policies.items():
            tag = tags.of_policy(name)
            for line in policy.lines:
                runs = table[tag[line.number]][0]
                if name == 'vault-server' and 'server' in runs:
                    continue # by its own traces: test_server_policy
                used = self.used.get((name, line.number), set())
                want = {'killed'} if line.action == 'kill' else used
                if not runs & want:
                    other.append('%s:%d: [t:%s] has the runs %s, used by %s' % (
                        policy.path, line.number, tag[line.number],
                        sorted(runs), sorted(want)))
        self.assertEqual(other, [], 'give it the tag of what uses it, or '
                         'mend tests/tables/tags.tbl:\n' + '\n'.join(other))


if __name__ == '__main__':
    unittest.main()
