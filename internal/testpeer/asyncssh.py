"""AsyncSSH as a client and as a server. One argument: a JSON object, see order
in python.go. The client's exit status is the command's."""
import asyncio, json, os, sys
import asyncssh
from asyncssh import connection
from asyncssh.encryption import get_encryption_algs
from asyncssh.kex import get_kex_algs
from asyncssh.mac import get_mac_algs
from asyncssh.public_key import get_public_key_algs

order = json.loads(sys.argv[1])
BLOCK = 256 << 10


def report_exchanges():
    inner = connection.SSHConnection.send_newkeys

    def send_newkeys(self, *args):
        print("testpeer: new keys", file=sys.stderr, flush=True)
        return inner(self, *args)

    connection.SSHConnection.send_newkeys = send_newkeys


def algorithms():
    """The keyword arguments that restrict or widen what is offered."""
    wanted, kw = order["Algorithms"], {}
    for arg, name, known in (
        ("kex_algs", "Kex", get_kex_algs),
        ("encryption_algs", "Cipher", get_encryption_algs),
        ("mac_algs", "MAC", get_mac_algs),
    ):
        if wanted[name]:
            kw[arg] = [wanted[name]]
        elif order["Everything"]:
            kw[arg] = [a.decode() for a in known() if not a.startswith(b"gss-")]
    if order["Rekey"]:
        kw["rekey_bytes"] = order["Rekey"]
    return kw


async def client():
    kw = algorithms()
    if order["Algorithms"]["HostKey"]:
        kw["server_host_key_algs"] = [order["Algorithms"]["HostKey"]]
    elif order["Everything"]:
        kw["server_host_key_algs"] = [a.decode() for a in get_public_key_algs()]
    async with asyncssh.connect(
        order["Host"], order["Port"], username=order["User"], client_keys=[order["Identity"]],
        known_hosts=order["KnownHosts"], agent_path=None, config=None, **kw,
    ) as conn:
        # Not its own redirection: that loses the end of the output.
        process = await conn.create_process(order["Command"], encoding=None)
        feeder = asyncio.ensure_future(feed_stdin(process.stdin))
        await asyncio.gather(show(process.stdout, sys.stdout.buffer), show(process.stderr, sys.stderr.buffer))
        await process.wait_closed()
        feeder.cancel()
        return process.returncode


async def feed_stdin(writer):
    loop = asyncio.get_event_loop()
    try:
        await pump(lambda n: loop.run_in_executor(None, sys.stdin.buffer.read1, n), writer.write, writer.drain)
        writer.write_eof()
    except (BrokenPipeError, ConnectionError):
        pass  # the command doesn't read


async def show(reader, out):
    async def flush():
        out.flush()

    await pump(reader.read, out.write, flush)


async def pump(read, write, drain):
    while True:
        data = await read(BLOCK)
        if not data:
            return
        write(data)
        await drain()


async def run(process):
    """One command of a client of ours."""
    child = await asyncio.create_subprocess_shell(
        process.command, limit=BLOCK,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )

    async def feed():
        try:
            await pump(process.stdin.read, child.stdin.write, child.stdin.drain)
            child.stdin.close()
        except (BrokenPipeError, ConnectionResetError):
            pass  # the command doesn't read

    feeder = asyncio.ensure_future(feed())
    await asyncio.gather(
        pump(child.stdout.read, process.stdout.write, process.stdout.drain),
        pump(child.stderr.read, process.stderr.write, process.stderr.drain),
    )
    process.exit(await child.wait())
    feeder.cancel()


async def server():
    kw = algorithms()
    if order["Algorithms"]["HostKey"]:
        kw["signature_algs"] = [order["Algorithms"]["HostKey"]]
    await asyncssh.listen(
        order["Host"], order["Port"], server_host_keys=order["HostKeys"],
        authorized_client_keys=order["Authorized"], process_factory=run, encoding=None,
        config=None, **kw,
    )
    await asyncio.get_event_loop().create_future()  # until killed


report_exchanges()
status = asyncio.get_event_loop().run_until_complete(client() if order["Role"] == "client" else server())
sys.stdout.flush()
sys.stderr.flush()
os._exit(status)  # a thread may still wait for stdin
