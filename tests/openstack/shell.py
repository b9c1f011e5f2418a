#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs a command, or a shell, beside a Keystone and a Glance that are full of images, with an account on them: the
OS_* variables, and a clouds.yaml with the clouds ops and credential (an application credential). All of it is gone
when the command ends.

Usage: tests/openstack/shell.py [COMMAND ARGUMENT...]     for example: ... env -u OS_AUTH_URL imsfs ops /mnt
"""
import os
import subprocess
import sys

sys.dont_write_bytecode = True

import accounts  # noqa: E402
import cloud  # noqa: E402
import servers  # noqa: E402


def clouds(filled):
    """What is in clouds.yaml."""
    return {
        'ops': {'auth': accounts.password_auth(filled.keystone, cloud.OPS), 'region_name': 'RegionOne'},
        'credential': {'auth_type': 'v3applicationcredential', 'region_name': 'RegionOne', 'auth': {
            'auth_url': filled.keystone.root + '/v3', 'application_credential_id': filled.credential_id,
            'application_credential_secret': filled.credential_secret}},
    }


def main(command):
    with servers.Pair(cloud.ADMIN_PASSWORD, cloud.SERVICE_PASSWORD) as pair:
        filled = cloud.Cloud(pair)
        path = accounts.write_clouds(pair.home, clouds(filled))
        env = {**os.environ, **accounts.variables(filled.keystone, cloud.OPS), 'OS_CLIENT_CONFIG_FILE': path}
        return subprocess.run(command or [os.environ.get('SHELL', '/bin/sh')], env=env).returncode


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
