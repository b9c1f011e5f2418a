# SPDX-License-Identifier: Apache-2.0
"""What cannot be mounted: exit status 1, one line that names the cause, no secret in it, nothing left behind."""
import subprocess

import pytest

import accounts
import harness
from canary import FERNET, WORD
from cloud import BARE, CANARY, OPS


def refused(point, source, env, *options):
    """The one line."""
    command = [harness.IMSFS, *(word for option in options for word in ('-o', option)),
               *([source] if source else []), str(point)]
    result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, text=True,
                            env=harness.environment('/dev/null', HOME=str(point), XDG_CONFIG_HOME=None, **env))
    assert result.returncode == 1, (result.returncode, result.stderr)
    assert not result.stdout
    assert len(result.stderr.splitlines()) == 1, result.stderr
    assert result.stderr.startswith('imsfs: '), result.stderr
    assert WORD not in result.stderr and FERNET not in result.stderr, result.stderr
    assert str(point) not in harness.mounts() and not harness.processes_of(str(point))
    return result.stderr


def names(line, *words):
    missing = [word for word in words if word.lower() not in line.lower()]
    assert not missing, '%s: not in: %s' % (missing, line)


@pytest.mark.parametrize('changes, cause', [
    ({'OS_PASSWORD': CANARY + '-wrong'}, 'password'),
    ({'OS_USERNAME': 'nobody-7'}, 'nobody-7'),
    ({'OS_PROJECT_NAME': 'atlantis'}, 'atlantis'),
    ({'OS_PROJECT_NAME': None, 'OS_PROJECT_ID': '0123456789abcdef' * 2}, '0123456789abcdef' * 2),
    ({'OS_USER_DOMAIN_NAME': 'nowhere'}, 'domain'),
], ids=['password', 'user', 'project', 'project-id', 'domain'])
def test_keystone_says_no(point, cloud, short, changes, cause):
    """Once: who tries passwords is locked out."""
    before = len(short.sign_ins())
    line = refused(point, None, accounts.variables(short, OPS, **changes))
    names(line, 'sign', cause)
    harness.wait_for(lambda: len(short.sign_ins()) > before, 5)  # it writes the line after the answer
    assert short.sign_ins()[before:] == [401]


def test_application_credential_is_wrong(point, cloud):
    line = refused(point, None, {
        'OS_AUTH_TYPE': 'v3applicationcredential', 'OS_AUTH_URL': cloud.keystone.root,
        'OS_APPLICATION_CREDENTIAL_ID': cloud.credential_id, 'OS_APPLICATION_CREDENTIAL_SECRET': CANARY + '-wrong'})
    names(line, 'application credential')


def test_password_without_a_project(point, cloud):
    line = refused(point, None, accounts.variables(cloud.keystone, OPS, OS_PROJECT_NAME=None,
                                                   OS_PROJECT_DOMAIN_NAME=None))
    names(line, 'project')


def test_token_without_a_project(point, cloud, tmp_path):
    """Glance would take it, and show other people's images."""
    path = accounts.write_token(tmp_path, cloud.keystone.sign_in(OPS, scope=False))
    line = refused(point, None, {'OS_AUTH_URL': cloud.keystone.root + '/v3'}, 'token_file=' + path)
    names(line, 'project')


def test_token_that_keystone_does_not_know(point, cloud, tmp_path):
    path = accounts.write_token(tmp_path, FERNET + 'Bnot-a-token')
    line = refused(point, None, {'OS_AUTH_URL': cloud.keystone.root + '/v3'}, 'token_file=' + path)
    names(line, 'token')


def test_unknown_region(point, cloud):
    line = refused(point, None, accounts.variables(cloud.keystone, OPS, OS_REGION_NAME='RegionNine'))
    names(line, 'RegionNine', 'RegionOne', 'RegionTwo')


def test_unknown_interface(point, cloud):
    line = refused(point, None, accounts.variables(cloud.keystone, OPS, OS_REGION_NAME='RegionTwo',
                                                   OS_INTERFACE='admin'))
    names(line, 'admin', 'public', 'internal')


def test_no_image_service(point, cloud):
    line = refused(point, None, accounts.variables(cloud.keystone, BARE))
    names(line, 'image', 'catalog')


def test_image_service_that_is_not_there(point, cloud):
    """The catalog is right, its address is not."""
    line = refused(point, None, accounts.variables(cloud.keystone, OPS, OS_REGION_NAME='RegionTwo'), 'timeout=5')
    names(line, '127.0.0.1:1')


@pytest.mark.parametrize('how', ['argument', 'variable'])
def test_unknown_cloud(point, cloud, tmp_path, how):
    path = accounts.write_clouds(tmp_path, {name: {'auth': accounts.password_auth(cloud.keystone, OPS)}
                                            for name in ('berlin', 'paris')})
    env = {'OS_CLIENT_CONFIG_FILE': path, **({'OS_CLOUD': 'rome'} if how == 'variable' else {})}
    line = refused(point, 'rome' if how == 'argument' else None, env)
    names(line, 'rome', 'berlin', 'paris')


def test_which_cloud(point, cloud, tmp_path):
    path = accounts.write_clouds(tmp_path, {name: {'auth': accounts.password_auth(cloud.keystone, OPS)}
                                            for name in ('berlin', 'paris')})
    names(refused(point, None, {'OS_CLIENT_CONFIG_FILE': path}), 'berlin', 'paris')


def test_no_keystone_there(point, cloud):
    line = refused(point, None, accounts.variables(cloud.keystone, OPS, OS_AUTH_URL='http://127.0.0.1:1/v3'),
                   'timeout=5')
    names(line, '127.0.0.1:1')


def test_glance_is_not_keystone(point, cloud):
    line = refused(point, None, accounts.variables(cloud.keystone, OPS, OS_AUTH_URL=cloud.glance_root + '/v3'))
    names(line, cloud.glance_root)
