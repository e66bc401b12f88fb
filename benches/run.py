#!/usr/bin/env python3
"""Prints what postern costs: start-up time, size, memory; beside tsh when TELEPORT_BIN is set. Round trips: client.py.

usage: benches/run.py [--runs N]
needs: release builds (cargo build --release --features cluster --bin postern-cluster; cargo build --release, in this order,
       so that the client measured is the one with default features), psql, PostgreSQL
environment: TELEPORT_BIN   directory with tsh 18.x, POSTERN_LAB a running pair's directory: adds the columns beside it

Times are medians over interleaved runs, given as milliseconds above /bin/true of the same run.
"""
import argparse
import json
import os
import pathlib
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
POSTERN = ROOT / "target/release/postern"
CLUSTER = ROOT / "target/release/postern-cluster"


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
    demo = subprocess.Popen([CLUSTER, "demo", "--dir", f"{work.name}/d", "--port", "0", "--no-leaf", "--no-second-factor",
                             "--format", "json"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        ready = json.loads(demo.stdout.readline())
        env = {"PATH": os.environ["PATH"], "HOME": work.name, "POSTERN_HOME": f"{work.name}/h", "LANG": "C.UTF-8"}
        password = next(u["password"] for u in ready["users"] if u["name"] == "alice")
        login = [POSTERN, "login", "--proxy", ready["proxy"], "--user", "alice", "--ca-file", ready["ca_file"],
                 "--password-stdin", "--key-store", "file", "--force"]
        wall(login, env, f"{password}\n".encode())
        start = above_true({"version": [POSTERN, "version"], "status": [POSTERN, "status"]}, runs, env)
        memory = tunnel_memory([POSTERN, "proxy", "db", "orders", "--format", "json"], env, psql)
        rows = [
            ("postern version, ms above /bin/true", start["version"], 2, "version"),
            ("postern status, ms above /bin/true", start["status"], 4, "status"),
            ("program, MB", POSTERN.stat().st_size / 1e6, 8, "size"),
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
