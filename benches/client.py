#!/usr/bin/env python3
"""Prints what the client's commands wait for and need, beside tsh in the same run: round trips, processor time, memory.

usage: benches/client.py [--runs N] [--only NAME,...]     NAME: trips list
needs: cargo build --release --features cluster --bin postern-cluster; cargo build --release --bin postern (in this order);
       psql; for trips root's rights (a mount namespace of its own, in which the cluster's name leads to the relay)
environment: TELEPORT_BIN  directory with tsh 18.x
             POSTERN_LAB   directory of a running pair of real clusters: trips are counted in front of it

Round trips are counted by cause and effect: what a program sends may depend on all it has received, an answer comes one round
trip after what was sent before it on its connection, and so does a connection. The relay holds answers back, so that what is
sent side by side is sent before any of its answers comes. A busy machine can make a count too high, never too low: each is
the least of the runs. Processor time and memory are the system's account of the finished child.
"""
import argparse
import asyncio
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import threading
import time

import cluster
from cluster import CLUSTER, MANY, ROOT, Alone, run

POSTERN = ROOT / "target/release/postern"
HELD = 0.25


class Flights:
    """A relay that counts."""

    def __init__(self, listen, target):
        self.listen, self.target = listen, target
        self.run, self.trips, self.connections = 0, 0, 0
        self.open = set()
        self.loop = asyncio.new_event_loop()
        ready = threading.Event()

        def serve():
            async def main():
                server = await asyncio.start_server(self.relay, *self.listen)
                ready.set()
                await server.serve_forever()

            self.loop.run_until_complete(main())

        threading.Thread(target=serve, daemon=True).start()
        if not ready.wait(10):
            sys.exit(f"the relay cannot listen on {listen}")

    async def relay(self, reader, writer):
        # The event loop alone would not keep it alive.
        self.open.add(me := asyncio.current_task())
        me.add_done_callback(self.open.discard)
        run, sent = self.run, [self.trips + 1]
        self.connections += 1
        up_reader, up_writer = await asyncio.open_connection(*self.target)

        async def up():
            while data := await reader.read(65536):
                sent[0] = max(sent[0], self.trips)
                up_writer.write(data)
            up_writer.write_eof()

        async def down():
            queue = asyncio.Queue()

            async def deliver():
                while True:
                    due, at, data = await queue.get()
                    await asyncio.sleep(max(0, due - self.loop.time()))
                    if not data:
                        writer.write_eof()
                        return
                    if run == self.run:
                        self.trips = max(self.trips, at)
                    writer.write(data)

            delivery = asyncio.create_task(deliver())
            while True:
                data = await up_reader.read(65536)
                await queue.put((self.loop.time() + HELD, sent[0] + 1, data))
                if not data:
                    break
            await asyncio.gather(delivery, return_exceptions=True)

        # A side that is gone ends the other; neither is a failure of the measurement.
        await asyncio.gather(up(), down(), return_exceptions=True)
        for end in (writer, up_writer):
            end.close()

    def count(self, command, env, input=b"", before=lambda: None, runs=3):
        """Round trips and connections: the least of the runs."""
        found = []
        for _ in range(runs):
            before()
            self.run += 1
            self.trips = self.connections = 0
            run(command, env, input)
            found.append((self.trips, self.connections))
        return min(found)


class Table:
    def __init__(self):
        self.failed = False
        print(f"{'what':<58}{'postern':>9}{'at most':>9}{'tsh':>9}{'of tsh':>9}", flush=True)

    def row(self, what, ours, most=None, tsh=None, ratio=None):
        of = None if not tsh else ours / tsh
        ok = (most is None or ours <= most) and (ratio is None or (of is not None and of <= ratio))
        self.failed |= not ok
        show = lambda value: "-" if value is None else f"{value:.4g}"
        bound = "" if ratio is None else f" (at most {ratio:g})"
        print(f"{what:<58}{show(ours):>9}{show(most):>9}{show(tsh):>9}{show(of):>9}{bound}{'' if ok else '  MISSED'}", flush=True)


def trips(table, args, work):
    """In front of the real pair."""
    lab = json.loads((pathlib.Path(os.environ["POSTERN_LAB"]) / "env.json").read_text())
    name, port = lab["proxy"].split(":")
    flights = Flights(("127.0.0.2", int(port)), ("127.0.0.1", int(port)))
    hosts = pathlib.Path(work, "hosts")
    hosts.write_text(f"127.0.0.1 localhost\n127.0.0.2 {name}\n")
    inside = ["unshare", "-m", "sh", "-c", f'mount --bind {hosts} /etc/hosts && exec "$@"', "_"]
    env = {"PATH": os.environ["PATH"], "HOME": work, "POSTERN_HOME": f"{work}/h", "TELEPORT_HOME": f"{work}/tsh",
           "SSL_CERT_FILE": lab["ca_file"], "TELEPORT_TOOLS_VERSION": "off", "TERM": "dumb", "LANG": "C.UTF-8"}
    tsh = pathlib.Path(os.environ["TELEPORT_BIN"]) / "tsh"
    login = [*inside, POSTERN, "login", "--proxy", lab["proxy"], "--user", "alice", "--ca-file", lab["ca_file"],
             "--password-stdin", "--key-store", "file", "--force"]
    answers = lambda: f"{lab['password']}\n{cluster.code(lab['totp_key'])}\n".encode()
    ours, _ = flights.count(login, env, answers(), runs=1)
    table.row("login", ours, 5)
    for attempt in range(4):
        # No code counts twice, and others may use them too: the next one is half a minute away.
        time.sleep(31)
        try:
            cluster.login(tsh, env, lab["proxy"], "alice", lab["password"], lab["totp_key"])
            break
        except SystemExit:
            if attempt == 3:
                raise

    def pair(what, most, command, theirs, input=b"", before=lambda: None):
        mine, connections = flights.count([*inside, POSTERN, *command], env, before=before, runs=args.runs)
        his, _ = flights.count([*inside, tsh, *theirs], env, input, runs=args.runs)
        table.row(f"{what} ({connections} connections)", mine, most, his)

    certs = pathlib.Path(work, "h/certs")
    forget = lambda: subprocess.run(["rm", "-rf", certs], check=True)
    select = ["--", "-X", "-c", "select 1"]
    pair("db ls", 3, ["db", "ls", "-v"], ["db", "ls", "-v"])
    run([*inside, POSTERN, "db", "ls", "--cluster", "leaf"], env)
    pair("db ls of a leaf, used before", 3, ["db", "ls", "--cluster", "leaf"], ["db", "ls", "--cluster", "leaf"])
    shared = ["app", "--db-user", "app", "--db-name", "postgres"]
    automatic = ["orders", "--db-name", "postgres"]
    leaf = ["--cluster", "leaf", "leaf-app", "--db-user", "app", "--db-name", "postgres"]
    for what, target in [("shared account", shared), ("automatic user", automatic), ("leaf", leaf)]:
        theirs = ["db", "connect", *target]
        pair(f"db connect, {what}, new certificate", 8, ["db", "connect", *target, *select], theirs, b"select 1;\n", forget)
        pair(f"db connect, {what}, kept certificate", 4, ["db", "connect", *target, *select], theirs, b"select 1;\n")


def cost(command, env, out):
    """Processor seconds and peak resident MB of a command that prints into a file.

    Never less than the peak of this program, which therefore reads nothing of it meanwhile.
    """
    with open(out, "wb") as to:
        child = subprocess.Popen([str(c) for c in command], env=env, stdin=subprocess.DEVNULL, stdout=to)
        _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(f"{command}: exit {child.returncode}")
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def listing(table, args, work):
    """Of 10,000 databases, from the embedded cluster."""
    tsh = pathlib.Path(os.environ["TELEPORT_BIN"]) / "tsh"
    alone = Alone(work, MANY)
    alone.start()
    try:
        password = "correct horse battery"
        run([CLUSTER, "users", "add", "-c", alone.config, "alice", "--password-stdin"], input=password.encode())
        env = {"PATH": os.environ["PATH"], "HOME": work, "POSTERN_HOME": f"{work}/h", "TELEPORT_HOME": f"{work}/tsh",
               "SSL_CERT_FILE": str(alone.ca_file), "TELEPORT_TOOLS_VERSION": "off", "TERM": "dumb", "LANG": "C.UTF-8"}
        cluster.login(tsh, env, alone.proxy, "alice", password)
        run([POSTERN, "login", "--proxy", alone.proxy, "--user", "alice", "--ca-file", alone.ca_file, "--password-stdin",
             "--key-store", "file"], env, f"{password}\n".encode())
        printed = [pathlib.Path(work, name) for name in ("ours", "theirs")]
        for what, flags in [("text", []), ("text, verbose", ["-v"]), ("json", ["--format", "json"])]:
            ours, theirs = [], []
            for _ in range(args.runs):
                ours.append(cost([POSTERN, "db", "ls", *flags], env, printed[0]))
                theirs.append(cost([tsh, "db", "ls", *flags], env, printed[1]))
            median = lambda taken, at: statistics.median(one[at] for one in taken)
            table.row(f"db ls of {MANY}, {what}: processor time, s", median(ours, 0), None, median(theirs, 0), 0.2)
            table.row(f"db ls of {MANY}, {what}: peak memory, MB", median(ours, 1), 80, median(theirs, 1))
        names = [sorted(db["metadata"]["name"] for db in json.loads(text.read_bytes())) for text in printed]
        if names[0] != names[1] or len(names[0]) != MANY:
            sys.exit("the lists differ")
    finally:
        alone.stop()


def main():
    names = ["trips", "list"]
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only", type=lambda text: text.split(","), default=names)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pc") as work:
        place = lambda name: str(pathlib.Path(work, name).mkdir() or pathlib.Path(work, name))
        table = Table()
        if "trips" in args.only:
            trips(table, args, place("trips"))
        if "list" in args.only:
            listing(table, args, place("list"))
    sys.exit(1 if table.failed else 0)


if __name__ == "__main__":
    main()
