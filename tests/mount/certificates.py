# SPDX-License-Identifier: Apache-2.0
"""Certificates that openssl makes for the tests."""
import pathlib
import ssl
import subprocess
import tempfile
import threading

LOCAL = 'subjectAltName=DNS:localhost,IP:127.0.0.1'
KEY = ('-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes')


def openssl(directory, *arguments):
    subprocess.run(['openssl', *arguments], cwd=directory, check=True, capture_output=True)


def sign(directory, name, names=LOCAL, days='2', authority='ca'):
    openssl(directory, 'req', *KEY, '-keyout', name + '.key', '-out', name + '.csr', '-subj', '/CN=' + name,
            '-addext', names)
    openssl(directory, 'x509', '-req', '-in', name + '.csr', '-CA', authority + '.pem', '-CAkey',
            authority + '.key', '-CAcreateserial', '-days', days, '-copy_extensions', 'copy', '-out', name + '.pem')


def make(directory):
    """ca signs good, expired and elsewhere; self signs itself; other is a CA that nobody trusts, and signs stranger."""
    for name in ('ca', 'other', 'self'):
        openssl(directory, 'req', '-x509', *KEY, '-keyout', name + '.key', '-out', name + '.pem',
                '-subj', '/CN=' + name, '-addext', LOCAL)
    sign(directory, 'good')
    sign(directory, 'expired', days='-1')
    sign(directory, 'elsewhere', 'subjectAltName=DNS:ims.example.com')
    sign(directory, 'stranger', authority='other')


def context(directory, name):
    """Of a server with this certificate."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(directory / (name + '.pem'), directory / (name + '.key'))
    return made


LOCK = threading.Lock()
SHARED = []  # it goes with the process


def shared():
    """A directory with those of make(), for all tests of this process."""
    with LOCK:
        if not SHARED:
            SHARED.append(tempfile.TemporaryDirectory())
            make(pathlib.Path(SHARED[0].name))
        return pathlib.Path(SHARED[0].name)
