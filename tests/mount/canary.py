# SPDX-License-Identifier: Apache-2.0
"""The secrets of all tests, and the search for them where none may be seen.

Each contains one word, so one search finds each of them, and parts of them. Nothing here asserts: places come back.
"""
import contextlib
import glob
import os
import re
import subprocess

WORD = 'canary-'
TOKEN = 'canary-token-5b2f'  # given by the user
PASSWORD = 'canary-password-8c1d'
PASSCODE = 'canary-passcode-92ae'
CREDENTIAL_SECRET = 'canary-credential-e07a'
SECRET_KEY = 'canary-secret-key-41b9'
SECURITY_TOKEN = 'canary-security-token-d6f3'
ISSUED_TOKEN = 'canary-issued-token-77c0'  # given by an identity service
CANARIES = [TOKEN, PASSWORD, PASSCODE, CREDENTIAL_SECRET, SECRET_KEY, SECURITY_TOKEN, ISSUED_TOKEN]

ACCOUNT_VARIABLE = re.compile(r'(OS|HW|HUAWEICLOUD)_')
SECRET_VARIABLE = re.compile(r'(OS|HW|HUAWEICLOUD)_.*(TOKEN|PASSWORD|PASSCODE|SECRET|SECRET_KEY|_SK)$')
FERNET = 'gAAAAA'  # how a token of a real Keystone begins; tests/openstack looks for it itself
NOT_TEXT = {'mem', 'pagemap', 'clear_refs', 'smaps', 'smaps_rollup', 'numa_maps'}  # or the same as maps, slowly
OF_A_THREAD = ('comm', 'cmdline', 'environ', 'status', 'stat')
MOST = 4 << 20  # bytes of one file


def check_environment(env):
    """A secret that the search would not know is an error of the test's."""
    for name, value in env.items():
        if value and SECRET_VARIABLE.match(name) and WORD not in value and not value.startswith(FERNET):
            raise ValueError('%s must be one of harness.CANARIES, or begin as one' % name)


def in_bytes(text):
    """What comes with the word, None when it does not."""
    at = text.find(WORD.encode())
    return None if at < 0 else text[at:at + 40]


def in_file(path):
    """The place, as a list: "PATH: canary-..." or nothing."""
    found = None
    with contextlib.suppress(OSError), open(path, 'rb') as file:
        found = in_bytes(file.read(MOST))
    return ['%s: %r' % (path, found)] if found else []


def in_link(path):
    found = None
    with contextlib.suppress(OSError):
        found = in_bytes(os.readlink(os.fsencode(path)))
    return ['%s -> %r' % (path, found)] if found else []


def in_process(pid):
    """The places below /proc/PID, those of its threads included."""
    root = '/proc/%d' % pid
    places = []
    with contextlib.suppress(OSError):
        for name in os.listdir(root):
            path = os.path.join(root, name)
            if os.path.isfile(path) and name not in NOT_TEXT:
                places += in_file(path)
    for path in glob.glob(root + '/fd/*') + [root + '/cwd', root + '/exe']:
        places += in_link(path)
    for task in glob.glob(root + '/task/*'):
        for name in OF_A_THREAD:
            places += in_file(os.path.join(task, name))
    return places


def in_tree(root, seconds=1):
    """The names, links and files below root that have the word. A process of its own looks for them: one that waits
    for the mount can be killed, and what it has found in time counts."""
    command = ['timeout', '-s', 'KILL', str(seconds), 'find', root, os.path.join(root, '.imsfs/status.json'),
               '-name', '*%s*' % WORD, '-print', '-o', '-lname', '*%s*' % WORD, '-print', '-o',
               '-type', 'f', '-exec', 'grep', '-lsaF', WORD, '{}', '+']
    found = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return found.stdout.decode(errors='replace').splitlines()
