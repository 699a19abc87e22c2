# A machine in namespaces of its own, whose host key vouches for its user to its
# own sshd. Run as
#   unshare … sh try.sh nacre-program
# in a directory that hostbased_linux_test.go has filled. Each login's output
# goes to out.CASE.
set -e
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
dir=$PWD
ip link set lo up
mkdir home
for type in ed25519 rsa; do ssh-keygen -q -t $type -N '' -C host -f "$dir/etc/ssh_host_${type}_key"; done
for type in ed25519 rsa; do echo "localhost,127.0.0.1,[127.0.0.1]:2222 $(cat "$dir/etc/ssh_host_${type}_key.pub")"; done >etc/ssh_known_hosts
echo "EnableSSHKeysign yes" >etc/ssh_config
echo "127.0.0.1 localhost" >hosts
echo "localhost $(id -un)" >home/.shosts
chmod 600 home/.shosts
mount --bind "$dir/etc" /etc/ssh
mount --bind "$dir/home" "$(getent passwd "$(id -un)" | cut -d: -f6)"
mount --bind "$dir/hosts" /etc/hosts
/usr/sbin/sshd -f "$dir/sshd_config" -E "$dir/sshd.log"

# try CASE PROGRAM OPTION...
try() {
	name=$1 program=$2
	shift 2
	code=0
	$program -v -F none -p 2222 -o BatchMode=yes -o HostbasedAuthentication=yes -o PubkeyAuthentication=no "$@" 127.0.0.1 echo in >"$dir/out.$name" 2>&1 </dev/null || code=$?
	echo "code $code" >>"$dir/out.$name"
}

try openssh /usr/bin/ssh
try nacre ssh
try rsa ssh -o HostbasedAcceptedAlgorithms=rsa-sha2-512
try jump ssh -o ProxyCommand='nc 127.0.0.1 2222'
try preferred ssh -o PreferredAuthentications=password
# Our helper in the place of OpenSSH's, for both clients.
for helper in /usr/lib/openssh/ssh-keysign; do
	printf '#!/bin/sh\nexec "%s" ssh-keysign\n' "$1" >keysign
	chmod 755 keysign
	mount --bind "$dir/keysign" $helper
	try ours-openssh /usr/bin/ssh
	try ours-nacre ssh
	echo "EnableSSHKeysign no" >etc/ssh_config
	try forbidden ssh
	umount $helper
done
try forbidden-theirs ssh
