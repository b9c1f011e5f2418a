# SPDX-License-Identifier: Apache-2.0
"""The workloads, and what one pass of one costs: seconds, the daemon's CPU time and memory, the kernel's requests."""
import collections
import hashlib
import os
import signal
import statistics
import subprocess
import sys
import time

# What clients run, in the directory with the types of images; {big} is the directory with the most images. All output is
# read: grep stops early when it goes to /dev/null.
NEEDLE = 'no-such-text-in-any-file'
WORKLOADS = {
    'first': [['sh', '-c', 'ls -U "$0" | head -n 1', '{big}']],
    'ls -l': [['ls', '-l', '{big}']],
    'find': [['find', '.', '-type', 'f']],
    'stat': [['find', '.', '-type', 'f', '-printf', '%s\n']],
    'cat': [['find', '.', '-name', '__os_version', '-exec', 'cat', '{}', '+']],
    'grep': [['grep', '-r', NEEDLE, '.']],
    'grep x2': [['grep', '-r', NEEDLE, '.'], ['grep', '-r', NEEDLE + '-2', '.']],
}
RENEWED = ('find', 'grep')  # also measured after a refresh
# Of these the answer, in any order, must be that of tmpfs; of the others how many lines it has.
SAME_LINES = ('find', 'stat', 'cat', 'grep', 'grep x2')

# Nobody waits for these, and the kernel sends them when it likes.
LATER = ('FORGET', 'BATCH_FORGET')
STORES = 'stores'  # no request: files whose contents the kernel was given unasked

# seconds: None when it was cut; cpu: of the daemon, None without one; requests: by kind, None where nobody counts
Pass = collections.namedtuple('Pass', 'seconds cpu requests answer')


def require_build(directory):
    """Ends the program when imsfs or its simulator is not there."""
    for name in 'imsfs', 'ims-sim':
        if not os.access(os.path.join(directory, name), os.X_OK):
            sys.exit('there is no %s/%s: meson setup --native-file .ci/build-release.ini build-release && '
                     'ninja -C build-release' % (directory, name))


class Cut(Exception):
    """A pass took longer than allowed."""


def cpu_seconds(pid):
    """Of a process with all threads that it has had, to the nanosecond: the clock of clock_getcpuclockid(3)."""
    return time.clock_gettime(~pid << 3 | 2) if pid else None


class Usage:
    """Tells what others use of this machine's processors, from when it is made."""

    def __init__(self, lasting):
        self.lasting = lasting  # processes of ours that do not end meanwhile
        self.start = time.monotonic()
        self.before = self.total() - self.ours()

    @staticmethod
    def total():
        """Seconds that all processors worked, with those of interrupts and what the host took away."""
        with open('/proc/stat') as file:
            user, nice, system, _, _, *rest = map(int, file.readline().split()[1:9])
        return (user + nice + system + sum(rest)) / os.sysconf('SC_CLK_TCK')

    def ours(self):
        """This process, those that it waited for, and the lasting ones."""
        return sum(os.times()[:4]) + sum(cpu_seconds(process.pid) for process in self.lasting)

    def of_others(self):
        """Call it when what was started meanwhile has ended."""
        used = self.total() - self.ours() - self.before
        return max(used, 0) / (time.monotonic() - self.start)


def peak_mib(pid):
    if not pid:
        return None
    with open('/proc/%d/status' % pid) as file:
        return next(int(line.split()[1]) / 1024 for line in file if line.startswith('VmHWM:'))


def answer_of(name, outputs):
    digests = []
    for output in outputs:
        lines = output.splitlines()
        digests.append(hashlib.sha256(b'\n'.join(sorted(lines))).hexdigest() if name in SAME_LINES else len(lines))
    return digests


def run_commands(commands, directory, limit):
    """All at once. Returns what they printed."""
    env = dict(os.environ, LC_ALL='C')
    running = [subprocess.Popen(command, cwd=directory, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
               for command in commands]
    end = time.monotonic() + limit
    outputs = []
    try:
        for process in running:
            outputs.append(process.communicate(timeout=max(end - time.monotonic(), 0.001))[0])
    except subprocess.TimeoutExpired:
        raise Cut from None
    finally:
        for process in running:
            if process.poll() is None:
                process.kill()
            process.communicate()
    return outputs


def traffic(status):
    """Of status.json: the requests by kind, and the stores."""
    return dict(status['kernel_requests'], **{STORES: status['kernel_stores']})


def asked(kinds):
    """How many requests these are."""
    return sum(count for kind, count in kinds.items() if kind != STORES)


def difference(before, after, own):
    """What traffic() has more between two looks, without that of a look itself."""
    if after is None:
        return None
    kinds = {kind: after[kind] - before.get(kind, 0) - own.get(kind, 0) for kind in after if kind not in LATER}
    return {kind: count for kind, count in kinds.items() if count > 0}


def look(subject):
    """(traffic so far, what one look costs)"""
    first = subject.requests()
    second = subject.requests()
    return second, difference(first, second, {}) if second is not None else {}


def renewal(status, send_signal):
    """Has the mount look at its source anew. Returns a function that tells whether the new list is there: status.json has
    the listings begun, and the age of the last one that ended well."""
    listings = status()['listings']
    start = time.monotonic()
    send_signal(signal.SIGHUP)

    def is_done():
        now = status()
        return now['listings'] > listings and now['age'] < time.monotonic() - start
    return is_done


def one_pass(subject, name, big, limit):
    commands = [[word.replace('{big}', big) for word in command] for command in WORKLOADS[name]]
    before, own = look(subject)
    cpu = cpu_seconds(subject.daemon)
    start = time.perf_counter()
    try:
        outputs = run_commands(commands, subject.root, limit)
        seconds = time.perf_counter() - start
    except Cut:
        return Pass(None, None, None, None)
    cpu = cpu_seconds(subject.daemon) - cpu if cpu is not None else None
    return Pass(seconds, cpu, difference(before, subject.requests(), own), answer_of(name, outputs))


def round_trip():
    """Median seconds in which another process answers a byte: tells a quiet machine from a busy one."""
    ask, heard = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        os.close(ask[1])
        while os.read(ask[0], 1):
            os.write(heard[1], b'.')
        os._exit(0)
    times = []
    for _ in range(500):
        start = time.perf_counter()
        os.write(ask[1], b'.')
        os.read(heard[0], 1)
        times.append(time.perf_counter() - start)
    for fd in ask + heard:
        os.close(fd)
    os.waitpid(child, 0)
    return statistics.median(times)
