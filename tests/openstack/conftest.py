# SPDX-License-Identifier: Apache-2.0
"""One pair of servers for all tests, and mounts that must keep its secrets. The rest is that of tests/mount."""
import importlib.util
import os
import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.dont_write_bytecode = True
sys.path[:0] = [str(HERE), str(HERE.parent / 'mount')]

import api  # noqa: E402
import cloud as cloud_module  # noqa: E402
import harness  # noqa: E402
import proxy as proxy_module  # noqa: E402
import servers  # noqa: E402
from canary import FERNET  # noqa: E402

SPEC = importlib.util.spec_from_file_location('mount_conftest', HERE.parent / 'mount/conftest.py')
mount_conftest = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(mount_conftest)
pytest_configure = mount_conftest.pytest_configure
directory = mount_conftest.directory
foreign_host = mount_conftest.foreign_host
limit = mount_conftest.limit
mount = mount_conftest.mount


def skipped():
    """Why these tests are not run; None where they are. IMSFS_REQUIRE=openstack wants them in any case."""
    missing = servers.missing()
    if not missing or 'openstack' in os.environ.get('IMSFS_REQUIRE', '').split():
        return None
    return 'no Keystone and Glance here (.ci/packages openstack): %s is missing' % missing[0]


def pytest_sessionstart(session):
    mount_conftest.pytest_sessionstart(session)
    if skipped():
        print('skipped: ' + skipped())


def pytest_collection_modifyitems(config, items):
    mount_conftest.pytest_collection_modifyitems(config, items)
    for item in items if skipped() else ():
        item.add_marker(pytest.mark.skip(reason=skipped()))


@pytest.fixture(scope='session')
def pair():
    with servers.Pair(cloud_module.ADMIN_PASSWORD, cloud_module.SERVICE_PASSWORD) as started:
        yield started


@pytest.fixture(scope='session')
def cloud(pair):
    return cloud_module.Cloud(pair)


@pytest.fixture(scope='session')
def short(pair, cloud):
    """A Keystone whose tokens live for short.lifetime seconds. A test that stops it starts it again."""
    lifetime = 20 if os.environ.get('IMSFS_TEST_ALL') else 10
    started = pair.add_keystone('short', lifetime)
    started.lifetime = lifetime
    return started.start()


@pytest.fixture(scope='session')
def records(cloud):
    """records(user): what GET /v2/images/{id} says about each image that the user's list has."""
    known = {}

    def get(user):
        if user not in known:
            service = api.Glance(cloud.glance_root, cloud.keystone.sign_in(user))
            known[user] = {image['id']: service.image(image['id']) for image in service.list()}
        return known[user]
    return get


@pytest.fixture
def proxy():
    """proxy(root, hold=None) opens one door."""
    started = []

    def start(*arguments, **named):
        started.append(proxy_module.Proxy(*arguments, **named))
        return started[-1]

    yield start
    for one in started:
        one.close()


@pytest.fixture
def signed(mount, tmp_path):
    """signed(source or None, *options, env=...): a mount of somebody who has no other files, with all that it can say
    about itself. What it says must hold no secret; the fixture mount looks for the passwords everywhere."""
    started = []

    def start(source, *options, env, **named):
        started.append(mount(source, *options, env={'HOME': str(tmp_path), 'XDG_CONFIG_HOME': None, **env},
                             arguments=['-d'], **named))
        return started[-1]

    yield start
    for one in started:
        assert FERNET not in one.stderr(), 'a token is on stderr'


@pytest.fixture
def point(tmp_path):
    path = tmp_path / 'mnt'
    path.mkdir()
    yield path
    harness.clear(str(path))
