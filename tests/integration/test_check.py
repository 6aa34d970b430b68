#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""`sallyport check`: passes here in both profiles, and every verdict of it can
be another.  What is spoiled is spoiled in a mount namespace of the test's."""
import ctypes
import json
import os
import re
import shutil
import struct
import subprocess
import tempfile
import unittest

import boot_rig
from deployment import role_uids
from mounts import propagation

ROOT, SALLYPORT = boot_rig.ROOT, boot_rig.SALLYPORT
LIBEXEC = os.path.join(boot_rig.INST, 'libexec/sallyport')
ROOTS = os.path.join(LIBEXEC, 'root')
BUILD = os.environ.get('SALLYPORT_BUILD', os.path.join(ROOT, 'build/release'))
PROTECTIONS = ['seccomp', 'landlock', 'memfd_secret', 'mdwe', 'close_range',
               'pidfd', 'namespaces', 'mounts', 'swap', 'install', 'roots',
               'libraries', 'server', 'uids', 'profile']
ROLES = ['broker', 'resolve', 'https', 'keeper', 'verify', 'tpm', 'prepare',
         'control', 'exec']
LIMIT_S = 240
CALL = {'ptrace': 101, 'clone3': 435, 'close_range': 436,
        'landlock_create_ruleset': 444, 'memfd_secret': 447,
        'open_tree': 428}
ENOSYS, EPERM = 38, 1
_libc = ctypes.CDLL(None, use_errno=True)


class Fprog(ctypes.Structure):
    _fields_ = [('count', ctypes.c_ushort), ('insns', ctypes.c_void_p)]


def refuse(nr, error):
    """A filter on this process: that call answers error."""
    code = b''.join(struct.pack('=HBBI', *insn) for insn in (
        (0x20, 0, 0, 0), (0x15, 0, 1, nr), (0x06, 0, 0, 0x00050000 | error),
        (0x06, 0, 0, 0x7fff0000)))
    room = ctypes.create_string_buffer(code)
    prog = Fprog(len(code) // 8, ctypes.cast(room, ctypes.c_void_p))
    if _libc.prctl(22, 2, ctypes.byref(prog), 0, 0) != 0:
        os._exit(99)


class Check:
    """One `sallyport check`: its findings by name, its code."""

    def __init__(self, *argv, spoil='', wrap=(), before=None, args=(),
                 config=None):
        command = [*wrap, SALLYPORT, 'check', '--json', *args]
        if config:
            command += ['--config', config]
        if spoil:
            command = ['unshare', '-m', '--propagation', propagation(), 'sh',
                       '-ec', spoil + '\nexec "$@"', 'sh', *command]
        self.p = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, preexec_fn=before,
            env={'PATH': '/usr/sbin:/usr/bin:/sbin:/bin'})

    def end(self):
        out, err = self.p.communicate(timeout=LIMIT_S)
        self.code, self.err = self.p.returncode, err.decode()
        if not out:
            raise AssertionError('ended with %d: %s' % (self.code, self.err))
        self.all = json.loads(out)
        self.found = {f['name']: f
                      for f in self.all['protections'] + self.all['roles']}
        return self

    def missing(self):
        return sorted(n for n, f in self.found.items()
                      if f['verdict'] == 'missing')


def copy_of_roots():
    """Shell: what is installed, as a copy that can be spoiled."""
    return '''mount -t tmpfs -o mode=0755 check /mnt
        cp -a %s /mnt/root; mount --bind /mnt/root %s
        ''' % (ROOTS, ROOTS)


@unittest.skipIf(boot_rig.missing(), boot_rig.missing())
class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.work = tempfile.mkdtemp(prefix='sallyport-check.')
        # the server of the deployment, as it must be
        cls.server = os.path.join(cls.work, 'server')
        shutil.copy(boot_rig.SERVER, cls.server)
        os.chmod(cls.server, 0o711)
        os.chmod(cls.work, 0o755)
        cls.config = os.path.join(cls.work, 'sallyport.conf')
        cls.uids = role_uids()
        with open(cls.config, 'w', encoding='ascii') as f:
            f.write('server = %s\n' % cls.server)
            for key, uid in cls.uids.items():
                f.write('uid_%s = %d\n' % (key, uid))

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.work)

    def check(self, **more):
        return Check(config=self.config, **more)

    def evil(self, *flags, role='verify'):
        """A worker that makes a forbidden call, compiled."""
        out = os.path.join(self.work, 'evil')
        subprocess.run(
            ['cc', '-D_GNU_SOURCE', *flags, '-I' + ROOT + '/ipc',
             '-I' + ROOT + '/policy', '-o', out,
             ROOT + '/tests/integration/forbidden_call.c',
             BUILD + '/policy/libworker.a', BUILD + '/ipc/libipc_core.a'],
            check=True)
        return copy_of_roots() + \
            'install -m 0711 %s /mnt/root/%s/sallyport-%s' % (out, role, role)

    def policy_line(self, place, call):
        """policy/NAME.policy:N: is a line that names the call."""
        m = re.match(r'(policy/[\w-]+\.policy):(\d+): ', place)
        with open(os.path.join(ROOT, m[1]), encoding='utf-8') as f:
            line = f.read().splitlines()[int(m[2]) - 1]
        self.assertIn(' %s ' % call, line)


class Passes(Case):
    def whole(self, check, profile):
        self.assertEqual((check.code, check.err), (0, ''), check.all)
        self.assertEqual(check.all['profile'], profile)
        self.assertTrue(check.all['ok'])
        self.assertEqual([f['name'] for f in check.all['roles']], ROLES)
        want = [n for n in PROTECTIONS
                if profile == 'full' or n != 'mounts']
        self.assertEqual([f['name'] for f in check.all['protections']], want)
        for f in check.all['roles']:
            self.assertEqual(f['verdict'], 'ok', f)
            self.assertGreater(f['ms'], 0)
        for f in check.all['protections']:
            self.assertIn(f['verdict'], ('ok', 'note'), f)

    def test_full(self):
        check = self.check().end()
        self.whole(check, 'full')
        self.assertEqual(check.found['server']['verdict'], 'ok')
        self.assertIn('DNS', check.found['resolve']['text'])

    def test_container(self):
        check = self.check(
            wrap=boot_rig.lib('container_caps').split()).end()
        self.whole(check, 'container')
        self.assertEqual(check.found['namespaces']['verdict'], 'note')

    def test_two_beside_each_other_leave_nothing(self):
        def state():
            with open('/proc/mounts', encoding='utf-8') as f:
                mounts = [m for m in f.read().splitlines()
                          if 'sallyport' in m]
            return mounts, sorted(
                n for d in ('/run', '/sys/fs/cgroup', LIBEXEC)
                for n in os.listdir(d))
        before = state()
        both = [self.check(), self.check()]
        for check in both:
            check.end()
            self.assertEqual(check.code, 0, check.all)
        uids = set(self.uids.values())
        self.assertEqual([p for p in boot_rig.processes().values()
                          if p[0] in uids], [])
        self.assertEqual(state(), before)

    def test_lines_for_people_and_no_whole_configuration(self):
        """No variable is set: what a boot needs is not asked for."""
        p = subprocess.run([SALLYPORT, 'check', '--config', self.config],
                           capture_output=True, text=True, timeout=LIMIT_S,
                           env={'PATH': '/bin'}, check=False)
        self.assertEqual((p.returncode, p.stderr), (0, ''), p.stdout)
        lines = p.stdout.splitlines()
        self.assertEqual(lines[-1], 'everything passes, in the full profile')
        for name in ROLES:
            self.assertTrue(any(re.match(r'ok +%s +.+: \d+ ms$' % name, one)
                                for one in lines), name)


class Refuses(Case):
    def test_a_bad_command_line_and_a_bad_file(self):
        same = os.path.join(self.work, 'same.conf')
        with open(same, 'w', encoding='ascii') as f:
            f.write('uid_tpm = 70001\nuid_verify = 70001\n')
        for args, code in ((['--what'], 2), (['--config', '/nowhere'], 3),
                           (['--config', same], 3)):
            p = subprocess.run([SALLYPORT, 'check', *args],
                               capture_output=True, text=True, check=False)
            self.assertEqual(p.returncode, code, p.stderr)
            self.assertEqual(p.stdout, '')
            self.assertNotEqual(p.stderr, '')

    def test_who_is_not_root(self):
        p = subprocess.run([SALLYPORT, 'check'], capture_output=True,
                           text=True, user=65534, group=65534, check=False)
        self.assertEqual(p.returncode, 4)
        self.assertIn('root', p.stderr)


class Spoiled(Case):
    def test_what_is_wrong_with_the_machine_is_named(self):
        check = self.check(spoil=copy_of_roots() + '''
            chmod 0775 /mnt/root/tpm/sallyport-tpm
            rm /mnt/root/prepare/usr/lib/*/ossl-modules/legacy.so
            printf 'Filename Type Size Used Priority\\n/swap.img file 1 0 -2\\n' \\
                >/mnt/swaps
            mount --bind /mnt/swaps /proc/swaps
            cp %s /mnt/server; chmod 0755 /mnt/server
            mount --bind /mnt/server %s
            ''' % (self.server, self.server)).end()
        self.assertEqual(check.code, 76)
        self.assertFalse(check.all['ok'])
        self.assertEqual(check.missing(), ['install', 'prepare', 'roots',
                                           'server', 'swap', 'tpm'])
        self.assertIn('tpm/sallyport-tpm', check.found['install']['text'])
        self.assertIn('/swap.img', check.found['swap']['text'])
        self.assertIn('swapoff', check.found['swap']['todo'])
        self.assertIn('chmod 0711', check.found['server']['text'])
        # the program that others may write is not started
        self.assertEqual(check.found['tpm']['step'], 'confinement')
        self.assertIn('install again', check.found['tpm']['todo'])

    def test_roots_that_are_not_as_installed_and_updates(self):
        for what, name, verdict, word in (
                ('echo x >>/mnt/root/https/sallyport-https', 'roots',
                 'missing', 'https/sallyport-https: its content'),
                ('chmod 0700 /mnt/root/verify/sallyport-verify', 'roots',
                 'missing', 'verify/sallyport-verify: its mode'),
                ('echo x >/mnt/root/broker/more', 'roots', 'missing',
                 'broker/more: was not installed'),
                ('L=$(ls -d /usr/lib/*/libtss2-mu.so.0); cp -L $L /mnt/lib; '
                 'echo x >>/mnt/lib; mount --bind /mnt/lib $L',
                 'libraries', 'note', 'libtss2-mu')):
            with self.subTest(what):
                # no role is run: what is asked here comes before
                check = self.check(
                    spoil=copy_of_roots() + what,
                    before=lambda: refuse(CALL['landlock_create_ruleset'],
                                          ENOSYS)).end()
                self.assertEqual(check.found[name]['verdict'], verdict)
                self.assertIn(word, check.found[name]['text'])

    def test_a_call_that_the_filter_refuses_is_named(self):
        check = self.check(spoil=self.evil('-DLATE')).end()
        self.assertEqual(check.code, 76)
        self.assertEqual(check.missing(), ['roots', 'verify'])
        by = check.found['verify']['killed']
        self.assertEqual((by['call'], by['number']), ('mmap', 9))
        self.assertEqual(by['args'], ['0x1000', '0x2000', '0x5', '0x44',
                                      '0x55', '0x6000'])
        self.assertEqual(by['shown'],
                         'mmap(addr=0x1000, length=0x2000, prot=0x5, '
                         'flags=0x44, fd=0x55, offset=0x6000)')
        self.assertEqual(check.found['verify']['step'], 'verify')
        self.assertEqual(by['policy'],
                         ['no line of policy/verify.policy names mmap'])
        self.assertIn(by['shown'], check.found['verify']['text'])

    def test_so_is_one_that_a_line_lets_pass_with_other_arguments(self):
        check = self.check(spoil=self.evil('-DKEEPER', role='keeper')).end()
        self.assertEqual(check.missing(), ['keeper', 'roots'])
        by = check.found['keeper']['killed']
        self.assertEqual((by['call'], by['args'][:4]),
                         ('timer_settime', ['0x11', '0x22', '0x3000', '0x44']))
        self.assertEqual(check.found['keeper']['step'], 'take the lease')
        self.assertIn(by['shown'], check.found['keeper']['text'])
        self.assertEqual(len(by['policy']), 1)
        self.assertIn('policy/keeper.policy:', by['policy'][0])
        self.policy_line(by['policy'][0], 'timer_settime')

    def test_a_keeper_that_takes_no_lease(self):
        check = self.check(spoil=self.evil('-DKEEPER', '-DENDS',
                                           role='keeper')).end()
        self.assertEqual(check.missing(), ['keeper', 'roots'])
        found = check.found['keeper']
        self.assertEqual(found['step'], 'take the lease')
        self.assertIn('did not say that it has the lease', found['text'])
        self.assertIn('report it', found['todo'])
        self.assertNotIn('killed', found)

    def test_so_is_one_before_the_inner_filter(self):
        check = self.check(spoil=self.evil('-DEARLY')).end()
        by = check.found['verify']['killed']
        self.assertEqual((by['call'], by['args'][:5]),
                         ('keyctl', ['0x11', '0x22', '0x33', '0x44', '0x55']))
        self.assertEqual(check.found['verify']['step'], 'confinement')
        self.assertEqual(by['policy'][0],
                         'no line of policy/verify.policy names keyctl')
        self.policy_line(by['policy'][1], 'keyctl')

    def test_without_a_tracer_the_kernels_log_is_asked(self):
        check = self.check(spoil=self.evil('-DLATE'),
                           before=lambda: refuse(CALL['ptrace'], EPERM)).end()
        self.assertEqual(check.missing(), ['roots', 'verify'])
        by = check.found['verify']['killed']
        self.assertIn(by['call'], ('mmap', '?'))
        self.assertEqual(by['args'], [])


class Kernel(Case):
    """A kernel, or a runtime, that lacks something."""

    def refused(self, call, error=ENOSYS):
        check = self.check(before=lambda: refuse(CALL[call], error)).end()
        return check

    def test_without_landlock_no_worker_is_tried(self):
        check = self.refused('landlock_create_ruleset')
        self.assertEqual(check.code, 76)
        self.assertEqual(check.missing(), ['landlock', 'profile'])
        self.assertIn('6.7', check.found['landlock']['todo'])
        self.assertEqual(check.all['roles'], [])

    def test_without_memfd_secret_it_is_said_and_goes_on(self):
        check = self.refused('memfd_secret')
        self.assertEqual(check.code, 0, check.all)
        self.assertEqual(check.found['memfd_secret']['verdict'], 'note')
        self.assertIn('locked pages', check.found['memfd_secret']['text'])

    def test_without_clone3(self):
        check = self.refused('clone3')
        self.assertEqual(check.missing(), sorted(['namespaces'] + ROLES))
        self.assertIn('clone3', check.found['namespaces']['text'])

    def test_without_close_range(self):
        check = self.refused('close_range')
        self.assertEqual(check.missing(), sorted(['close_range'] + ROLES))
        self.assertIn('descriptors', check.found['broker']['text'])

    def test_without_the_mount_api(self):
        check = self.refused('open_tree', EPERM)
        self.assertEqual(check.missing(), sorted(
            ['mounts'] + [r for r in ROLES if r != 'exec'] + ['exec']))
        self.assertIn('root directory', check.found['tpm']['text'])


if __name__ == '__main__':
    unittest.main()
