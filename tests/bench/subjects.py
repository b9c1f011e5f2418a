# SPDX-License-Identifier: Apache-2.0
"""The file systems that are compared. Each shows the same tree below a directory of its own.

mount() makes it anew, so what the kernel and the daemon had in memory of it is gone: that is what cold means here. No
caches of the machine are dropped, and all that peers serve lies in memory (tmpfs).
"""
import json
import os
import shutil
import signal
import socket
import subprocess
import time

import measure

MOUNT_SECONDS = 60
SETTLED = 1.3


class Missing(Exception):
    """What a peer needs is not installed."""


class Subject:
    """One file system. work: a directory of its own on tmpfs; scene: the tree and the records (see run)."""

    name = None
    programs = ()
    renews = False  # whether renew() has it look at its source anew
    inside = ''  # where the tree is, below the mount point

    def __init__(self, scene):
        for program in self.programs:
            if not shutil.which(program):
                raise Missing(program)
        self.scene = scene
        self.work = os.path.join(scene.work, self.name)
        self.point = os.path.join(self.work, 'mnt')
        self.processes = []  # what mount() started; the first is the daemon
        self.lasting = []  # what lives as long as this object
        os.makedirs(self.point)
        self.prepare()

    @property
    def root(self):
        return os.path.join(self.point, self.inside)

    @property
    def daemon(self):
        """Its process id; None where the kernel does it alone."""
        return self.processes[0].pid if self.processes else None

    def prepare(self):
        pass

    def mount(self):
        raise NotImplementedError

    def requests(self):
        """What the kernel asked so far and was given unasked, by kind; None where nobody counts."""

    def spawn(self, command, **named):
        with open(os.path.join(self.work, 'stderr'), 'ab') as errors:
            return subprocess.Popen(command, stdin=named.pop('stdin', subprocess.DEVNULL),
                                    stdout=named.pop('stdout', subprocess.DEVNULL), stderr=errors, cwd='/', **named)

    def serve(self, command, **named):
        """Starts a daemon that stays in the foreground, and waits until its mount can be used."""
        self.processes.append(self.spawn(command, **named))
        self.wait_for_mount()

    def wait_for_mount(self):
        end_at = time.monotonic() + MOUNT_SECONDS
        while not os.path.ismount(self.point):
            if self.processes[0].poll() is not None or time.monotonic() > end_at:
                with open(os.path.join(self.work, 'stderr'), errors='replace') as file:
                    raise RuntimeError('%s does not mount: %s' % (self.name, file.read().strip()))
            time.sleep(0.002)

    def unmount(self):
        # A daemon that is still asked something is busy for a moment.
        for _ in range(100):
            if subprocess.run(['umount', self.point], stderr=subprocess.DEVNULL).returncode == 0:
                break
            time.sleep(0.05)
        else:
            subprocess.run(['umount', '-l', self.point], stderr=subprocess.DEVNULL)
        for process in self.processes:
            end(process)
        self.processes = []

    def close(self):
        if os.path.ismount(self.point):
            self.unmount()
        for process in self.processes + self.lasting:
            end(process)


def end(process):
    """Most daemons end by themselves when their mount has gone."""
    for wait, number in ((5, signal.SIGTERM), (5, signal.SIGKILL)):
        try:
            process.wait(wait)
            return
        except subprocess.TimeoutExpired:
            process.send_signal(number)
    process.wait()


class Tmpfs(Subject):
    name = 'tmpfs'

    def mount(self):
        subprocess.run(['mount', '--bind', self.scene.tree, self.point], check=True)


class SquashfuseLL(Subject):
    name = 'squashfuse_ll'
    programs = ('squashfuse_ll', 'mksquashfs')

    def prepare(self):
        self.image = os.path.join(self.work, 'tree.sqsh')
        subprocess.run(['mksquashfs', self.scene.tree, self.image, '-quiet', '-no-progress'], check=True,
                       stdout=subprocess.DEVNULL)

    def mount(self):
        self.serve(['squashfuse_ll', '-f', self.image, self.point])


class Sshfs(Subject):
    """Over TCP on loopback without ssh, so nothing is encrypted."""

    name = 'sshfs'
    programs = ('sshfs',)
    server = '/usr/lib/openssh/sftp-server'

    def prepare(self):
        if not os.path.exists(self.server):
            raise Missing(self.server)

    def mount(self):
        with socket.create_server(('127.0.0.1', 0)) as listener:
            listener.settimeout(MOUNT_SECONDS)
            options = ('directport=%d,ro,kernel_cache,dcache_timeout=3600,dcache_max_size=4000000,entry_timeout=3600,'
                       'attr_timeout=3600' % listener.getsockname()[1])
            self.processes.append(self.spawn(['sshfs', '-f', '-o', options, 'localhost:' + self.scene.tree, self.point]))
            connection, _ = listener.accept()
        with connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.processes.append(self.spawn([self.server, '-R'], stdin=connection, stdout=connection))
        self.wait_for_mount()


class Imsfs(Subject):
    name = 'imsfs-file'
    renews = True
    inside = 'images'
    options = 'ttl=3600'

    def source(self):
        return self.scene.records

    def mount(self):
        env = {k: v for k, v in os.environ.items() if not k.startswith('OS_')}
        self.serve([os.path.join(self.scene.build, 'imsfs'), '-f', '-o', self.options, self.source(), self.point], env=env)
        # In the foreground it mounts before it has a list; others are measured with all at hand, and so is this.
        self.wait_for_list(lambda: self.status()['age'] is not None)

    def renew(self):
        """Returns when a list more is there and the kernel was told of it for the second time."""
        os.utime(self.scene.records)
        self.wait_for_list(measure.renewal(self.status, self.processes[0].send_signal))
        time.sleep(SETTLED)

    def status(self):
        with open(os.path.join(self.point, '.imsfs', 'status.json'), 'rb') as file:
            return json.load(file)

    def wait_for_list(self, there):
        end_at = time.monotonic() + MOUNT_SECONDS
        while not there():
            if time.monotonic() > end_at:
                raise RuntimeError('no list')
            time.sleep(0.01)

    def requests(self):
        """Looking costs requests itself, as many each time: look() in measure takes them off."""
        return measure.traffic(self.status())


class ImsfsNofollow(Imsfs):
    name = 'imsfs-nofollow'
    options = 'ttl=3600,nofollow'


class ImsfsSim(Imsfs):
    name = 'imsfs-sim'

    def prepare(self):
        sim = self.spawn([os.path.join(self.scene.build, 'ims-sim'), '--port', '0', self.scene.records],
                         stdout=subprocess.PIPE)
        self.lasting.append(sim)
        line = sim.stdout.readline().decode()
        if 'listening on' not in line:
            raise RuntimeError('ims-sim did not start: %r' % line)
        self.url = 'http://' + line.split()[-1]

    def source(self):
        return self.url


ALL = (Tmpfs, Imsfs, ImsfsNofollow, ImsfsSim, SquashfuseLL, Sshfs)
