# SPDX-License-Identifier: Apache-2.0
"""Each way to sign in: the mount has what the openstack command lists, and what GET /v2/images/{id} says."""
import json

import pytest

import accounts
import api
import harness
import reference
from cloud import OPS, TOTP, TOTP_SECRET, TWIN

# Fields that only one of GET /v2/images (which image.json is from) and GET /v2/images/{id} has: none.
ONLY_LISTED = set()
ONLY_BY_ID = set()

WAYS = []


def way(user=OPS, openstack=()):
    """Registers make(cloud, directory) -> (source, options, env). openstack: what that command needs besides, to do
    the same; None where it cannot, or is too slow to be asked each time."""
    def register(make):
        WAYS.append(pytest.param(make, user, openstack, id=make.__name__))
        return make
    return register


def one_cloud(directory, auth, **fields):
    """The variable that leads to a file with one cloud, called x."""
    clouds = {'x': {'auth': auth, 'region_name': 'RegionOne', **fields}}
    return {'OS_CLIENT_CONFIG_FILE': accounts.write_clouds(directory, clouds)}


@way()
def cloud_by_name_and_os_cloud(cloud, directory):
    env = one_cloud(directory, accounts.password_auth(cloud.keystone, OPS))
    return 'x', [], {'OS_CLOUD': 'x', **env}


@way()
def os_variables_alone(cloud, directory):
    return None, [], accounts.variables(cloud.keystone, OPS)


@way()
def application_credential_in_clouds_yaml(cloud, directory):
    env = one_cloud(directory, {
        'auth_url': cloud.keystone.root, 'application_credential_id': cloud.credential_id,
        'application_credential_secret': cloud.credential_secret}, auth_type='v3applicationcredential')
    return 'x', [], {'OS_CLOUD': 'x', **env}


@way(openstack=None)
def application_credential_in_os_variables(cloud, directory):
    return None, [], {'OS_AUTH_TYPE': 'v3applicationcredential', 'OS_AUTH_URL': cloud.keystone.root + '/v3',
                      'OS_APPLICATION_CREDENTIAL_ID': cloud.credential_id,
                      'OS_APPLICATION_CREDENTIAL_SECRET': cloud.credential_secret, 'OS_REGION_NAME': 'RegionOne'}


@way(openstack=None)
def application_credential_by_name(cloud, directory):
    env = one_cloud(directory, {
        'auth_url': cloud.keystone.root + '/v3/', 'application_credential_name': 'imsfs',
        'application_credential_secret': cloud.credential_secret, 'username': OPS.name,
        'user_domain_name': OPS.domain}, auth_type='v3applicationcredential')
    return 'x', [], env


@way(openstack=None)
def token_file_for_an_image_service(cloud, directory):
    path = accounts.write_token(directory, cloud.keystone.sign_in(OPS))
    return cloud.glance_root, ['token_file=' + path], {}


@way(openstack=None)
def token_file_and_auth_url(cloud, directory):
    path = accounts.write_token(directory, cloud.keystone.sign_in(OPS))
    return None, ['token_file=' + path], {'OS_AUTH_URL': cloud.keystone.root + '/v3', 'OS_REGION_NAME': 'RegionOne'}


@way(openstack=None)
def token_without_a_project_that_is_named(cloud, directory):
    """Keystone gives a token of the project for it."""
    path = accounts.write_token(directory, cloud.keystone.sign_in(OPS, scope=False))
    return None, ['token_file=' + path], accounts.variables(cloud.keystone, OPS, OS_USERNAME=None, OS_PASSWORD=None,
                                                            OS_USER_DOMAIN_NAME=None)


@way(openstack=None)
def token_in_os_variables(cloud, directory):
    return None, [], accounts.variables(cloud.keystone, OPS, OS_AUTH_TYPE='v3token', OS_USERNAME=None,
                                        OS_PASSWORD=None, OS_USER_DOMAIN_NAME=None,
                                        OS_TOKEN=cloud.keystone.sign_in(OPS))


@way(openstack={'OS_CLOUD': 'x'})
def only_cloud_with_secure_yaml(cloud, directory):
    """Found where it usually is, without a word."""
    folder = directory / 'openstack'
    folder.mkdir()
    auth = accounts.password_auth(cloud.keystone, OPS)
    accounts.write_clouds(folder, {'x': {'auth': {'password': auth.pop('password')}}}, 'secure.yaml')
    accounts.write_clouds(folder, {'x': {'auth': auth, 'region_name': 'RegionOne'}})
    return None, [], {'XDG_CONFIG_HOME': str(directory)}


@way(user=TWIN)
def names_in_another_domain(cloud, directory):
    """User, project and their names are there twice."""
    return None, [], accounts.variables(cloud.keystone, TWIN)


@way(user=TWIN, openstack=None)
def ids_instead_of_names(cloud, directory):
    env = one_cloud(directory, {'auth_url': cloud.keystone.root + '/v3', 'user_id': cloud.user_id(TWIN),
                                'password': TWIN.password, 'project_id': cloud.project_id(TWIN)})
    return 'x', [], env


@way(openstack=None)
def project_by_id(cloud, directory):
    return None, [], accounts.variables(cloud.keystone, OPS, OS_PROJECT_NAME=None, OS_PROJECT_DOMAIN_NAME=None,
                                        OS_PROJECT_ID=cloud.project_id(OPS))


@way(openstack=None)
def domains_by_id(cloud, directory):
    return None, [], accounts.variables(cloud.keystone, OPS, OS_USER_DOMAIN_NAME=None, OS_PROJECT_DOMAIN_NAME=None,
                                        OS_USER_DOMAIN_ID='default', OS_PROJECT_DOMAIN_ID='default')


@way()
def internal_interface(cloud, directory):
    """Of a region whose public one leads nowhere; its URL ends in /v2/."""
    env = one_cloud(directory, accounts.password_auth(cloud.keystone, OPS), region_name='RegionTwo',
                    interface='internal')
    return 'x', [], {'OS_CLOUD': 'x', **env}


@way()
def image_endpoint_override(cloud, directory):
    env = one_cloud(directory, accounts.password_auth(cloud.keystone, OPS), region_name='RegionTwo',
                    image_endpoint_override=cloud.glance_root)
    return 'x', [], {'OS_CLOUD': 'x', **env}


@way(openstack=None)
def passcode(cloud, directory):
    env = one_cloud(directory, {**accounts.password_auth(cloud.keystone, TOTP),
                                'passcode': api.passcode(TOTP_SECRET)},
                    auth_type='v3multifactor', auth_methods=['v3password', 'v3totp'])
    return 'x', [], env


def comparable(record):
    return {**record, 'tags': sorted(record['tags'])}


def check_images(mounted, expected):
    """by-id and each image.json."""
    assert sorted(mounted.list('by-id')) == sorted(expected)
    for id, record in expected.items():
        found = json.loads(mounted.read('by-id', id, 'image.json'))
        assert set(found) - set(record) <= ONLY_LISTED, id
        assert set(record) - set(found) <= ONLY_BY_ID, id
        for field in set(found) & set(record):
            assert comparable(found)[field] == comparable(record)[field], (id, field)


@pytest.mark.limit(90)
@pytest.mark.parametrize('make, user, openstack', WAYS)
def test_way(signed, cloud, records, tmp_path, make, user, openstack):
    source, options, env = make(cloud, tmp_path)
    mounted = signed(source, *options, env=env)
    expected = records(user)
    assert len(expected) > 5
    if openstack is not None:
        assert mounted.list('by-id') == accounts.listed_by_openstack({**env, **dict(openstack)})
    check_images(mounted, expected)


def normal(path, node):
    """Glance gives tags in any order."""
    name = path.rpartition(b'/')[2]
    if name == b'tags' and node.kind == 'f':
        return node._replace(data=b'\n'.join(sorted(node.data.split(b'\n'))))
    if name == b'image.json' and node.kind == 'f':
        return node._replace(data=json.dumps(comparable(json.loads(node.data))).encode())
    return node


@pytest.mark.limit(90)
def test_whole_tree(signed, cloud):
    """Names, contents, links and times of all that the list has, by the manual's rules."""
    mounted = signed(None, env=accounts.variables(cloud.keystone, OPS))
    text = api.raw(cloud.glance_root + '/v2/images?limit=1000', cloud.keystone.sign_in(OPS))
    expected = {path: normal(path, node) for path, node in reference.build(text).items()}
    found = {path: normal(path, node) for path, node in harness.snapshot(mounted.point).items()}
    assert len(expected) > 2000
    assert not harness.differences(expected, found)


def test_pages(signed, cloud, records):
    """Of Glance's: each full page has a next link, even the last."""
    mounted = signed(None, 'page_size=20', env=accounts.variables(cloud.keystone, OPS))
    assert mounted.list('by-id') == sorted(records(OPS))
    assert mounted.status()['pages'] == len(records(OPS)) // 20 + 1
