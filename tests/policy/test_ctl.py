#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""sallyportctl policy: what it shows is what the texts say, what it explains
is what they come to (by model.py, separate code), and its answers to wrong
questions say what to ask."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import model
import words

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, 'tests/lib'))
from policypage import Page  # noqa: E402

BUILD = os.environ.get('SALLYPORT_BUILD', os.path.join(ROOT, 'build/release'))
CTL = os.path.join(BUILD, 'ctl/sallyportctl')
NOBODY = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups',
          '--bounding-set=-all', '--inh-caps=-all', '--no-new-privs']
GOLDEN = os.path.join(ROOT, 'policy/golden')
ROLES = sorted(f[:-len('.policy')] for f in os.listdir(
    os.path.join(ROOT, 'policy')) if f.endswith('.policy'))
KINDS = ['SOCK_STREAM' + more for more in (
    '', '|SOCK_CLOEXEC', '|SOCK_NONBLOCK', '|SOCK_CLOEXEC|SOCK_NONBLOCK')]


def ctl(*words_, code=0, nobody=False):
    p = subprocess.run((NOBODY if nobody else []) + [CTL, *words_],
                       capture_output=True, text=True, timeout=20)
    assert p.returncode == code, (words_, p.returncode, p.stderr)
    return p.stderr if code == 2 else p.stdout


def policy(role):
    return model.Policy(os.path.join(ROOT, 'policy', role + '.policy'))


def verdict(answer):
    if answer == model.ALLOW:
        return 'passes'
    if answer == model.KILL:
        return 'ends the process (SIGSYS)'
    return 'is answered '


def strictest(answers):
    for kind in (model.KILL, model.ERRNO, model.ALLOW):
        for a in answers:
            if a & 0xffff0000 == kind:
                return a
    raise AssertionError(answers)


class Show(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with tempfile.TemporaryDirectory() as d:
            os.chmod(d, 0o755)
            copy = shutil.copy(CTL, d)
            os.chmod(copy, 0o755)
            out = subprocess.run(NOBODY + [copy, 'policy', 'show', '--json'],
                                 check=True, capture_output=True).stdout
        cls.json = {o['role']: o for o in json.loads(out)}

    def test_every_policy_is_one_object_with_all_its_members(self):
        self.assertEqual(sorted(self.json), ROLES)
        for o in self.json.values():
            self.assertLessEqual({
                'role', 'program', 'uid', 'default', 'calls', 'capabilities',
                'namespaces', 'landlock', 'rlimits', 'descriptors', 'links'},
                set(o))
            for c in o['calls']:
                self.assertLessEqual({'call', 'action', 'when', 'reason',
                                      'test', 'line'}, set(c))

    def test_the_calls_are_the_lines_of_the_text(self):
        for role in ROLES:
            with open(os.path.join(ROOT, 'policy', role + '.policy')) as f:
                text = f.read().splitlines()
            calls = self.json[role]['calls']
            self.assertEqual(sorted(c['line'] for c in calls), [
                n for n, line in enumerate(text, 1)
                if re.match('(allow|errno|kill) ', line)])
            for c in calls:
                line = ' '.join(text[c['line'] - 1].split())
                when = ' when ' + c['when'] if c['when'] else ''
                self.assertEqual(line, '%s %s%s # %s [t:%s]' % (
                    c['action'], c['call'], when, c['reason'], c['test']))

    def test_the_page_is_the_page_of_the_text(self):
        for role in ROLES:
            o, page = self.json[role], Page(role)
            if not page.program:
                self.assertIsNone(o['program'])
                continue
            self.assertEqual(o['program'], page.program)
            self.assertEqual(set(o['links']), page.links)
            self.assertEqual([d['name'] for d in o['descriptors']],
                             [f[0] for f in page.all('fd')])
            self.assertEqual(o['rlimits'], {
                f[0]: ' '.join(f[1:]) for f in page.all('limit')})
            self.assertEqual(o['landlock'], [
                ' '.join(f) for f in page.all('landlock') if f != ['nothing']])
            uid = page.all('uid')[0]
            self.assertEqual(o['uid'], int(uid[-1]))
        self.assertEqual(self.json['tpm']['capabilities'], [])

    def test_the_page_for_people_names_every_line(self):
        for role in ROLES:
            text = ctl('policy', 'show', role)
            for c in self.json[role]['calls']:
                self.assertIn('%5d: %s %s' % (c['line'], c['action'],
                                              c['call']), text)
        self.assertEqual(
            ctl('policy', 'show').count('policy/tpm.policy'), 1)


class Explain(unittest.TestCase):
    def ask(self, role, layers, call, *args):
        """The answer, against the strictest of the model's layers."""
        out = ctl('policy', 'explain', role, call, *map(str, args))
        args = list(args) + [0] * (6 - len(args))
        want = strictest([p.answer(words.ARCH['x86-64'], words.CALLS[call],
                                   args) for p in layers])
        got = re.search('^=> (.*)$', out, re.M).group(1)
        self.assertTrue(got.startswith(verdict(want)), (role, call, args, got))
        return out

    def test_every_call_of_every_role_comes_to_what_the_texts_say(self):
        asked = 0
        supervisor = policy('supervisor')
        for role in ROLES:
            page = Page(role)
            layers = [policy(role)]
            if page.program and role != 'supervisor':
                layers += [policy(page.all('filter')[0][0]), supervisor]
            calls = {line.call for p in layers[:1] for line in p.lines}
            for call in sorted(calls | {'ptrace', 'socket', 'openat', 'mount'}):
                self.ask(role, layers, call, 3, 0, 0, 0, 0, 0)
                asked += 1
        print('# %d calls explained' % asked)
        self.assertGreater(asked, 150)

    def test_arguments_by_name_and_by_constant(self):
        out = ctl('policy', 'explain', 'https', 'socket', 'protocol=262',
                  'domain=AF_INET', 'type=SOCK_STREAM')
        self.assertIn('=> ends the process', out)
        out = ctl('policy', 'explain', 'https', 'socket', 'AF_INET6',
                  'SOCK_STREAM|SOCK_CLOEXEC', 'IPPROTO_TCP')
        self.assertIn('=> passes', out)
        self.assertRegex(out, r'policy/https\.policy:\d+: allow socket')
        self.assertIn('landlock connect from keyvault_connect', out)
        out = ctl('policy', 'explain', 'broker', 'read', 'fd=$go')
        self.assertIn('=> passes', out)

    def test_the_manual_names_every_role(self):
        with open(os.path.join(ROOT, 'docs/sallyportctl.1.scd.in')) as f:
            text = re.search(r'^A role is (.*?)^# ', f.read(),
                             re.S | re.M).group(1)
        for role in ROLES:
            self.assertRegex(text, r'\b%s\b' % role)

    def test_what_depends_on_arguments_says_so(self):
        out = ctl('policy', 'explain', 'https', 'socket')
        self.assertIn('=> depends on arguments that were not given', out)
        self.assertIn('=> ends the process',
                      ctl('policy', 'explain', 'tpm', 'socket'))

    def test_a_call_by_number(self):
        self.assertIn('=> ends the process',
                      ctl('policy', 'explain', 'tpm', '101'))
        self.assertIn('=> ends the process',
                      ctl('policy', 'explain', 'tpm', '999'))

    def test_numbers_that_are_no_calls(self):
        for role in ROLES:
            for n in ('-1', '0x40000000', '0x80000000', '0xfffffffe', '1023'):
                out = ctl('policy', 'explain', role, n)
                if int(n, 0) >= 1 << 30:
                    self.assertIn('=> ends the process', out)
                    self.assertIn('a number of x32', out)
        self.assertIn('(336) answers it before any',
                      ctl('policy', 'explain', 'tpm', '335'))
        for n in ('4294967296', '-2', '0x1ffffffff', '99999999999999999999'):
            self.assertIn('a number of 32 bits', ctl(
                'policy', 'explain', 'tpm', n, code=2))

    def test_who_can_open_a_tcp_connection_and_where_it_is_enforced(self):
        """docs/POLICY-REVIEW.md says who, and names three places."""
        able = set()
        for role in ROLES:
            if Page(role).program and any(
                    '=> passes' in ctl('policy', 'explain', role, 'socket',
                                       'AF_INET', kind, protocol)
                    for kind in KINDS for protocol in ('0', 'IPPROTO_TCP')):
                able.add(role)
        with open(os.path.join(ROOT, 'docs/POLICY-REVIEW.md')) as f:
            said = re.search(r'which process can open a TCP connection.*?\n\n',
                             f.read(), re.S)[0]
        self.assertEqual(able, {'https', 'keeper', 'resolve', 'supervisor',
                                'vault-server'})
        for role in able - {'supervisor'}:
            page = Page(role)
            self.assertIn('`%s.policy`' % role, said)
            self.assertEqual(page.all('network')[0], ['host'])
            self.assertTrue([f for f in page.all('landlock')
                             if f[0] == 'connect'], role)
        self.assertEqual(
            set(re.findall(r'`([\w-]+)\.policy`', said)) - {'outer'},
            able - {'supervisor'})
        for role in set(ROLES) - able:
            page = Page(role)
            if page.program:
                self.assertEqual(page.all('network'), [['empty']], role)
                self.assertEqual(page.all('landlock'), [['nothing']], role)
                self.assertEqual(page.all('filter'), [['outer']], role)

    def test_wrong_questions_are_told_what_to_ask(self):
        for argv, what in (
                (['nobody', 'read'], 'there are: broker'),
                (['tpm', 'raed'], 'no system call "raed"'),
                (['tpm', 'read', 'df=3'], 'its arguments: uint fd'),
                (['tpm', 'read', 'x'], 'no number'),
                (['tpm', 'read', '010'], 'no number'),
                (['tpm', 'read', ''], 'no number'),
                (['tpm', 'read', '3', 'fd=4'], 'given twice'),
                (['tpm'], 'a role, a call'),
                (['tpm', 'read'] + ['0'] * 7, 'up to six')):
            self.assertIn(what, ctl('policy', 'explain', *argv, code=2))
        for argv in ([], ['policy'], ['policy', 'shoe'], ['--nonsense']):
            self.assertIn('usage:', ctl(*argv, code=2))
        self.assertIn('one ROLE', ctl('policy', 'show', 'tpm', 'https',
                                      code=2))


class Diff(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix='sallyport-ctl.')
        self.addCleanup(shutil.rmtree, self.dir)
        self.new = shutil.copytree(GOLDEN, self.dir + '/new')

    def edit(self, name, old, new):
        path = os.path.join(self.new, name)
        with open(path) as f:
            text = f.read()
        self.assertEqual(text.count(old), 1, old)
        with open(path, 'w') as f:
            f.write(text.replace(old, new))

    def test_the_same_is_no_difference(self):
        self.assertEqual(ctl('policy', 'diff', GOLDEN, self.new), '')

    def test_a_wider_condition_a_new_call_and_another_fact_are_seen(self):
        self.edit('tpm.txt', 'when fd is $dev (0x6, 32 bits)\n\t\ta TPM resp',
                  'when fd is 7 (0x7, 32 bits)\n\t\ta TPM resp')
        self.edit('verify.txt', '  231 exit_group passes\n',
                  '   41 socket passes\n\t\tfor no reason [x]\n'
                  '  231 exit_group passes\n')
        self.edit('broker.txt', 'core 0', 'core 1')
        out = ctl('policy', 'diff', GOLDEN, self.new, code=1)
        self.assertIn('- 0 read passes when fd is $dev', out)
        self.assertIn('+ 0 read passes when fd is 7', out)
        self.assertIn('+ 41 socket passes\n+     # for no reason', out)
        self.assertIn('- limit core 0', out)
        self.assertIn('+ limit core 1', out)
        self.assertNotIn('https', out)

    def test_another_default_is_seen(self):
        self.edit('verify.txt', 'What is not here ends the process;',
                  'What is not here is answered EPERM;')
        out = ctl('policy', 'diff', GOLDEN, self.new, code=1)
        self.assertIn('+ What is not here is answered EPERM', out)

    def test_reasons_alone_are_counted(self):
        self.edit('tpm.txt', 'a TPM response', 'an answer of the TPM')
        out = ctl('policy', 'diff', GOLDEN, self.new, code=1)
        self.assertIn('0 gone, 0 new, 1 with another reason', out)

    def test_a_role_that_comes_and_one_that_goes(self):
        os.rename(self.new + '/tpm.txt', self.new + '/hsm.txt')
        out = ctl('policy', 'diff', GOLDEN, self.new, code=1)
        self.assertIn('tpm: is gone', out)
        self.assertIn('hsm: a new role', out)

    def test_another_filter_without_another_line_is_seen(self):
        with open(self.new + '/tpm.txt') as f:
            last = f.read().splitlines()[-1]
        self.edit('tpm.txt', last, last[::-1])
        out = ctl('policy', 'diff', GOLDEN, self.new, code=1)
        self.assertIn('the filter, though no line is another', out)
        self.assertIn(last, out)
        self.assertIn(last[::-1], out)

    def test_a_listing_that_is_not_whole_is_no_listing(self):
        path = self.new + '/tpm.txt'
        with open(path) as f:
            lines = f.read().splitlines(True)
        for n in range(1, len(lines)):
            with open(path, 'w') as f:
                f.writelines(lines[:n])
            self.assertIn('it was cut short', ctl(
                'policy', 'diff', GOLDEN, self.new, code=2))

    def test_lines_that_nobody_knows_are_not_called_equal(self):
        with open(GOLDEN + '/tpm.txt') as f:
            text = f.read()
        for old, new, strange in (
                ('The process:\n', 'The process:\nNew rules:\n', 'New rules'),
                ('The filter: ', 'Signals: none\nThe filter: ', 'Signals'),
                ('\nThe process:', '\tno fact\nThe process:', 'no fact'),
                ('link          libc\n', 'link li\0bc\n', 'link li\0bc'),
                ('link          libc\n', 'link %s\n' % ('a' * 2000), 'aaaa')):
            with self.subTest(strange=strange):
                self.assertEqual(text.count(old), 1)
                made = text.replace(old, new)
                with open(self.new + '/tpm.txt', 'w') as f:
                    f.write(made)
                line = made[:made.index(strange)].count('\n') + 1
                self.assertIn('tpm.txt:%d: no line of this version' % line,
                              ctl('policy', 'diff', GOLDEN, self.new, code=2))

    def test_line_ends_are_no_difference(self):
        with open(GOLDEN + '/tpm.txt') as f:
            text = f.read()
        with open(self.new + '/tpm.txt', 'w', newline='\r\n') as f:
            f.write(text)
        self.assertEqual(ctl('policy', 'diff', GOLDEN, self.new), '')

    def test_two_files(self):
        out = ctl('policy', 'diff', GOLDEN + '/tpm.txt',
                  GOLDEN + '/verify.txt', code=1)
        self.assertIn('- fd dev 6 device', out)
        self.assertTrue(out.startswith('tpm, now verify:'), out)

    def test_wrong_questions_are_told_what_to_give(self):
        for argv, what in (
                ([GOLDEN], 'two listings'),
                ([GOLDEN, self.dir + '/none'], 'No such file'),
                ([GOLDEN, GOLDEN + '/tpm.txt'], 'two files or two'),
                ([ROOT + '/README.md', GOLDEN + '/tpm.txt'], 'no listing'),
                ([ROOT + '/docs', ROOT + '/scripts'], 'no listing')):
            self.assertIn(what, ctl('policy', 'diff', *argv, code=2))


if __name__ == '__main__':
    unittest.main()
