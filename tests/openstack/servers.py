# SPDX-License-Identifier: Apache-2.0
"""A real Keystone and a real Glance on loopback, from Debian's packages, in a folder of their own.

Nothing outside that folder is read but the packages, nothing is left when they end, and they end with this
process, however it ends. Keystone runs in uwsgi, as Debian's service does; Glance with its own server, as well.
"""
import base64
import contextlib
import ctypes
import os
import random
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

PYTHON = '/usr/bin/python3'  # the packages are Debian's
HOST = '127.0.0.1'
START_SECONDS = 90  # on a busy machine; what it usually takes is a tenth
NEEDED = ('/usr/bin/uwsgi', '/usr/bin/keystone-manage', '/usr/bin/keystone-wsgi-public', '/usr/bin/openstack',
          '/usr/lib/python3/dist-packages/glance/cmd/api.py', '/usr/lib/uwsgi/plugins/python3_plugin.so')
GLANCE_API = 'import sys; sys.argv[0] = "glance-api"; from glance.cmd.api import main; main()'
GLANCE_MANAGE = 'import sys; sys.argv[0] = "glance-manage"; from glance.cmd.manage import main; main()'
PR_SET_PDEATHSIG = 1

KEYSTONE_CONF = """\
[DEFAULT]
log_file = {folder}/keystone.log
[database]
connection = sqlite:///{home}/keystone.db
sqlite_synchronous = false
[auth]
methods = password,token,application_credential,totp
[identity]
# As few rounds of bcrypt as it takes: the passwords here are no secrets.
password_hash_rounds = 4
[token]
provider = fernet
expiration = {lifetime}
[fernet_tokens]
key_repository = {home}/fernet
[fernet_receipts]
key_repository = {home}/fernet
[credential]
key_repository = {home}/credential
"""

# One thread: with more, SQLite's lock is met as 500 'database is locked'. The header: uwsgi closes each connection
# after the answer, and does not say so by itself. The log: what Keystone.log_lines() reads.
KEYSTONE_UWSGI = """\
[uwsgi]
plugins = python3
http-socket = {host}:{port}
add-header = Connection: close
master = true
processes = {processes}
threads = 1
enable-threads = true
lazy-apps = true
thunder-lock = true
die-on-term = true
no-orphans = true
buffer-size = 65535
wsgi-file = /usr/bin/keystone-wsgi-public
env = OS_KEYSTONE_CONFIG_DIR={folder}
env = OS_KEYSTONE_CONFIG_FILES=keystone.conf
log-format = request: %(method) %(uri) %(status)
"""

GLANCE_CONF = """\
[DEFAULT]
bind_host = {host}
bind_port = {port}
workers = 2
log_file = {folder}/glance.log
enabled_backends = files:file
node_staging_uri = file://{folder}/staging
[database]
connection = sqlite:///{folder}/glance.db
sqlite_synchronous = false
[glance_store]
default_backend = files
[files]
filesystem_store_datadir = {folder}/images
[os_glance_tasks_store]
filesystem_store_datadir = {folder}/tasks
[os_glance_staging_store]
filesystem_store_datadir = {folder}/staging
[keystone_authtoken]
www_authenticate_uri = {keystone}
auth_url = {keystone}
auth_type = password
project_name = service
project_domain_name = Default
username = glance
user_domain_name = Default
password = {password}
region_name = RegionOne
[oslo_concurrency]
lock_path = {folder}/lock
[paste_deploy]
flavor = keystone
config_file = {folder}/paste.ini
"""

# What Debian ships for flavor=keystone.
GLANCE_PASTE = """\
[pipeline:glance-api-keystone]
pipeline = cors healthcheck http_proxy_to_wsgi versionnegotiation osprofiler authtoken context rootapp
[composite:rootapp]
paste.composite_factory = glance.api:root_app_factory
/: apiversions
/v2: apiv2app
[app:apiversions]
paste.app_factory = glance.api.versions:create_resource
[app:apiv2app]
paste.app_factory = glance.api.v2.router:API.factory
[filter:healthcheck]
paste.filter_factory = oslo_middleware:Healthcheck.factory
[filter:versionnegotiation]
paste.filter_factory = glance.api.middleware.version_negotiation:VersionNegotiationFilter.factory
[filter:context]
paste.filter_factory = glance.api.middleware.context:ContextMiddleware.factory
[filter:authtoken]
paste.filter_factory = keystonemiddleware.auth_token:filter_factory
delay_auth_decision = true
[filter:osprofiler]
paste.filter_factory = osprofiler.web:WsgiMiddleware.factory
[filter:cors]
paste.filter_factory = oslo_middleware.cors:filter_factory
oslo_config_project = glance
oslo_config_program = glance-api
[filter:http_proxy_to_wsgi]
paste.filter_factory = oslo_middleware:HTTPProxyToWSGI.factory
"""


class NotStarted(Exception):
    pass


def missing():
    """What the packages would have brought."""
    return [path for path in NEEDED if not os.path.exists(path)]


def free_port():
    """A port that nobody has, below those that the kernel gives to connections and to servers that ask for any."""
    for _ in range(200):
        port = random.randrange(15000, 32000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind((HOST, port))
            return port
    raise NotStarted('no free port')


def environment():
    """Ours without what would lead the servers, or the openstack command, elsewhere."""
    foreign = re.compile('OS_|PYTHON|UWSGI_|.*_proxy$', re.I)
    return {'PATH': '/usr/sbin:/usr/bin:/sbin:/bin', 'LANG': 'C.UTF-8', 'HOME': '/nonexistent',
            **{name: value for name, value in os.environ.items() if name == 'TMPDIR' and not foreign.match(name)}}


def end_with_parent():
    """Called in the child: it gets SIGTERM when we end, even by SIGKILL."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


class Process:
    """A server in the foreground, in a process group of its own, with its output in a file."""

    def __init__(self, command, output, url):
        self.command = command
        self.output = output
        self.url = url
        self.process = None

    def launch(self):
        with open(self.output, 'ab') as output:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=output,
                                            stderr=subprocess.STDOUT, env=environment(), cwd='/',
                                            start_new_session=True, preexec_fn=end_with_parent)
        return self

    def answers(self):
        try:
            urllib.request.build_opener(urllib.request.ProxyHandler({})).open(self.url, timeout=START_SECONDS).close()
        except urllib.error.HTTPError:
            pass  # Glance says 300
        except OSError:
            return False
        return True

    def wait(self):
        """Until it answers."""
        end = time.monotonic() + START_SECONDS
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > end:
                self.stop()
                raise NotStarted('%s does not answer:\n%s' % (self.url, self.tail()))
            time.sleep(0.1)
        return self

    def tail(self):
        with open(self.output, errors='replace') as file:
            return ''.join(file.readlines()[-20:])

    def stop(self):
        """SIGTERM, and what is left of the group after a few seconds goes the hard way."""
        if not self.process:
            return
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(2)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process = None


class Keystone(Process):
    """One server over the database of the pair; its tokens live for some seconds."""

    def __init__(self, home, name, lifetime, processes):
        self.port = free_port()
        self.folder = os.path.join(home, name)
        self.database = os.path.join(home, 'keystone.db')
        os.mkdir(self.folder)
        names = {'home': home, 'folder': self.folder, 'lifetime': lifetime, 'host': HOST, 'port': self.port,
                 'processes': processes}
        self.config = write(self.folder, 'keystone.conf', KEYSTONE_CONF.format(**names))
        uwsgi = write(self.folder, 'uwsgi.ini', KEYSTONE_UWSGI.format(**names))
        self.root = 'http://%s:%d' % (HOST, self.port)
        super().__init__(['/usr/bin/uwsgi', '--ini', uwsgi], os.path.join(self.folder, 'uwsgi.log'), self.root + '/v3')

    def make_database(self, admin_password):
        manage = '/usr/bin/keystone-manage', '--config-file', self.config, '--config-dir', self.folder
        finish(begin(*manage, 'db_sync'))
        use_write_ahead_log(self.database)
        url = self.root + '/v3/'
        finish(begin(*manage, 'bootstrap', '--bootstrap-region-id', 'RegionOne', '--bootstrap-public-url', url,
                     '--bootstrap-internal-url', url, '--bootstrap-admin-url', url,
                     OS_BOOTSTRAP_PASSWORD=admin_password))

    def start(self):
        return self.launch().wait()

    def requests(self):
        """(method, path, status) of each so far."""
        with open(self.output, errors='replace') as file:
            return re.findall(r'^request: (\S+) (\S+) (\d+)$', file.read(), re.M)

    def sign_ins(self):
        """The statuses that those who wanted a token got so far."""
        return [int(status) for method, path, status in self.requests()
                if (method, path) == ('POST', '/v3/auth/tokens')]


class Glance(Process):
    def __init__(self, home, keystone, password):
        self.port = free_port()
        folder = os.path.join(home, 'glance')
        for part in ('', 'images', 'staging', 'tasks', 'lock', 'none'):
            os.mkdir(os.path.join(folder, part))
        self.database = os.path.join(folder, 'glance.db')
        write(folder, 'paste.ini', GLANCE_PASTE)
        config = write(folder, 'glance-api.conf', GLANCE_CONF.format(
            host=HOST, port=self.port, folder=folder, keystone=keystone, password=password))
        options = ['--config-file', config, '--config-dir', os.path.join(folder, 'none')]
        self.manage = [PYTHON, '-c', GLANCE_MANAGE, *options]
        self.root = 'http://%s:%d' % (HOST, self.port)
        super().__init__([PYTHON, '-c', GLANCE_API, *options], os.path.join(folder, 'output'), self.root + '/')


class Pair:
    """Keystone and Glance with empty databases. Use as a context, or end with stop()."""

    def __init__(self, admin_password, service_password):
        if missing():
            raise NotStarted('missing: ' + ' '.join(missing()))
        self.home = tempfile.mkdtemp(prefix='imsfs-openstack-')
        self.servers = []
        try:
            self.keystone = self.add_keystone('keystone', 3600, 2)
            self.glance = Glance(self.home, self.keystone.root, service_password)
            self.servers.append(self.glance)
            self.start(admin_password)
        except BaseException:
            self.stop()
            raise

    def add_keystone(self, name, lifetime, processes=1):
        """One more door to the same users, with tokens that live shorter. It is not started yet."""
        self.servers.append(Keystone(self.home, name, lifetime, processes))
        return self.servers[-1]

    def start(self, admin_password):
        make_keys(self.home, 'fernet')
        make_keys(self.home, 'credential')
        with begin(*self.glance.manage, 'db_sync') as sync:  # both take their seconds
            self.keystone.make_database(admin_password)
            finish(sync)
        use_write_ahead_log(self.glance.database)
        self.keystone.launch()
        self.glance.launch()
        self.keystone.wait()
        self.glance.wait()

    def stop(self):
        for server in self.servers:
            server.stop()
        shutil.rmtree(self.home, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def write(folder, name, text):
    path = os.path.join(folder, name)
    with open(path, 'w') as file:
        file.write(text)
    return path


def begin(*command, **variables):
    """A command that ends by itself; for finish()."""
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            env={**environment(), **variables}, cwd='/', preexec_fn=end_with_parent, text=True)


def finish(process):
    output, _ = process.communicate()
    if process.returncode:
        raise NotStarted('status %d: %s\n%s' % (process.returncode, ' '.join(process.args), output[-2000:]))


def make_keys(home, name):
    """What keystone-manage fernet_setup and credential_setup make: a key in use, and the next one."""
    folder = os.path.join(home, name)
    os.mkdir(folder, 0o700)
    for number in ('0', '1'):
        write(folder, number, base64.urlsafe_b64encode(os.urandom(32)).decode())


def use_write_ahead_log(database):
    """Without it readers and writers lock each other out, and the servers answer 500."""
    connection = sqlite3.connect(database)
    connection.execute('PRAGMA journal_mode=WAL')
    connection.close()
