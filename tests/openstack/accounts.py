# SPDX-License-Identifier: Apache-2.0
"""Accounts as operators write them down: clouds.yaml, secure.yaml, the OS_* variables."""
import json
import os

import servers


def yaml(fields, depth=0):
    """Nested mappings of strings and booleans. JSON's strings are YAML's double-quoted ones."""
    text = ''
    for key, value in fields.items():
        text += '  ' * depth + key + ':'
        text += '\n' + yaml(value, depth + 1) if isinstance(value, dict) else ' %s\n' % json.dumps(
            value, ensure_ascii=False)
    return text


def write_clouds(directory, clouds, name='clouds.yaml'):
    """The path of a file that only we can read."""
    path = os.path.join(str(directory), name)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 'w', encoding='utf-8') as file:
        file.write(yaml({'clouds': clouds}))
    return path


def write_token(directory, token):
    """A file with a token, replaced in one step, as those who renew one do it."""
    path = os.path.join(str(directory), 'token')
    with open(os.open(path + '.new', os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 'w') as file:
        file.write(token + '\n')
    os.rename(path + '.new', path)
    return path


def password_auth(keystone, user):
    """The section auth of a cloud."""
    return {'auth_url': keystone.root + '/v3', 'username': user.name, 'password': user.password,
            'project_name': user.project, 'user_domain_name': user.domain, 'project_domain_name': user.project_domain}


def variables(keystone, user, **changes):
    """The OS_* of an RC file; None leaves one out."""
    found = {'OS_' + key.upper(): value for key, value in password_auth(keystone, user).items()}
    found.update({'OS_IDENTITY_API_VERSION': '3', 'OS_REGION_NAME': 'RegionOne'}, **changes)
    return {key: value for key, value in found.items() if value is not None}


def listed_by_openstack(env):
    """The ids that the openstack command lists with these variables."""
    command = servers.begin('/usr/bin/openstack', 'image', 'list', '-f', 'value', '-c', 'ID', **env)
    output, _ = command.communicate(timeout=120)
    assert command.returncode == 0, 'openstack itself fails: ' + output[-1000:]
    return sorted(output.split())
