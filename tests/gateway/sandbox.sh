#!/bin/sh
# Run a command as root of a copy of this system: what it writes to /etc, /usr, /var and /run goes
# into memory, its network is empty but for loopback and a LAN address, its processes end with it.
# sandbox.sh COMMAND...
set -eu
[ "${INSIDE:-}" = yes ] || INSIDE=yes exec unshare --mount --net --pid --fork --mount-proc sh "$0" "$@"
upper=$(mktemp -d)
mount -t tmpfs none "$upper"
for folder in etc usr var; do
	mkdir "$upper/$folder" "$upper/$folder.work"
	mount -t overlay none -o "lowerdir=/$folder,upperdir=$upper/$folder,workdir=$upper/$folder.work" "/$folder"
done
mount -t tmpfs none /run
ip link set lo up
ip address add 192.168.1.1/24 dev lo
rm -f /etc/postfix/main.cf
exec "$@"
