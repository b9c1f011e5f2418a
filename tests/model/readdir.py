# SPDX-License-Identifier: Apache-2.0
"""opendir(3) and its kin, for what os.scandir() cannot: to stop, to tell and to seek."""
import ctypes
import os

LIBC = ctypes.CDLL(None, use_errno=True)
AT_NAME = 19  # of struct dirent: after d_ino, d_off, d_reclen and d_type
for name, result, arguments in (('opendir', ctypes.c_void_p, (ctypes.c_char_p,)),
                                ('readdir', ctypes.c_void_p, (ctypes.c_void_p,)),
                                ('telldir', ctypes.c_long, (ctypes.c_void_p,)),
                                ('seekdir', None, (ctypes.c_void_p, ctypes.c_long)),
                                ('closedir', ctypes.c_int, (ctypes.c_void_p,))):
    getattr(LIBC, name).restype, getattr(LIBC, name).argtypes = result, arguments


def fail():
    number = ctypes.get_errno()
    raise OSError(number, os.strerror(number))


class Directory:
    """An open directory. names: what was read so far, as (place before it, name)."""

    def __init__(self, path):
        ctypes.set_errno(0)
        self.handle = LIBC.opendir(path)
        if not self.handle:
            fail()

    def next(self):
        """(place to seek to for this entry, its name), None at the end; "." and ".." are left out."""
        while True:
            place = LIBC.telldir(self.handle)
            ctypes.set_errno(0)
            entry = LIBC.readdir(self.handle)
            if not entry:
                if ctypes.get_errno():
                    fail()
                return None
            name = ctypes.string_at(entry + AT_NAME)
            if name not in (b'.', b'..'):
                return place, name

    def seek(self, place):
        LIBC.seekdir(self.handle, place)

    def close(self):
        LIBC.closedir(self.handle)
