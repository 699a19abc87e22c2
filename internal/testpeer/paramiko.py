"""Paramiko as a client and as a server. One argument: a JSON object, see order
in python.go. The client's exit status is the command's."""
import json, os, socket, subprocess, sys, threading
import paramiko

order = json.loads(sys.argv[1])
BLOCK = 64 << 10


def report_exchanges():
    inner = paramiko.Transport._parse_newkeys

    def parse_newkeys(self, m):
        print("testpeer: new keys", file=sys.stderr, flush=True)
        return inner(self, m)

    paramiko.Transport._parse_newkeys = parse_newkeys
    paramiko.Transport._handler_table[paramiko.common.MSG_NEWKEYS] = parse_newkeys


def load(path):
    for kind in (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey):
        try:
            return kind.from_private_key_file(path)
        except (paramiko.SSHException, ValueError):
            pass
    sys.exit("no key that Paramiko reads: " + path)


def transport(sock):
    t = paramiko.Transport(sock)
    opts, wanted = t.get_security_options(), order["Algorithms"]
    for attr, name, known in (
        ("kex", "Kex", t._kex_info),
        ("ciphers", "Cipher", t._cipher_info),
        ("digests", "MAC", t._mac_info),
        ("key_types", "HostKey", t._key_info),
    ):
        if wanted[name]:
            setattr(opts, attr, [wanted[name]])
        elif order["Everything"]:
            setattr(opts, attr, [a for a in known if not a.startswith("gss-") and "cert" not in a])
    if order["Rekey"]:
        t.packetizer.REKEY_BYTES = order["Rekey"]
    return t


def copy(read, write):
    while True:
        data = read(BLOCK)
        if not data:
            return
        write(data)


def spawn(*args):
    thread = threading.Thread(target=copy, args=args, daemon=True)
    thread.start()
    return thread


def client():
    t = transport(socket.create_connection((order["Host"], order["Port"])))
    t.start_client(timeout=20)
    with open(order["KnownHosts"]) as f:
        if t.get_remote_server_key().get_base64() not in f.read():
            sys.exit("unknown host key")
    t.auth_publickey(order["User"], load(order["Identity"]))
    channel = t.open_session()
    channel.exec_command(order["Command"])

    def feed():
        try:
            copy(sys.stdin.buffer.read1, channel.sendall)
            channel.shutdown_write()
        except OSError:
            pass  # the command doesn't read

    threading.Thread(target=feed, daemon=True).start()
    errors = spawn(channel.recv_stderr, sys.stderr.buffer.write)
    copy(channel.recv, sys.stdout.buffer.write)
    errors.join()
    status = channel.recv_exit_status()
    sys.stdout.flush()
    sys.stderr.flush()
    t.close()
    # A daemon thread may hold stdin's lock, which the usual way out waits for.
    os._exit(status)


class Server(paramiko.ServerInterface):
    def check_auth_publickey(self, username, key):
        with open(order["Authorized"]) as f:
            known = key.get_base64() in f.read()
        return paramiko.AUTH_SUCCESSFUL if known else paramiko.AUTH_FAILED

    def get_allowed_auths(self, username):
        return "publickey"

    def check_channel_request(self, kind, chanid):
        if kind == "session":
            return paramiko.OPEN_SUCCEEDED
        return paramiko.OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED

    def check_channel_env_request(self, channel, name, value):
        return False

    def check_channel_exec_request(self, channel, command):
        threading.Thread(target=run, args=(channel, command), daemon=True).start()
        return True


def run(channel, command):
    child = subprocess.Popen(
        command, shell=True, bufsize=0,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )

    def write(data):
        view = memoryview(data)
        while view:
            view = view[child.stdin.write(view):]

    def feed():
        try:
            copy(channel.recv, write)
            child.stdin.close()
        except OSError:
            pass  # the command doesn't read

    threading.Thread(target=feed, daemon=True).start()
    errors = spawn(child.stderr.read, channel.sendall_stderr)
    copy(child.stdout.read, channel.sendall)
    errors.join()
    channel.send_exit_status(child.wait())
    channel.close()


def serve(sock):
    t = transport(sock)
    for path in order["HostKeys"]:
        t.add_server_key(load(path))
    try:
        t.start_server(server=Server())
    except (EOFError, paramiko.SSHException) as e:
        print("handshake:", e, file=sys.stderr)


def server():
    if order["Everything"]:
        # Without a moduli file it refuses to serve group exchange.
        paramiko.Transport.load_server_moduli()
    listener = socket.create_server((order["Host"], order["Port"]))
    while True:
        sock = listener.accept()[0]
        threading.Thread(target=serve, args=(sock,), daemon=True).start()


report_exchanges()
client() if order["Role"] == "client" else server()
