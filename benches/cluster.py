#!/usr/bin/env python3
"""Prints what the embedded cluster carries and needs, beside direct TLS to PostgreSQL and, where at hand, real Teleport.

usage: benches/cluster.py [--runs N] [--only NAME,...]     NAME: pgbench connect copy twenty memory start list
needs: cargo build --release --features cluster --bin postern-cluster; cargo build --all-features --bin postern --example
       db_certificate; psql, pgbench, openssl, PostgreSQL
environment: TELEPORT_BIN  directory with tsh 18.x: the list of 10,000 databases is measured with it
             POSTERN_LAB   directory of a running pair of real clusters: adds the column beside

psql and pgbench speak straight to the cluster's port, with database certificates and sslmode=verify-full, audit on. Figures
are medians over interleaved runs; what counts are their ratios. "direct" is TLS with a client certificate to the same
PostgreSQL. Every load is bounded, and goes to this machine only.
"""
import argparse
import base64
import concurrent.futures
import hashlib
import hmac
import json
import os
import pathlib
import pty
import re
import resource
import signal
import socket
import sqlite3
import ssl
import statistics
import struct
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
CLUSTER = ROOT / "target/release/postern-cluster"
# These only log in and fetch certificates.
POSTERN, CERTIFICATE = ROOT / "target/debug/postern", ROOT / "target/debug/examples/db_certificate"
SECONDS = 3
COPIED = 200_000_000
MANY = 10_000
SESSIONS = 100


def run(command, env=None, input=None, check=True):
    done = subprocess.run([str(c) for c in command], env=env, input=input, stdin=None if input is not None else subprocess.DEVNULL,
                          capture_output=True)
    if check and done.returncode != 0:
        sys.exit(f"{command}: exit {done.returncode}: {done.stderr.decode()}{done.stdout.decode()}")
    return done


def rss(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", text).group(1)) / 1024


def cpu(pid):
    """Seconds of processor time."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Way:
    """One way to the same kind of database: what libpq needs for it."""

    def __init__(self, host, port, user, ca, cert, key, mode="verify-full"):
        self.env = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "PGHOST": host, "PGPORT": str(port), "PGUSER": user,
                    "PGDATABASE": "postgres", "PGSSLMODE": mode, "PGSSLROOTCERT": str(ca), "PGSSLCERT": str(cert),
                    "PGSSLKEY": str(key), "PGCONNECT_TIMEOUT": "60"}
        if host.endswith(".test"):
            self.env["PGHOSTADDR"] = "127.0.0.1"

    def pgbench(self, *args):
        out = run(["pgbench", "-n", "-S", "-T", SECONDS, *args, "postgres"], self.env).stdout.decode()
        return float(re.search(r"tps = ([0-9.]+)", out).group(1))

    def copy(self):
        rows = COPIED // 1000
        sql = f"copy (select repeat('x', 999) from generate_series(1, {rows})) to stdout"
        begin = time.perf_counter()
        with open(os.devnull, "wb") as null:
            done = subprocess.run(["psql", "-X", "-q", "-c", sql], env=self.env, stdin=subprocess.DEVNULL, stdout=null,
                                  stderr=subprocess.PIPE)
        if done.returncode:
            sys.exit(done.stderr.decode())
        return COPIED / 1e6 / (time.perf_counter() - begin)

    def at_once(self, count):
        """Seconds until so many psql at once have had their answer."""
        begin = time.perf_counter()
        with concurrent.futures.ThreadPoolExecutor(count) as pool:
            list(pool.map(lambda _: run(["psql", "-X", "-q", "-c", "select 1"], self.env), range(count)))
        return time.perf_counter() - begin

    def hold(self, count):
        """So many open sessions, each proven by an answer."""
        children = []
        for _ in range(count):
            child = subprocess.Popen(["psql", "-X", "-q", "-A", "-t"], env=self.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            child.stdin.write(b"select 1;\n")
            child.stdin.flush()
            children.append(child)
        for child in children:
            if child.stdout.readline() != b"1\n":
                sys.exit("a session does not answer")
        return children


class Postern:
    """A demo cluster of this build with its own PostgreSQL, and certificates for its databases."""

    def __init__(self, work):
        self.work = pathlib.Path(work)
        self.start()
        env = {"PATH": os.environ["PATH"], "HOME": work, "POSTERN_HOME": f"{work}/h"}
        password = next(u["password"] for u in self.ready["users"] if u["name"] == "alice")
        run([POSTERN, "login", "--proxy", self.ready["proxy"], "--user", "alice", "--ca-file", self.ready["ca_file"],
             "--password-stdin", "--key-store", "file", "--force"], env, f"{password}\n".encode())
        self.port = self.ready["proxy"].rsplit(":", 1)[1]
        self.ways = {database: self.way(env, database, user) for database, user in [("app", "app"), ("orders", "alice")]}
        pg = self.ready["postgres"]["root"]
        prepare(pg)
        self.direct = self.direct_way(pg)

    def start(self):
        self.child = subprocess.Popen([CLUSTER, "demo", "--dir", self.work / "d", "--port", "0", "--no-leaf", "--no-second-factor",
                                       "--format", "json"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.ready = json.loads(self.child.stdout.readline())

    def way(self, env, database, user):
        directory = self.work / database
        directory.mkdir()
        run([CERTIFICATE, directory, database, user, "postgres"], env)
        return Way("localhost", self.port, user, directory / "ca.pem", directory / "cert.pem", directory / "key.pem")

    def direct_way(self, pg):
        """A client certificate as the cluster's own database service has them, by the authority that PostgreSQL trusts."""
        directory = self.work / "direct"
        directory.mkdir()
        with sqlite3.connect(f"file:{self.work}/d/state.db?mode=ro", uri=True) as state:
            (columns,) = state.execute("select sql from sqlite_master where name = 'authorities'").fetchone()
            rows = dict((kind, (cert, key)) for kind, cert, key in state.execute("select kind, cert, key from authorities"))
        for name, text in zip(("ca.pem", "ca.key"), rows["db_client"], strict=True):
            (directory / name).write_text(text)
        (directory / "server-ca.pem").write_text(rows["db"][0])
        run(["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", directory / "key.pem",
             "-subj", "/CN=app", "-out", directory / "request.pem"])
        run(["openssl", "x509", "-req", "-in", directory / "request.pem", "-CA", directory / "ca.pem", "-CAkey", directory / "ca.key",
             "-days", "1", "-out", directory / "cert.pem"])
        (directory / "key.pem").chmod(0o600)
        return Way("localhost", pg["port"], "app", directory / "server-ca.pem", directory / "cert.pem", directory / "key.pem")

    def stop(self):
        self.child.send_signal(signal.SIGTERM)
        self.child.wait()


def prepare(pg):
    """The tables of pgbench, readable by the shared account."""
    env = {"PATH": os.environ["PATH"], "PGHOST": pg["host"], "PGPORT": str(pg["port"]), "PGUSER": pg["superuser"], "PGDATABASE": "postgres"}
    run(["pgbench", "-i", "-q", "-s", "5", "postgres"], env)
    run(["psql", "-X", "-q", "-c", "grant select on all tables in schema public to app"], env)


class Teleport:
    """A running pair of real clusters, reached as its own client sets psql up."""

    def __init__(self, lab, work):
        self.lab = json.loads((pathlib.Path(lab) / "env.json").read_text())
        self.tsh = pathlib.Path(os.environ["TELEPORT_BIN"]) / "tsh"
        self.home = pathlib.Path(work) / "tsh"
        self.env = {"PATH": os.environ["PATH"], "HOME": work, "TELEPORT_HOME": str(self.home), "SSL_CERT_FILE": self.lab["ca_file"],
                    "TELEPORT_TOOLS_VERSION": "off", "TERM": "dumb"}
        self.pid = int((pathlib.Path(lab) / "root.pid").read_text())
        login(self.tsh, self.env, self.lab["proxy"], "alice", self.lab["password"], self.lab["totp_key"])
        prepare(self.lab["postgres"]["root"])
        self.ways = {database: self.way(database, user) for database, user in [("app", "app"), ("orders", "alice")]}

    def way(self, database, user):
        run([self.tsh, "db", "login", database, "--db-user", user, "--db-name", "postgres"], self.env)
        host, port = self.lab["proxy"].split(":")
        keys = self.home / "keys" / host
        certificate = keys / "alice-db/root" / database
        return Way(host, port, user, keys / "cas/root.pem", f"{certificate}.crt", f"{certificate}.key")


def login(tsh, env, proxy, user, password, totp_key=None):
    """tsh asks on a terminal only."""
    child, terminal = pty.fork()
    if child == 0:
        os.execve(tsh, ["tsh", "login", "--proxy", proxy, "--auth", "local", "--mfa-mode", "otp", "--user", user], env)
    seen, answers = b"", [(b"password", password)]
    if totp_key:
        answers.append((b"OTP", code(totp_key)))
    while True:
        try:
            data = os.read(terminal, 4096)
        except OSError:
            break
        seen += data
        if answers and answers[0][0] in seen:
            os.write(terminal, answers.pop(0)[1].encode() + b"\n")
    if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]):
        sys.exit(f"tsh login: {seen.decode()}")


def code(key):
    """The one-time code of the next half minute, which counts already: those of this one may be used up."""
    mac = hmac.new(base64.b32decode(key), struct.pack(">Q", int(time.time()) // 30 + 1), hashlib.sha1).digest()
    at = mac[19] & 15
    return f"{(struct.unpack('>I', mac[at:at + 4])[0] & 0x7FFFFFFF) % 1_000_000:06}"


class Table:
    """What is printed: a line each, ratios only, and whether it reaches what it must."""

    def __init__(self):
        self.failed = False
        print(f"{'what':<52}{'of Teleport':>13}{'must':>8}{'of direct TLS':>15}{'must':>8}{'itself':>12}")

    def row(self, what, itself, unit, teleport=None, must=None, direct=None, must_direct=None, limit=None):
        """`must`: at least so many times Teleport's (negative: at most that part of it); `limit`: itself at most."""
        def ratio(other, wanted):
            if other is None:
                return "-", "-", True
            value = itself / other
            ok = wanted is None or (value >= wanted if wanted > 0 else value <= -wanted)
            return f"{value:.2f}", "-" if wanted is None else f"{abs(wanted):.2f}", ok

        one, one_must, one_ok = ratio(teleport, must)
        two, two_must, two_ok = ratio(direct, must_direct)
        ok = one_ok and two_ok and (limit is None or itself <= limit)
        self.failed |= not ok
        bound = "" if limit is None else f" (at most {limit:g})"
        print(f"{what:<52}{one:>13}{one_must:>8}{two:>15}{two_must:>8}{itself:>12.4g} {unit}{bound}{'' if ok else '  MISSED'}", flush=True)


def interleaved(runs, measures):
    """Median of each measure, taken in turns."""
    taken = {name: [] for name in measures}
    for _ in range(runs):
        for name, measure in measures.items():
            taken[name].append(measure())
    return {name: statistics.median(values) for name, values in taken.items()}


def throughput(table, args, ours, teleport):
    def all_ways(measure):
        ways = {"ours": ours.ways["app"], "direct": ours.direct}
        if teleport:
            ways["teleport"] = teleport.ways["app"]
        return interleaved(args.runs, {name: (lambda way=way: measure(way)) for name, way in ways.items()})

    if "pgbench" in args.only:
        got = all_ways(lambda way: way.pgbench("-c", "8", "-j", "2"))
        table.row("pgbench -S, 8 clients", got["ours"], "/s", got.get("teleport"), 5, got["direct"], 0.5)
    if "connect" in args.only:
        got = all_ways(lambda way: way.pgbench("-C", "-c", "4", "-j", "2"))
        table.row("pgbench -S -C, 4 clients: new connections", got["ours"], "/s", got.get("teleport"), 6, got["direct"], 0.4)
    if "copy" in args.only:
        got = all_ways(Way.copy)
        table.row("COPY out", got["ours"], "MB/s", got.get("teleport"), 2, got["direct"], 0.7)
    if "twenty" in args.only:
        measures = {"ours": lambda: ours.ways["orders"].at_once(20)}
        if teleport:
            measures["teleport"] = lambda: teleport.ways["orders"].at_once(20)
        # Teleport takes up to 22 s.
        got = interleaved(min(args.runs, 3), measures)
        table.row("20 connections of one automatic user at once", got["ours"], "s", got.get("teleport"), -0.1)


def memory(table, work, teleport):
    """Of a cluster that has just started, and what each open session adds to it."""
    fresh = Postern(work)
    try:
        way = fresh.ways["app"]
        idle = rss(fresh.child.pid)
        table.row("resident memory, idle", idle, "MB", rss(teleport.pid) if teleport else None, limit=30)
        # What the first sessions add once is not each session's.
        for child in way.hold(10):
            child.communicate()
        before = rss(fresh.child.pid)
        held = way.hold(SESSIONS)
        each = (rss(fresh.child.pid) - before) * 1024 / SESSIONS
        for child in held:
            child.communicate()
        table.row(f"resident memory for each of {SESSIONS} open sessions", each, "KB", limit=150)
    finally:
        fresh.stop()


class Alone:
    """`postern-cluster start` on a directory of documents, without a PostgreSQL of its own."""

    DOCUMENTS = """{kind: role, version: v7, metadata: {name: all}, spec: {allow: {db_labels: {"*": "*"}, db_users: [app], db_names: ["*"]}}}
---
{kind: user, version: v2, metadata: {name: alice}, spec: {roles: [all]}}
"""

    def __init__(self, work, databases):
        self.work = pathlib.Path(work)
        documents = self.work / "documents"
        documents.mkdir()
        (documents / "base.yaml").write_text(self.DOCUMENTS)
        lines = ["{kind: db, version: v3, metadata: {name: db-%05d, description: one of many, labels: {env: %s, team: team-%d}}, "
                 "spec: {protocol: postgres, uri: 'db-%05d.example.test:5432'}}" % (n, ("prod", "dev")[n % 2], n % 50, n)
                 for n in range(databases)]
        for at in range(0, databases, 1000):
            (documents / f"databases-{at:05}.yaml").write_text("\n---\n".join(lines[at:at + 1000]))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.proxy = f"localhost:{free.getsockname()[1]}"
        self.ca_file = self.work / "state/ca.pem"
        self.config = self.work / "cluster.yaml"
        self.config.write_text(json.dumps({
            "cluster_name": "root", "data_dir": str(self.work / "state"), "documents_dir": str(documents),
            "listen_addr": self.proxy.replace("localhost", "127.0.0.1"), "authentication": {"second_factor": "off"}}))

    def start(self):
        """Seconds from the start of the program to its first answer."""
        begin = time.perf_counter()
        self.child = subprocess.Popen([CLUSTER, "start", "-c", self.config], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        while b"is ready" not in (line := self.child.stderr.readline()):
            if not line:
                sys.exit("the cluster does not start")
        context = ssl.create_default_context(cafile=self.ca_file)
        with urllib.request.urlopen(f"https://{self.proxy}/webapi/ping", context=context) as answer:
            answer.read()
        return time.perf_counter() - begin

    def stop(self):
        self.child.send_signal(signal.SIGTERM)
        self.child.communicate()


def start(table, args, work):
    alone = Alone(work, 10)
    times = []
    for _ in range(args.runs + 1):
        times.append(alone.start())
        alone.stop()
    # The first one made the authorities.
    table.row("start to ready on existing state", statistics.median(times[1:]), "s", limit=0.2)


def listing(table, args, work):
    if "TELEPORT_BIN" not in os.environ:
        return
    tsh = pathlib.Path(os.environ["TELEPORT_BIN"]) / "tsh"
    alone = Alone(work, MANY)
    alone.start()
    try:
        password = "correct horse battery"
        run([CLUSTER, "users", "add", "-c", alone.config, "alice", "--password-stdin"], input=password.encode())
        env = {"PATH": os.environ["PATH"], "HOME": work, "TELEPORT_HOME": f"{work}/tsh", "SSL_CERT_FILE": str(alone.ca_file),
               "TELEPORT_TOOLS_VERSION": "off", "TERM": "dumb"}
        login(tsh, env, alone.proxy, "alice", password)
        ratios = []
        for _ in range(args.runs):
            before, served = resource.getrusage(resource.RUSAGE_CHILDREN), cpu(alone.child.pid)
            listed = run([tsh, "db", "ls", "--format", "json"], env).stdout
            after, served = resource.getrusage(resource.RUSAGE_CHILDREN), cpu(alone.child.pid) - served
            if len(json.loads(listed)) != MANY:
                sys.exit("the list is not complete")
            own = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
            ratios.append((own + served) / own)
        # Processor time of both, as nothing else in it waits: the same on a busy machine.
        table.row(f"db ls of {MANY} databases by tsh, of tsh's own CPU", statistics.median(ratios), "times", limit=1.1)
        table.row(f"resident memory with {MANY} databases", rss(alone.child.pid), "MB", limit=150)
    finally:
        alone.stop()


def main():
    names = ["pgbench", "connect", "copy", "twenty", "memory", "start", "list"]
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only", type=lambda text: text.split(","), default=names)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pc") as work:
        place = lambda name: str(pathlib.Path(work, name).mkdir() or pathlib.Path(work, name))
        teleport = Teleport(os.environ["POSTERN_LAB"], place("teleport")) if "POSTERN_LAB" in os.environ else None
        table = Table()
        if set(args.only) & {"pgbench", "connect", "copy", "twenty"}:
            ours = Postern(place("ours"))
            try:
                throughput(table, args, ours, teleport)
            finally:
                ours.stop()
        if "memory" in args.only:
            memory(table, place("memory"), teleport)
        if "start" in args.only:
            start(table, args, place("start"))
        if "list" in args.only:
            listing(table, args, place("list"))
    sys.exit(1 if table.failed else 0)


if __name__ == "__main__":
    main()
