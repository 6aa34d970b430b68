#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""After READY: the server that ends is booted again, with a pause that grows
and a limit, but never after its filter or a final failure; a seal from outside
is respected, or answered where look_interval says so; a newer certificate is
seen, a bad one refused once; at rest nothing wakes up."""
import hashlib
import os
import signal
import ssl
import sys
import time
import unittest

from boot_rig import ROOT, processes
from cryptography.hazmat.primitives.serialization import Encoding
from deployment import Tls
from error_case import WORD, ErrorCase
from fault_case import FAULT

sys.path.insert(0, os.path.join(ROOT, 'tests', 'policy'))
import ptrace  # noqa: E402

INTERRUPT, BPF = 0x4207, 321


class Rest(ErrorCase):
    RIG = {'tls_ca': None}

    def kill_server(self):
        os.kill(self.rig.server_pids()[0], signal.SIGKILL)

    def times(self, boot, event):
        return [x['t'] for x in boot.lines() if x['event'] == event]

    def sealed(self):
        return self.rig.ask('GET', 'sys/seal-status')[1]['sealed']

    def seal(self):
        status, body = self.rig.ask('PUT', 'sys/seal', self.rig.token())
        self.assertEqual(status, 204, body)
        self.assertTrue(self.sealed())

    def served(self):
        pem = ssl.get_server_certificate(('127.0.0.1', self.rig.port))
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()

    def newest(self):
        """The certificate that was stored last."""
        der = self.rig.deployment.tls.cert.public_bytes(Encoding.DER)
        return hashlib.sha256(der).hexdigest()

    def next_second(self):
        """The key vault has no order of what is stored in one second."""
        time.sleep(1 - time.time() % 1)

    def put_tls(self, **more):
        self.next_second()
        self.rig.deployment.put_tls(**more)

    def ends(self, boot, code, *said):
        self.assertEqual(boot.wait(), code, boot.text()[-4000:])
        for words in said:
            self.assertIn(words, boot.said())
        self.rig.check_nothing_left()


class Restart(Rest):
    def test_pauses_grow_and_the_limit_ends_it(self):
        boot = self.rig.ready(restart_limit=2)
        for n in (1, 2):
            self.kill_server()
            boot.until('ready', n + 1)
            self.assertEqual(self.rig.read_word(), WORD)
        self.kill_server()
        self.ends(boot, 52, 'booting the server again in 1 s (1 of 2',
                  'booting the server again in 2 s (2 of 2',
                  'restart_limit = 2 within 600 s is reached')
        ready = self.times(boot, 'ready')
        for n, (begin, end) in enumerate(zip(self.times(boot, 'restart'),
                                             ready[1:])):
            self.assertGreaterEqual(end - begin, 1 + n)
        self.mended()

    def test_the_window_moves_on(self):
        boot = self.rig.ready(restart_limit=1, restart_window=1)
        for n in (1, 2):
            time.sleep(1.2) # a boot may have taken less than the window
            self.kill_server()
            boot.until('ready', n + 1)
        self.assertEqual(boot.said().count('again in 1 s (1 of 1'), 2)
        self.rig.stop(boot)

    def hostile_call(self, pid):
        """The server makes a call that no server makes: put in the place of
        the one that it would have made next."""
        ptrace.call(ptrace.SEIZE, pid, 0, ptrace.O_SYSGOOD)
        ptrace.call(INTERRUPT, pid)
        os.waitpid(pid, ptrace.WALL)
        while ptrace.syscall_info(pid)[0] != ptrace.ENTRY:
            ptrace.call(ptrace.SYSCALL, pid)
            os.waitpid(pid, ptrace.WALL)
        regs = ptrace.registers(pid)
        regs[ptrace.ORIG_RAX] = BPF
        ptrace.set_registers(pid, regs)
        ptrace.call(ptrace.CONT, pid)
        os.waitpid(pid, ptrace.WALL) # its end; then its parent's turn

    def test_no_restart_after_the_filter(self):
        boot = self.rig.ready()
        self.hostile_call(self.rig.server_pids()[0])
        self.ends(boot, 9, 'killed by its system-call filter',
                  'not booted again after this')
        self.assertNotIn('restart', boot.events())
        self.mended()

    def test_no_restart_where_the_limit_is_0(self):
        boot = self.rig.ready(restart_limit=0)
        self.kill_server()
        self.ends(boot, 52, 'restart_limit = 0')

    def test_a_service_that_is_away_is_tried_again(self):
        boot = self.rig.ready()
        self.client.fault(service='akv', operation='release', times=0,
                          status=503)
        self.kill_server()
        boot.until('restart', 2)
        self.client.clear_faults()
        boot.until('ready', 2)
        self.assertEqual(self.rig.read_word(), WORD)
        self.rig.stop(boot)

    def test_a_final_failure_ends_it(self):
        boot = self.rig.ready()
        self.client.fault(service='akv', operation='release', times=0,
                          mutate='wrong_root')
        self.kill_server()
        self.ends(boot, 36, 'not booted again after this')
        self.assertEqual(boot.events().count('restart'), 1)

    def test_a_file_that_a_setting_names_is_gone(self):
        """Since READY: the restart says which, and a boot after it goes."""
        boot = self.rig.ready()
        path = self.rig.deployment.path('operator.pem')
        os.rename(path, path + '.away')
        self.addCleanup(
            lambda: os.path.exists(path) or os.rename(path + '.away', path))
        self.kill_server()
        self.ends(boot, 3, 'operator_key %s: cannot be read: No such file' %
                  path, 'not booted again after this')
        os.rename(path + '.away', path)
        self.mended()

    def test_sighup_during_the_pause_and_the_boot(self):
        """In the pause the boot that follows fetches the newest; what is
        stored when the boot has fetched is fetched after it."""
        boot = self.rig.ready()
        self.put_tls()
        self.kill_server()
        boot.until('restart')
        boot.signal(signal.SIGHUP)
        boot.until('ready', 2)
        self.assertEqual(self.served(), self.newest())
        self.assertNotIn('rotate', boot.events())
        attested = boot.events().count('attested')
        self.kill_server()
        boot.until('attested', attested + 1)
        self.put_tls()
        boot.signal(signal.SIGHUP)
        boot.until('rotated')
        self.assertEqual(self.served(), self.newest())
        self.assertEqual(self.rig.read_word(), WORD)
        self.assertEqual(boot.events().count('rotate'), 1)
        self.rig.stop(boot)

    def test_signals_during_the_pause_and_the_boot(self):
        for event, number in (('restart', signal.SIGTERM),
                              ('names', signal.SIGINT)):
            boot = self.rig.ready()
            self.kill_server()
            boot.until('restart')
            if event == 'names':
                boot.until('fetched', 2)
            boot.signal(signal.SIGHUP)
            boot.signal(number)
            boot.signal(number)
            self.ends(boot, 7, 'nothing is lost')
            self.assertNotIn('rotate', boot.events())


class Sealed(Rest):
    def test_a_seal_from_outside_is_respected(self):
        boot = self.rig.ready()
        self.seal()
        before = self.rig.releases()
        for n in (1, 2): # after the second all that follows the first is over
            boot.signal(signal.SIGHUP)
            boot.until('rotated', n)
            boot.until('sealed')
        self.assertIn('it stays so (look_interval is not set)', boot.said())
        self.assertTrue(self.sealed())
        self.assertEqual(self.rig.releases(), before + 2)
        self.kill_server() # a boot would unseal it
        self.ends(boot, 52, 'sealed from outside')
        self.assertNotIn('restart', boot.events())
        self.mended()

    def test_look_interval_unseals(self):
        boot = self.rig.ready(look_interval=1)
        before, server = self.rig.releases(), self.rig.server_pids()
        boot.until('looked', 4) # two in a boot's and two later looks
        self.assertEqual(self.rig.releases(), before)
        self.seal()
        boot.until('unsealed_again')
        self.assertEqual(self.rig.server_pids(), server)
        self.assertEqual(self.rig.read_word(), WORD)
        self.assertEqual(self.rig.releases(), before + 1)
        self.assertEqual(boot.events().count('public'), 1)
        self.rig.stop(boot)

    def test_a_session_that_fails_leaves_it_sealed(self):
        boot = self.rig.ready(look_interval=1)
        self.client.fault(service='akv', operation='release', times=0,
                          mutate='wrong_root')
        self.seal()
        boot.until('still_sealed', 2)
        self.assertTrue(self.sealed())
        self.assertEqual(boot.events().count('sealed'), 1)
        self.client.clear_faults()
        boot.until('unsealed_again')
        self.rig.stop(boot)

    def test_a_server_that_dies_sealed_is_booted_again(self):
        """With look_interval nobody wants it sealed."""
        boot = self.rig.ready(look_interval=1)
        self.client.fault(service='akv', operation='release', times=0,
                          mutate='wrong_root')
        self.seal()
        boot.until('still_sealed')
        self.client.clear_faults()
        self.kill_server()
        boot.until('ready', 2)
        self.assertEqual(self.rig.read_word(), WORD)
        self.rig.stop(boot)

    def test_one_that_was_half_told_is_stopped(self):
        """Control died while it unsealed: the server may be unsealed and is
        not proved, so it does not go on."""
        boot = self.rig.run(look_interval=1, wrap=[
            FAULT, '-o', os.path.join(self.rig.work, 'fault'),
            'control unseal:2', '44', '2',  # sendto(2)
            str(int(signal.SIGKILL)), '--'])
        boot.until('ready')
        self.seal()
        self.ends(boot, 10, 'unseal died by signal 9',
                  'not booted again after this')
        self.assertNotIn('still_sealed', boot.events())
        self.mended()


class Certificate(Rest):
    def test_a_newer_one_is_seen_and_a_bad_one_refused_once(self):
        boot = self.rig.ready(certificate_interval=1)
        before, old = self.rig.releases(), self.served()
        asked = self.rig.client.counts()['akv.secret-get']
        time.sleep(4)
        self.assertGreaterEqual(self.rig.client.counts()['akv.secret-get'],
                                asked + 2)
        self.assertEqual(self.rig.releases(), before)
        self.assertNotIn('rotate', boot.events())
        self.put_tls()
        boot.until('rotated')
        new = self.served()
        self.assertNotEqual(new, old)
        self.assertEqual(self.rig.releases(), before + 1)
        self.put_tls(tls=Tls('somebody-else.test'))
        boot.until('not_rotated')
        asked = self.rig.client.counts()['akv.secret-get']
        while self.rig.client.counts()['akv.secret-get'] < asked + 6:
            time.sleep(0.1)
        self.assertEqual(boot.events().count('not_rotated'), 1)
        self.assertEqual(boot.events().count('rotate'), 2)
        self.assertEqual(self.served(), new)
        # the password alone: the deployer stores one after the other
        self.put_tls()
        boot.until('rotated', 2)
        self.assertNotEqual(self.served(), new)
        self.rig.stop(boot)

    def test_a_vault_that_is_away_is_asked_again(self):
        boot = self.rig.ready(certificate_interval=1)
        self.client.fault(service='akv', operation='secret-get', times=0,
                          status=503)
        boot.until('not_asked', 1)
        self.client.clear_faults()
        self.put_tls()
        boot.until('rotated')
        self.rig.stop(boot)


class AtRest(Rest):
    def switches(self, pid):
        with open('/proc/%d/status' % pid) as f:
            return sum(int(x.split()[1]) for x in f
                       if 'ctxt_switches' in x)

    def test_nothing_wakes_up(self):
        """The supervisor sleeps in one poll: no timer, nobody else there."""
        boot = self.rig.ready()
        time.sleep(1)
        before = self.switches(boot.pid)
        time.sleep(10)
        self.assertEqual(self.switches(boot.pid), before)
        ours = [x for x in processes().values() if x[0] in
                [u for r, u in self.rig.uids.items() if r != 'server']]
        self.assertEqual(ours, [])
        self.rig.stop(boot)


if __name__ == '__main__':
    unittest.main()
