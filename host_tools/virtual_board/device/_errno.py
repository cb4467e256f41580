"""The stand-in for `errno` of the esp32, whose C library has numbers of its own."""

from uerrno import *

ECONNABORTED = 113
EADDRINUSE = 112
EHOSTUNREACH = 118
EINPROGRESS = 119
EALREADY = 120
ETIMEDOUT = 116
ENOTCONN = 128
EISCONN = 127
