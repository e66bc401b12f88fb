#!/bin/sh
# How a script uses postern: exit codes and JSON, never prose.
#
# environment: POSTERN, PROXY, CA_FILE, PASSWORD of alice (second factor off), POSTERN_HOME (empty)
set -u

failed() {
  echo "script.sh: $*" >&2
  exit 1
}
expect() { # CODE COMMAND…: runs it, keeps its outputs in $out and $err
  want=$1
  shift
  out=$("$@" 2>"$POSTERN_HOME.err" </dev/null)
  code=$?
  err=$(cat "$POSTERN_HOME.err")
  [ "$code" = "$want" ] || failed "exit $code, not $want: $* / $out / $err"
}
has() { case $2 in *"$1"*) ;; *) failed "no $1 in: $2" ;; esac; }

# Before any login: exit 10, one JSON object on stderr with code, hop, message and hint.
expect 10 "$POSTERN" status --format json
expect 10 "$POSTERN" db ls --format json
for key in '"code":10' '"hop":' '"message":' '"hint":'; do has "$key" "$(printf %s "$err" | tr -d ' ')"; done

# The three lines.
printf '%s\n' "$PASSWORD" |
  "$POSTERN" login --proxy="$PROXY" --user=alice --ca-file="$CA_FILE" --key-store=file --password-stdin --format json >"$POSTERN_HOME.out" ||
  failed "login"
has '"alice"' "$(cat "$POSTERN_HOME.out")"
expect 0 "$POSTERN" db ls -v
expect 0 "$POSTERN" db connect --db-roles reader -- -X -A -t -c 'select count(*) from t'
[ "$out" = 1000 ] || failed "rows: $out"

# Names for loops, JSON for programs.
expect 0 "$POSTERN" db ls --format names
has orders "$out"
expect 0 "$POSTERN" status --format json
expect 0 "$POSTERN" clusters --format json
expect 0 "$POSTERN" version --format json
has '"version"' "$out"

# The branches that a script must tell apart.
expect 2 "$POSTERN" db connect --no-such-flag
expect 12 "$POSTERN" db connect no-such-database
expect 13 "$POSTERN" db connect
expect 14 "$POSTERN" db connect orders --db-roles owner
expect 14 "$POSTERN" db connect orders --db-user somebody-else
expect 12 "$POSTERN" db ls --cluster no-such-cluster
expect 3 "$POSTERN" db connect orders -- -X -v ON_ERROR_STOP=1 -f "$0"

expect 0 "$POSTERN" logout
expect 10 "$POSTERN" logout
echo "all as expected"
