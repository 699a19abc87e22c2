# Name servers, a server and two clients in namespaces of their own. Run as
#   unshare … sh try.sh nacre
# in a directory that dns_linux_test.go has filled. Each client's output goes to
# out.CLIENT.CASE.
set -e
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
dir=$PWD
ip link set lo up
me=$(id -un)
unbound -c "$dir/unbound.conf"
"$1" sshd -f "$dir/sshd_config"

# try CASE RESOLV.CONF HOST OPTION...
try() {
	name=$1 resolv=$2 host=$3
	shift 3
	mount --bind "$dir/$resolv" /etc/resolv.conf
	for client in nacre openssh; do
		program=ssh
		if [ $client = openssh ]; then program=/usr/bin/ssh; fi
		code=0
		$program -v -F none -p 2222 -l "$me" -i "$dir/id" -o BatchMode=yes -o UserKnownHostsFile="$dir/known.$name.$client" -o GlobalKnownHostsFile=none \
			"$@" "$host" echo in >"$dir/out.$client.$name" 2>&1 </dev/null || code=$?
		echo "code $code" >>"$dir/out.$client.$name"
	done
	umount /etc/resolv.conf
}

try secure trusting host.signed.test -o VerifyHostKeyDNS=yes -o StrictHostKeyChecking=yes
try sha1 trusting sha1.signed.test -o VerifyHostKeyDNS=yes -o StrictHostKeyChecking=yes
try alias trusting alias.signed.test -o VerifyHostKeyDNS=yes -o StrictHostKeyChecking=yes
try doubting doubting host.signed.test -o VerifyHostKeyDNS=yes -o StrictHostKeyChecking=yes
try insecure trusting host.unsigned.test -o VerifyHostKeyDNS=yes -o StrictHostKeyChecking=yes
try asking trusting host.signed.test -o VerifyHostKeyDNS=ask -o StrictHostKeyChecking=yes
try off trusting host.signed.test -o VerifyHostKeyDNS=no -o StrictHostKeyChecking=yes
try other trusting other.signed.test -o VerifyHostKeyDNS=yes -o StrictHostKeyChecking=yes
try half trusting half.signed.test -o VerifyHostKeyDNS=yes -o StrictHostKeyChecking=yes
try none trusting none.signed.test -o VerifyHostKeyDNS=yes -o StrictHostKeyChecking=yes
try numeric trusting numeric.signed.test -o HostName=127.0.0.1 -o VerifyHostKeyDNS=yes -o StrictHostKeyChecking=yes
# The question about an unknown host goes to a program that says no.
mount --bind "$dir/doubting" /etc/resolv.conf
for host in host other none; do
	SSH_ASKPASS="$dir/refuse" SSH_ASKPASS_REQUIRE=force ASKED="$dir/out.person.$host" \
		ssh -F none -p 2222 -l "$me" -i "$dir/id" -o UserKnownHostsFile=none -o VerifyHostKeyDNS=yes $host.signed.test true 2>/dev/null || true
done
# A file of known hosts on a disk that is full: the login goes on, and what the
# file holds stays.
mkdir "$dir/disk"
mount -t tmpfs -o size=4k tmpfs "$dir/disk"
head -c 4096 /dev/zero | tr '\0' '\n' >"$dir/disk/known"
before=$(sha256sum <"$dir/disk/known")
ssh -F none -p 2222 -l "$me" -i "$dir/id" -o UserKnownHostsFile="$dir/disk/known" -o StrictHostKeyChecking=accept-new 127.0.0.1 echo in >"$dir/out.full" 2>&1 </dev/null
if [ "$before" = "$(sha256sum <"$dir/disk/known")" ] && [ "$(ls "$dir/disk")" = known ]; then echo whole >>"$dir/out.full"; fi
