"""A server whose users' passwords have run out. Two arguments: the host key's
file, and the port. It says "ready" once it listens.

changes: asks for a new password by the password method, twice if it is "weak".
interactive: does so by keyboard-interactive, as PAM does, and shows which
devices were asked for."""
import asyncio, sys
import asyncssh


class Server(asyncssh.SSHServer):
    def begin_auth(self, username):
        self.user, self.step, self.new = username, 0, None
        return True

    def public_key_auth_supported(self):
        return False

    def password_auth_supported(self):
        return self.user == "changes"

    def kbdint_auth_supported(self):
        return self.user == "interactive"

    def validate_password(self, username, password):
        if password == "old":
            raise asyncssh.PasswordChangeRequired("Your password has expired.")
        return False

    def change_password(self, username, old, new):
        if new == "weak":
            raise asyncssh.PasswordChangeRequired("That password is too weak.")
        return old == "old" and new == "new"

    def get_kbdint_challenge(self, username, lang, submethods):
        return "Password", "Devices: " + submethods, "", [("Password: ", False)]

    def validate_kbdint_response(self, username, responses):
        self.step += 1
        if self.step == 1:
            return responses == ["old"] and ("", "You must change it.", "", [("New password: ", False), ("Shown: ", True)])
        if self.step == 2:
            return responses == ["new", "word"] and ("", "Changed.", "", [])
        return responses == []


async def run(process):
    process.stdout.write("in\n")
    process.exit(0)


async def main():
    await asyncssh.listen("127.0.0.1", int(sys.argv[2]), server_factory=Server, server_host_keys=[sys.argv[1]],
                          process_factory=run, config=None)
    print("ready", flush=True)
    await asyncio.get_event_loop().create_future()  # until killed

asyncio.get_event_loop().run_until_complete(main())
