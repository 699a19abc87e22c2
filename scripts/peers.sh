#!/bin/sh
# Brings the programs that the tests run against. As root on Debian it installs
# what is missing; as anyone else it names what is missing and fails, because a
# test that silently leaves out a peer proves nothing.
#
# Peers run with /usr/bin/python3, whatever python3 comes first on PATH: that is
# the one Debian's python3-paramiko and python3-asyncssh belong to.
set -eu

PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

# missing prints the packages that are not here yet, one a line.
missing() {
	while read -r package probe; do
		sh -c "$probe" >/dev/null 2>&1 || echo "$package"
	done <<-'LIST'
		gcc command -v gcc
		libc6-dev test -e /usr/include/stdlib.h
		openssh-client command -v ssh && command -v ssh-keygen && command -v ssh-agent
		openssh-server command -v sshd
		curl command -v curl
		dropbear-bin command -v dropbear && command -v dbclient && command -v dropbearkey
		openssl command -v openssl
		libnss-wrapper ls /usr/lib/*/libnss_wrapper.so /usr/lib/libnss_wrapper.so 2>/dev/null | grep -q .
		putty-tools command -v plink && command -v puttygen
		putty command -v pageant
		mandoc command -v mandoc
		tinyproxy-bin command -v tinyproxy
		squid test -x /usr/sbin/squid && test -x /usr/lib/squid/digest_file_auth
		corkscrew command -v corkscrew
		inetutils-telnet command -v inetutils-telnet
		inetutils-telnetd command -v telnetd
		rsh-redone-server command -v in.rlogind
		netcat-openbsd nc -h 2>&1 | grep -q OpenBSD
		python3-paramiko /usr/bin/python3 -c 'import paramiko'
		python3-asyncssh /usr/bin/python3 -c 'import asyncssh'
		unbound command -v unbound
		ldnsutils command -v ldns-signzone
		iproute2 command -v ip
		xvfb command -v Xvfb
		xauth command -v xauth
		x11-utils command -v xdpyinfo
		x11-apps command -v xcalc && command -v xwd
		iproute2 command -v ip && command -v ss
		tmux command -v tmux
		less command -v less
		git command -v git
		rsync command -v rsync
		ansible-core command -v ansible-playbook
		mosh command -v mosh
		sshfs command -v sshfs
		autossh command -v autossh
		pdsh command -v pdsh
		borgbackup command -v borg
		wine command -v wine
		wine64 test -x /usr/lib/wine/wine64
		gcc-mingw-w64-x86-64-win32 command -v x86_64-w64-mingw32-gcc-win32
	LIST
}

# install_packages leaves every service stopped: a test starts its own daemons,
# on loopback, with its own files.
install_packages() {
	policy=/usr/sbin/policy-rc.d
	if [ ! -e $policy ]; then
		printf '#!/bin/sh\nexit 101\n' >$policy
		chmod 755 $policy
		trap 'rm -f /usr/sbin/policy-rc.d' EXIT
	fi
	export DEBIAN_FRONTEND=noninteractive
	apt-get -q -y update
	# shellcheck disable=SC2086 # a list of package names
	apt-get -q -y -o Dpkg::Options::=--force-confold install --no-install-recommends $1 </dev/null
}

lacking=$(missing | tr '\n' ' ')
if [ -n "$lacking" ]; then
	if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
		echo "missing: $lacking" >&2
		echo "install them (apt-get install $lacking), or run make test as root on Debian" >&2
		exit 1
	fi
	echo "installing: $lacking"
	log=$(mktemp)
	if ! install_packages "$lacking" >"$log" 2>&1; then
		tail -n 40 "$log" >&2
		exit 1
	fi
	rm -f "$log"
	lacking=$(missing | tr '\n' ' ')
	if [ -n "$lacking" ]; then
		echo "still missing after apt-get install: $lacking" >&2
		exit 1
	fi
fi

# sshd refuses to start as root without its privilege separation directory.
if [ "$(id -u)" = 0 ]; then
	mkdir -p -m 755 /run/sshd
fi
