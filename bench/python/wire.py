"""The very bytes that tidegate sends to Redis for a check, put on a socket by nobody else.

What is left when all of a client is taken away: the floor for one caller, and the most that
a server on its core can do.
"""

import contextlib
import socket
import threading
from collections.abc import Callable


class Raw:
    """A socket to a server that writes what it is given, and reads whatever comes."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def call(self, command: bytes) -> None:
        """Sends one command with a short answer, and waits for it."""
        self.socket.sendall(command)
        if self.socket.recv(65_536)[:1] == b"-":
            raise AssertionError("the server refused a call that was recorded")

    def pipeline(self, commands: bytes) -> None:
        """Sends many commands together, and waits for the last answer."""
        self.socket.sendall(commands + b"PING\r\n")
        tail = b""
        while not tail.endswith(b"+PONG\r\n"):
            got = self.socket.recv(1 << 20)
            if not got:
                raise AssertionError("the server has hung up")
            tail = tail[-16:] + got


def recorded(ask: Callable[[str], object]) -> list[bytes]:
    """Returns the words of the command that `ask` has sent to the URL that it is given.

    Nobody answers it, so `ask` has to do without.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"redis://127.0.0.1:{listener.getsockname()[1]}?timeout=1s"
        asking = threading.Thread(target=_without_answer, args=(ask, url))
        asking.start()
        connection, _ = listener.accept()
        with connection:
            connection.settimeout(5)
            connection.recv(65_536)  # names the connection
            connection.sendall(b"+OK\r\n")
            words = _words(connection.recv(65_536))
        asking.join()
    if words[0] != b"EVALSHA":
        raise AssertionError(f"a check begins with {words[0]!r}")
    return words


def _without_answer(ask: Callable[[str], object], url: str) -> None:
    with contextlib.suppress(Exception):
        ask(url)


def of_subject(words: list[bytes], subject: str) -> list[bytes]:
    """Returns the same command for another subject than `user:0`."""
    return [word.replace(b"{user:0}", b"{" + subject.encode() + b"}") for word in words]


def together(commands: list[list[bytes]]) -> list[bytes]:
    """Returns one call of the script for all that `commands` ask."""
    name, digest = commands[0][:2]
    keys = [key for words in commands for key in words[3 : 3 + int(words[2])]]
    numbers = [word for words in commands for word in words[3 + int(words[2]) :]]
    return [name, digest, str(len(keys)).encode(), *keys, *numbers]


def packed(words: list[bytes]) -> bytes:
    """Returns a command as Redis reads it."""
    parts = [b"*%d\r\n" % len(words)]
    for word in words:
        parts.append(b"$%d\r\n%b\r\n" % (len(word), word))
    return b"".join(parts)


def _words(command: bytes) -> list[bytes]:
    """Takes a command apart."""
    words, rest = [], command.partition(b"\r\n")[2]
    while rest:
        head, _, rest = rest.partition(b"\r\n")
        length = int(head[1:])
        words.append(rest[:length])
        rest = rest[length + 2 :]
    return words
