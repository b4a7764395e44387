# Shared by the scripts beside it: where things are, installing what is missing, building.
set -euo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$top"

say() { printf '\n== %s\n' "$*"; }

as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

install_packages() {
  local missing=() package
  while read -r package; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
  done < <(grep -v '^#' scripts/packages.txt)
  if [ ${#missing[@]} -eq 0 ]; then
    say "Debian packages: all there"
    return
  fi
  say "Installing Debian packages: ${missing[*]}"
  as_root apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# build PRESET [TARGET…]: configures where that is needed, and builds what has changed.
build() {
  say "Building (preset $1); minutes the first time"
  cmake --preset "$1" >"build/configure-$1.log" 2>&1 || { cat "build/configure-$1.log"; return 1; }
  cmake --build --preset "$1" ${2:+--target "${@:2}"} >"build/build-$1.log" 2>&1 || { cat "build/build-$1.log"; return 1; }
  tail -n 1 "build/build-$1.log"
}

# The files of this checkout that match, whoever owns it.
tracked() { git -c safe.directory="$top" ls-files -- "$@"; }

mkdir -p build
