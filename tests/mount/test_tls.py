# SPDX-License-Identifier: Apache-2.0
"""TLS: whom the mount trusts and how it proves itself, with certificates that openssl makes for the test."""
import os
import pty
import signal
import ssl

import pytest

import data
import harness
from certificates import context, make, openssl, sign
from rawserver import Paged

ITEMS = data.records(3)
PASSWORD = 'canary-password-91c4'
# The server's certificate, what clouds.yaml says besides, and libcurl's words for what is wrong.
REFUSED = {
    'not known to the system': ('good', {}, 'unable to get local issuer certificate'),
    'of another CA': ('good', {'cacert': 'other.pem'}, 'unable to get local issuer certificate'),
    'self-signed': ('self', {'cacert': 'ca.pem'}, 'self-signed certificate'),
    'expired': ('expired', {'cacert': 'ca.pem'}, 'certificate has expired'),
    'of another host': ('elsewhere', {'cacert': 'ca.pem'}, "target host name '127.0.0.1'"),
    'no such cacert': ('good', {'cacert': 'absent.pem'}, 'absent.pem'),
}
# What clouds.yaml says where the server wants a certificate of ours, and what is wrong with it.
REFUSED_US = {
    'none': ({}, 'alert certificate required'),
    'unknown': ({'cert': 'self.pem', 'key': 'self.key'}, 'alert unknown ca'),
    'expired': ({'cert': 'expired.pem', 'key': 'expired.key'}, 'alert certificate expired'),
    'locked key': ({'cert': 'client.pem', 'key': 'locked.key'}, 'locked.key'),
    'another key': ({'cert': 'client.pem', 'key': 'self.key'}, 'key'),
    'no such cert': ({'cert': 'absent.pem', 'key': 'client.key'}, 'absent.pem'),
    'no such key': ({'cert': 'client.pem', 'key': 'absent.key'}, 'absent.key'),
}


@pytest.fixture(scope='module')
def certificates(tmp_path_factory):
    """A directory: those of make(), and client with its key, plain and locked."""
    directory = tmp_path_factory.mktemp('certificates')
    make(directory)
    sign(directory, 'client', 'subjectAltName=DNS:client.example.com')
    openssl(directory, 'ec', '-in', 'client.key', '-aes128', '-passout', 'pass:1234', '-out', 'locked.key')
    (directory / 'both.pem').write_bytes((directory / 'client.pem').read_bytes() +
                                         (directory / 'client.key').read_bytes())
    return directory


@pytest.fixture
def secure(raw, certificates):
    """secure('expired') starts a server with this certificate; wants_us: it asks for one of ours."""
    def start(name='good', wants_us=False):
        made = context(certificates, name)
        if wants_us:
            made.verify_mode = ssl.CERT_REQUIRED
            made.load_verify_locations(certificates / 'ca.pem')
        return raw(Paged(ITEMS), tls=made)
    return start


@pytest.fixture
def cloud(tmp_path, certificates):
    """cloud(url, cacert='ca.pem', ...) writes a clouds.yaml with the cloud "x"; the environment that finds it."""
    def write(url, auth=None, **settings):
        lines = ['clouds:', '  x:', '    auth:']
        lines += ['      %s: "%s"' % pair for pair in (auth or {'token': harness.TOKEN}).items()]
        lines += ['    auth_type: %s' % ('password' if auth else 'token')]
        lines += [] if auth else ['    image_endpoint_override: "%s"' % url]
        for name, value in settings.items():
            lines.append('    %s: %s' % (name, value if name == 'verify' else '"%s"' % (certificates / value)))
        path = tmp_path / 'clouds.yaml'
        path.write_text('\n'.join(lines) + '\n')
        path.chmod(0o600)
        return {'OS_CLIENT_CONFIG_FILE': str(path), 'HOME': str(tmp_path)}
    return write


def refusal(mount, source, env=None, **named):
    """The one line that a mount which comes to nothing says."""
    with pytest.raises(harness.MountFailed) as failed:
        mount(source, env=env, **named)
    assert failed.value.status == 1
    lines = failed.value.lines()
    assert len(lines) == 1, lines
    return lines[0]


def works(mount, env):
    return mount('x', env=env).list('by-id') == sorted(item['id'] for item in ITEMS)


def test_url_and_the_system_store(mount, secure):
    server = secure()
    assert 'unable to get local issuer certificate' in refusal(mount, server.url, {'OS_TOKEN': harness.TOKEN})
    assert not server.requests


def test_trusted(mount, secure, cloud):
    server = secure()
    assert works(mount, cloud(server.url, cacert='ca.pem'))
    assert {request.headers['x-auth-token'] for request in server.requests} == {harness.TOKEN}


def test_trusted_by_a_link(mount, secure, cloud, certificates, tmp_path):
    """As where the system's certificates are links to what a tool makes elsewhere."""
    (tmp_path / 'made').symlink_to(certificates / 'ca.pem')
    (tmp_path / 'ca-bundle.pem').symlink_to('made')
    assert works(mount, cloud(secure().url, cacert=tmp_path / 'ca-bundle.pem'))


def test_self_signed_and_known(mount, secure, cloud):
    assert works(mount, cloud(secure('self').url, cacert='self.pem'))


@pytest.mark.parametrize('background', [False, True], ids=['foreground', 'background'])
@pytest.mark.parametrize('case', REFUSED)
def test_refused(mount, secure, cloud, case, background):
    name, settings, words = REFUSED[case]
    server = secure(name)
    assert words in refusal(mount, 'x', cloud(server.url, **settings), background=background)
    assert not server.requests
    assert server.connections <= 1


@pytest.mark.parametrize('name', ['good', 'self', 'expired', 'elsewhere'])
def test_verify_is_false(mount, secure, cloud, name):
    assert works(mount, cloud(secure(name).url, verify='false'))


@pytest.mark.parametrize('settings', [{'cert': 'client.pem', 'key': 'client.key'}, {'cert': 'both.pem'}],
                         ids=['two files', 'one file'])
def test_our_certificate(mount, secure, cloud, settings):
    assert works(mount, cloud(secure(wants_us=True).url, cacert='ca.pem', **settings))


@pytest.mark.parametrize('case', REFUSED_US)
def test_our_certificate_refused(mount, secure, cloud, case):
    settings, words = REFUSED_US[case]
    server = secure(wants_us=True)
    assert words in refusal(mount, 'x', cloud(server.url, cacert='ca.pem', **settings))
    assert not server.requests
    assert server.connections <= 1


def test_no_terminal_is_asked_for_a_password(secure, cloud, directory):
    """A daemon that waits for one would hang at boot."""
    server = secure(wants_us=True)
    work = directory()
    (work / 'mnt').mkdir()
    env = harness.environment(str(work / 'sanitizer'),
                              **cloud(server.url, cacert='ca.pem', cert='client.pem', key='locked.key'))
    child, terminal = pty.fork()
    if child == 0:
        try:
            os.execve(harness.IMSFS, [harness.IMSFS, '-f', 'x', str(work / 'mnt')], env)
        finally:
            os._exit(127)
    shown = b''
    try:
        while b'pass phrase' not in shown:
            shown += os.read(terminal, 4096)
    except OSError:  # the terminal's other end is closed
        pass
    if b'pass phrase' in shown:
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    os.close(terminal)
    assert b'locked.key' in shown and shown.count(b'\n') == 1, shown
    assert os.waitstatus_to_exitcode(status) == 1


def test_lazy(mount, secure, cloud):
    """The mount is there; its readers get the error of the table and status.json the cause."""
    mounted = mount('x', 'lazy', env=cloud(secure('expired').url, cacert='ca.pem'))
    assert harness.error_of(os.listdir, mounted.path('by-id')) == 'EHOSTUNREACH'
    assert b'certificate has expired' in mounted.read('.imsfs', 'status.json')


@pytest.mark.parametrize('case', ['self-signed', 'expired', 'of another host'])
def test_a_password_goes_to_nobody_unproven(mount, secure, cloud, case):
    name, settings, words = REFUSED[case]
    server = secure(name)
    auth = {'auth_url': server.url + '/v3', 'username': 'demo', 'password': PASSWORD, 'project_name': 'demo',
            'user_domain_name': 'Default', 'project_domain_name': 'Default'}
    line = refusal(mount, 'x', cloud(server.url, auth=auth, **settings))
    assert words in line and PASSWORD not in line
    assert not server.requests
