#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What each installed program links, refers to and is: DESIGN section 10."""
import os
import re
import stat
import subprocess
import unittest

import policypage
import spframe as sp


def inst():
    given = os.environ.get('SALLYPORT_INST')
    if given:
        return given
    return subprocess.run(
        ['bash', '-c', '. "$0"/scripts/lib.sh; printf %s "$INST"', sp.ROOT],
        check=True, capture_output=True, text=True).stdout


ROOTS = os.path.join(inst(), 'libexec/sallyport/root')
SUPERVISOR = os.path.join(inst(), 'sbin/sallyport')
# program -> the libraries it may name, and no other: its policy says
NEEDED = {page.program.removeprefix('sallyport-')
          if page.program != 'sallyport' else 'supervisor': page.links
          for page in policypage.processes()}
# what `sallyport check` is, and what it runs as the server; never run by a boot
CHECK = {
    'check': {'libc', 'libcap-ng', 'libinih', 'libcrypto', 'libssl'},
    'idle': set(),
}
# calls that a program must not even refer to
NAME_CALLS = {'getaddrinfo', 'getnameinfo', 'gethostbyname', 'getpwnam',
              'getpwuid', 'getgrnam', 'dlopen', 'system', 'popen', 'execvp',
              'posix_spawn'}
NETWORK_CALLS = {'socket', 'connect', 'bind', 'listen', 'accept', 'accept4'}


def path(name):
    if name == 'supervisor':
        return SUPERVISOR
    if name in CHECK:
        return os.path.join(os.path.dirname(ROOTS), 'sallyport-' + name)
    return os.path.join(ROOTS, name, 'sallyport-' + name)


def tool(*argv):
    return subprocess.run(argv, check=True, capture_output=True,
                          text=True).stdout


def needed(name):
    out = tool('readelf', '-d', path(name))
    return {re.sub(r'\.so.*', '', n)
            for n in re.findall(r'\(NEEDED\).*\[(.*)\]', out)}


def undefined(name):
    return {line.split()[-1].split('@')[0]
            for line in tool('nm', '-D', '--undefined-only',
                             path(name)).splitlines() if line.split()}


class Links(unittest.TestCase):
    def test_every_process_has_a_page_with_links(self):
        self.assertEqual(set(NEEDED), {
            'supervisor', 'broker', 'resolve', 'https', 'keeper', 'verify', 'tpm',
            'prepare', 'control', 'exec'})
        self.assertEqual(NEEDED['exec'], set())
        self.assertTrue(all('libc' in n for p, n in NEEDED.items()
                            if p != 'exec'))

    def test_every_program_names_its_own_libraries_and_no_other(self):
        for name, want in {**NEEDED, **CHECK}.items():
            with self.subTest(name):
                self.assertEqual(needed(name), want)

    def test_no_program_but_resolve_looks_names_up(self):
        for name in (*NEEDED, 'check'):
            if name in ('resolve', 'exec'):
                continue
            with self.subTest(name):
                self.assertEqual(undefined(name) & NAME_CALLS, set())
        self.assertIn('getaddrinfo', undefined('resolve'))

    def test_offline_programs_refer_to_no_network_call(self):
        for name in ('broker', 'verify', 'tpm', 'prepare', 'control'):
            with self.subTest(name):
                self.assertEqual(undefined(name) & NETWORK_CALLS, set())

    def test_no_running_program_compiles_a_filter(self):
        for name in NEEDED:
            with self.subTest(name):
                self.assertNotIn('libseccomp', needed(name))
                if name != 'exec':
                    self.assertNotIn('seccomp_init', undefined(name))


class Roots(unittest.TestCase):
    def test_a_root_holds_its_program_and_the_closure_of_its_libraries(self):
        for name in NEEDED:
            if name == 'supervisor':
                continue
            root = os.path.join(ROOTS, name)
            have = {os.path.join('/', os.path.relpath(os.path.join(d, f), root))
                    for d, _, files in os.walk(root) for f in files}
            want = {'/sallyport-' + name}
            objects = [path(name)]
            if name == 'prepare':
                objects += [os.path.join(d, f) for d, _, files in os.walk(root)
                            for f in files if f == 'legacy.so']
                self.assertEqual(len(objects), 2)
                want.add('/' + os.path.relpath(objects[1], root))
            if name == 'resolve':
                want |= set(policypage.Page('resolve').landlock_paths)
            if name != 'exec':
                for obj in objects:
                    want |= set(re.findall(r'(?:=> |^\s+)(/\S+) \(0x',
                                           tool('ldd', obj), re.M))
            with self.subTest(name):
                self.assertEqual(have, want)

    def test_everything_is_roots_and_nobody_else_writes(self):
        for d, dirs, files in os.walk(ROOTS):
            for f in [d] + [os.path.join(d, x) for x in dirs + files]:
                st = os.lstat(f)
                self.assertEqual((st.st_uid, st.st_gid), (0, 0), f)
                self.assertEqual(st.st_mode & 0o6022, 0, f)

    def test_programs_are_unreadable_for_their_uids(self):
        for name in NEEDED:
            if name != 'supervisor':
                mode = stat.S_IMODE(os.stat(path(name)).st_mode)
                self.assertEqual(mode, 0o711, name)


class Hardening(unittest.TestCase):
    def test_every_program_is_hardened(self):
        for name in {**NEEDED, **CHECK}:
            with self.subTest(name):
                head = tool('readelf', '-hlW', path(name))
                dyn = tool('readelf', '-dW', path(name))
                self.assertIn('DYN', head)
                self.assertIn('GNU_RELRO', head)
                self.assertRegex(dyn, 'BIND_NOW|FLAGS_1.*NOW')
                self.assertRegex(head, r'GNU_STACK.* RW ')
                self.assertNotRegex(head, r'LOAD.* RWE ')
                self.assertNotRegex(dyn, 'RPATH|RUNPATH|TEXTREL')


if __name__ == '__main__':
    unittest.main()
