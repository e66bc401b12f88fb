#!/bin/sh
# Shows the main job against a demo cluster of its own, then stops everything it started.
#
# usage: demo.sh DIRECTORY-OF-THE-PROGRAMS        (install.sh --demo calls it)
set -eu

bin=$1
PATH=$bin:$PATH
work=$(mktemp -d "${TMPDIR:-/tmp}/postern-demo.XXXXXX")
process=''

finish() {
  status=$?
  trap - EXIT INT TERM
  if [ -n "$process" ]; then
    kill -TERM "$process" 2>/dev/null || true
    wait "$process" 2>/dev/null || true
  fi
  # As root, PostgreSQL's data lies in a directory of its own beside the cluster's.
  if [ -s "$work/ready.json" ]; then
    for cluster in root leaf; do
      host=$(server "$cluster" host)
      case $host in */postern-pg-*/socket) rm -rf "${host%/socket}" ;; esac
    done
  fi
  rm -rf "$work"
  exit $status
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
[ -t 1 ] || say() { printf '\n== %s\n' "$*"; }
show() {
  say "\$ $*"
  "$@"
}
field() { sed -n "s/.*\"$1\": *\"\([^\"]*\)\".*/\1/p" "$work/ready.json" | head -n 1; }
server() { # CLUSTER FIELD: of the PostgreSQL server behind that cluster
  sed -n "s/.*\"$1\": *{[^}]*\"$2\": *\"\{0,1\}\([^\",}]*\).*/\1/p" "$work/ready.json"
}

# A home of its own: your real sessions stay untouched.
POSTERN_HOME=$work/home
export POSTERN_HOME
unset POSTERN_PROXY PGSERVICE PGHOST PGUSER PGDATABASE 2>/dev/null || true

say "Starting a demo: two linked clusters in one process, real certificates, real PostgreSQL"
mkfifo "$work/ready"
postern-cluster demo --dir "$work/cluster" --port 0 --format json >"$work/ready" 2>"$work/log" &
process=$!
if ! head -n 1 "$work/ready" >"$work/ready.json" || ! [ -s "$work/ready.json" ]; then
  cat "$work/log" >&2
  echo "the demo cluster did not start" >&2
  exit 1
fi
proxy=$(field proxy)
ca=$(field ca_file)
password=$(sed -n 's/.*"name": *"alice", *"password": *"\([^"]*\)".*/\1/p' "$work/ready.json")
echo "It listens on $proxy; users alice, bob and carol."

say "\$ postern login --proxy=$proxy --user=alice --ca-file=$ca"
{
  printf '%s\n' "$password"
  sed -n 's/.*"name": *"alice",[^}]*"totp_key": *"\([^"]*\)".*/\1/p' "$work/ready.json" | postern-cluster code
} | postern login --proxy="$proxy" --user=alice --ca-file="$ca" --password-stdin

show postern db ls -v

show postern db connect orders --db-roles reader -- -c 'select id, v from t order by id limit 3'
say "The database user is alice herself, made for this session; her roles while it lasts:"
postern db connect orders --db-roles reader -- -c \
  "select current_user as \"user\", string_agg(r.rolname, ', ' order by r.rolname) as roles from pg_auth_members m join pg_roles r on r.oid = m.roleid where m.member = current_user::regrole group by 1"

say "A second cluster is linked as a leaf; its databases are reached through the same port:"
show postern clusters
show postern db ls --cluster leaf
say "There alice is remote-alice-root:"
postern db connect --cluster leaf leaf-orders -- -c \
  "select current_user as \"user on the leaf\", string_agg(r.rolname, ', ' order by r.rolname) as roles from pg_auth_members m join pg_roles r on r.oid = m.roleid where m.member = current_user::regrole group by 1"

say "Ctrl+C: a query of 60 seconds, interrupted"
ask() { # one value, as the superuser, from PostgreSQL itself
  psql -X -A -t -w -h "$(server root host)" -p "$(server root port)" -U "$(server root superuser)" -d postgres -c "$1"
}
millis() { case $(date +%N) in *N*) echo "$(date +%s)000" ;; *) date +%s%3N ;; esac; }
postern db connect orders --db-roles reader -- -c 'select pg_sleep(60)' </dev/null &
query=$!
tries=0
until [ "$(ask "select count(*) from pg_stat_activity where usename = 'alice' and query = 'select pg_sleep(60)'")" = 1 ]; do
  tries=$((tries + 1))
  [ $tries -lt 300 ] || { echo "the query did not start" >&2; exit 1; }
  sleep 0.1
done
started=$(millis)
kill -s INT "$query" # without a terminal the signal is passed on to psql, which asks the server to cancel
wait "$query" || true
echo "The query stopped $(($(millis) - started)) ms after the interrupt; PostgreSQL now runs" \
  "$(ask "select count(*) from pg_stat_activity where usename = 'alice' and state = 'active'") queries of alice."

# A defect of the cluster that showed nothing above. In an optimized build the process ends there.
if grep ' panicked at ' "$work/log" >&2; then
  echo "the demo cluster is broken; see above" >&2
  exit 1
fi

say "What to type next"
cat <<END
  postern-cluster demo                      in one terminal: a cluster that stays
  postern login --proxy=localhost:3080 …    in another: it prints user, password and one-time-code key
  postern db ls -v
  postern db connect orders --db-roles reader
  postern db connect --cluster leaf leaf-orders
  man postern
END
