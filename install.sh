#!/bin/sh
# Installs postern and the embedded cluster for this user, and shows them at work.
#
# usage: ./install.sh [--demo] [--yes] [--uninstall]
#   (nothing)     build and install both programs, completions and man pages under ~/.local
#   --demo        the same, then start a demo: log in, list, connect, also to a leaf cluster, cancel; stops all it started
#   --yes         install missing system packages without asking
#   --uninstall   remove what this script installed
# environment: PREFIX   where to install (default ~/.local)
set -eu
cd "$(dirname "$0")"

prefix=${PREFIX:-$HOME/.local}
demo='' yes='' uninstall=''
for arg in "$@"; do
  case $arg in
    --demo) demo=1 ;;
    --yes | -y) yes=1 ;;
    --uninstall) uninstall=1 ;;
    -h | --help)
      sed -n '2,9s/^# \{0,1\}//p' "$0"
      exit 0
      ;;
    *)
      echo "install.sh: unknown argument $arg (see --help)" >&2
      exit 2
      ;;
  esac
done

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
[ -t 1 ] || say() { printf '\n%s\n' "$*"; }
die() {
  printf 'install.sh: %s\n' "$*" >&2
  exit 1
}

bin=$prefix/bin
man=$prefix/share/man/man1
bash_completions=$prefix/share/bash-completion/completions
zsh_completions=$prefix/share/zsh/site-functions
fish_completions=$prefix/share/fish/vendor_completions.d
powershell_completions=$prefix/share/postern

if [ -n "$uninstall" ]; then
  for program in postern postern-cluster; do
    rm -f "$bin/$program" "$bash_completions/$program" "$zsh_completions/_$program" \
      "$fish_completions/$program.fish" "$powershell_completions/$program.ps1"
  done
  for page in man/*.1; do rm -f "$man/${page##*/}"; done
  rmdir "$powershell_completions" 2>/dev/null || true
  echo "Removed from $prefix. Sessions stay in your data directory: 'postern logout' ends them."
  exit 0
fi

# ---------------------------------------------------------------- what is missing

if [ "$(id -u)" = 0 ]; then sudo=''; else sudo=sudo; fi

find_postgres() {
  command -v postgres >/dev/null 2>&1 && command -v initdb >/dev/null 2>&1 && return 0
  for dir in /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /opt/homebrew/opt/postgresql*/bin /usr/local/opt/postgresql*/bin; do
    [ -x "$dir/initdb" ] && return 0
  done
  return 1
}

if ! command -v cargo >/dev/null 2>&1 && [ -x "$HOME/.cargo/bin/cargo" ]; then
  PATH=$HOME/.cargo/bin:$PATH
fi
command -v cargo >/dev/null 2>&1 || die "a Rust toolchain is needed: get one from rustup.rs, then run this again"

missing=''
command -v cc >/dev/null 2>&1 || missing="$missing compiler"
command -v psql >/dev/null 2>&1 || missing="$missing psql"
find_postgres || missing="$missing postgresql"

if [ -n "$missing" ]; then
  packages=''
  if command -v apt-get >/dev/null 2>&1; then
    for what in $missing; do
      case $what in
        compiler) packages="$packages gcc libc6-dev" ;;
        psql) packages="$packages postgresql-client" ;;
        postgresql) packages="$packages postgresql" ;;
      esac
    done
    install="$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends$packages"
    refresh="$sudo apt-get update -qq"
  elif command -v dnf >/dev/null 2>&1; then
    for what in $missing; do
      case $what in
        compiler) packages="$packages gcc" ;;
        psql) packages="$packages postgresql" ;;
        postgresql) packages="$packages postgresql-server" ;;
      esac
    done
    install="$sudo dnf install -y -q$packages"
    refresh=true
  elif command -v brew >/dev/null 2>&1; then
    for what in $missing; do
      case $what in
        compiler) die "the command line tools are missing: run 'xcode-select --install', then this again" ;;
        psql | postgresql) packages=" postgresql@17" ;;
      esac
    done
    install="brew install$packages"
    refresh=true
  else
    die "missing:$missing; none of apt-get, dnf, brew is here, so please install them yourself"
  fi
  echo "Missing:$missing"
  echo "To install: $install"
  if [ -z "$yes" ]; then
    [ -t 0 ] || die "no terminal to ask on; run again with --yes, or install$packages yourself"
    printf 'Run it? [Y/n] '
    read -r answer
    case $answer in
      '' | [Yy]*) ;;
      *) die "stopped; nothing was changed" ;;
    esac
  fi
  $refresh
  $install >/dev/null || die "could not install$packages"
fi

# ---------------------------------------------------------------- build and install

say "Building (the first time takes some minutes)"
# One build for both, so that what they share is compiled once.
cargo build --quiet --locked --profile local --features cluster --bins
target=${CARGO_TARGET_DIR:-target}/local

put() { # MODE SOURCE TARGET: under a new name first, so that a running program is not overwritten
  mkdir -p "$(dirname "$3")"
  cp "$2" "$3.new.$$"
  chmod "$1" "$3.new.$$"
  mv -f "$3.new.$$" "$3"
}

put 755 "$target/postern" "$bin/postern"
put 755 "$target/postern-cluster" "$bin/postern-cluster"
for program in postern postern-cluster; do
  put 644 "completions/$program.bash" "$bash_completions/$program"
  put 644 "completions/_$program" "$zsh_completions/_$program"
  put 644 "completions/$program.fish" "$fish_completions/$program.fish"
  put 644 "completions/$program.ps1" "$powershell_completions/$program.ps1"
done
for page in man/*.1; do put 644 "$page" "$man/${page##*/}"; done
echo "Installed postern and postern-cluster in $bin, completions and man pages under $prefix/share."
case :$PATH: in
  *":$bin:"*) ;;
  *) echo "Note: $bin is not on your PATH; add it: export PATH=\"$bin:\$PATH\"" ;;
esac

if [ -z "$demo" ]; then
  echo "Next: postern login --proxy=HOST, or './install.sh --demo' to see it at work with a cluster of its own."
  exit 0
fi

# ---------------------------------------------------------------- the demo

exec sh examples/demo.sh "$bin"
