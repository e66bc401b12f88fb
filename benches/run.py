#!/usr/bin/env python3
"""Prints what postern costs: start-up time, size, memory, round trips; beside tsh when TELEPORT_BIN is set.

usage: benches/run.py [--runs N]
needs: release builds (cargo build --release --features cluster --bin postern-cluster; cargo build --release, in this order,
       so that the client measured is the one with default features), psql, PostgreSQL
environment: TELEPORT_BIN   directory with tsh 18.x, POSTERN_LAB a running pair's directory: adds the columns beside it

Times are medians over interleaved runs, given as milliseconds above /bin/true of the same run. Round trips are counted by a
relay that adds 100 ms to every round trip: (time through the relay - time without) / 100 ms, a TCP handshake counting one.
"""
import argparse
import asyncio
import json
import os
import pathlib
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
POSTERN = ROOT / "target/release/postern"
CLUSTER = ROOT / "target/release/postern-cluster"
RTT = 0.1


class Relay:
    """A TCP relay on 127.0.0.1 that delays each direction by half a round trip; switched on and off by `rtt`."""

    def __init__(self):
        self.rtt = 0.0
        self.target = None
        self.connections = 0
        self.loop = asyncio.new_event_loop()
        ready = threading.Event()

        def run():
            async def main():
                server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
                self.port = server.sockets[0].getsockname()[1]
                ready.set()
                await server.serve_forever()

            self.loop.run_until_complete(main())

        threading.Thread(target=run, daemon=True).start()
        ready.wait()

    async def serve(self, reader, writer):
        self.connections += 1
        rtt = self.rtt
        opened = self.loop.time() + rtt
        try:
            up_reader, up_writer = await asyncio.open_connection(*self.target)
        except OSError:
            writer.close()
            return
        await asyncio.gather(self.pump(reader, up_writer, opened, rtt), self.pump(up_reader, writer, opened, rtt))
        for w in (writer, up_writer):
            w.close()

    async def pump(self, reader, writer, opened, rtt):
        queue = asyncio.Queue()

        async def deliver():
            while True:
                due, data = await queue.get()
                if (wait := due - self.loop.time()) > 0:
                    await asyncio.sleep(wait)
                try:
                    if not data:
                        writer.write_eof()
                        return
                    writer.write(data)
                    await writer.drain()
                except (OSError, RuntimeError):
                    return

        delivery = asyncio.create_task(deliver())
        while True:
            try:
                data = await reader.read(65536)
            except OSError:
                data = b""
            await queue.put((max(self.loop.time(), opened) + rtt / 2, data))
            if not data:
                break
        await delivery


def wall(command, env=None, input=None):
    begin = time.perf_counter()
    done = subprocess.run(command, env=env, input=input, stdin=None if input else subprocess.DEVNULL, capture_output=True)
    took = time.perf_counter() - begin
    if done.returncode != 0:
        sys.exit(f"{command}: exit {done.returncode}: {done.stderr.decode()}")
    return took


def above_true(commands, runs, env):
    """Median milliseconds of each command above /bin/true, interleaved."""
    times = {name: [] for name in ["true", *commands]}
    for _ in range(runs + 1):
        times["true"].append(wall(["/bin/true"], env))
        for name, command in commands.items():
            times[name].append(wall(command, env))
    median = {name: statistics.median(t[1:]) * 1000 for name, t in times.items()}
    return {name: median[name] - median["true"] for name in commands}


def round_trips(relay, command, env):
    results = []
    for _ in range(3):
        relay.rtt = 0.0
        plain = wall(command, env)
        relay.rtt = RTT
        before = relay.connections
        slow = wall(command, env)
        results.append(((slow - plain) / RTT, relay.connections - before))
    return min(results)


def rss(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", text).group(1)) / 1024


def tunnel_memory(command, env, connect):
    child = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    ready = json.loads(child.stdout.readline())
    connect(ready)
    idle = rss(child.pid)
    child.send_signal(signal.SIGTERM)
    child.wait()
    return idle


def psql(ready):
    subprocess.run(["psql", "-X", "-q", "-w", "-h", ready["host"], "-p", str(ready["port"]), "-U", ready["db_user"], "-d", "postgres",
                    "-c", "select 1"], check=True, stdout=subprocess.DEVNULL)


def main():
    args = argparse.ArgumentParser()
    args.add_argument("--runs", type=int, default=20)
    runs = args.parse_args().runs
    work = tempfile.TemporaryDirectory(prefix="pb")
    relay = Relay()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    relay.target = ("127.0.0.1", port)
    demo = subprocess.Popen([CLUSTER, "demo", "--dir", f"{work.name}/d", "--port", str(port), "--public-addr", f"localhost:{relay.port}",
                             "--no-second-factor", "--format", "json"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        ready = json.loads(demo.stdout.readline())
        env = {"PATH": os.environ["PATH"], "HOME": work.name, "POSTERN_HOME": f"{work.name}/h", "LANG": "C.UTF-8"}
        password = next(u["password"] for u in ready["users"] if u["name"] == "alice")
        login = [POSTERN, "login", "--proxy", f"localhost:{relay.port}", "--user", "alice", "--ca-file", ready["ca_file"],
                 "--password-stdin", "--key-store", "file", "--force"]
        wall(login, env, f"{password}\n".encode())
        start = above_true({"version": [POSTERN, "version"], "status": [POSTERN, "status"]}, runs, env)
        listing = round_trips(relay, [POSTERN, "db", "ls"], env)
        connect = round_trips(relay, [POSTERN, "db", "connect", "orders", "--", "-X", "-c", "select 1"], env)
        relay.rtt = RTT
        slow = wall(login, env, f"{password}\n".encode())
        relay.rtt = 0.0
        logins = (slow - wall(login, env, f"{password}\n".encode())) / RTT
        memory = tunnel_memory([POSTERN, "proxy", "db", "orders", "--format", "json"], env, psql)
        rows = [
            ("postern version, ms above /bin/true", start["version"], 2, "version"),
            ("postern status, ms above /bin/true", start["status"], 4, "status"),
            ("program, MB", POSTERN.stat().st_size / 1e6, 8, "size"),
            ("login, round trips", logins, None, "login"),
            ("db ls, round trips", listing[0], 4, "ls"),
            ("db connect to first row, automatic user, round trips", connect[0], 10, "connect"),
            ("resident memory of an idle tunnel, MB", memory, 10, "memory"),
        ]
        tsh = tsh_figures(runs, env)
        print(f"{'what':<56}{'postern':>9}{'at most':>9}{'tsh':>9}")
        failed = False
        for what, value, limit, key in rows:
            failed |= limit is not None and value > limit
            beside = f"{tsh[key]:.1f}" if key in tsh else "-"
            print(f"{what:<56}{value:>9.2f}{limit if limit is not None else '-':>9}{beside:>9}")
        sys.exit(1 if failed else 0)
    finally:
        demo.send_signal(signal.SIGTERM)
        demo.wait()


def tsh_figures(runs, env):
    """The same of tsh, on this machine, in this run; empty without TELEPORT_BIN."""
    where = os.environ.get("TELEPORT_BIN")
    if not where:
        return {}
    tsh = pathlib.Path(where) / "tsh"
    found = {"size": tsh.stat().st_size / 1e6}
    commands = {"version": [tsh, "version", "--client"]}
    home = os.environ.get("TELEPORT_HOME")
    if home:
        commands["status"] = [tsh, "status"]
        env = dict(env, TELEPORT_HOME=home)
    found.update(above_true(commands, max(3, runs // 4), env))
    return found


if __name__ == "__main__":
    main()
