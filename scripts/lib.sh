# Shared by the scripts beside it: where things are, installing what is missing, building.
set -euo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$top"

say() { printf '\n== %s\n' "$*"; }

as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

# packages_of [GROUP…]: the Debian packages of these groups of scripts/packages.txt; without any, of all but "package".
packages_of() {
  awk -v wanted=" ${*:-command run window python test} " '
    /^# group / { group = " " $3; sub(/:$/, "", group); next }
    /^#/ || !NF { next }
    index(wanted, group " ") { print }' scripts/packages.txt
}

# install_packages [GROUP…]: installs what is missing of them.
install_packages() {
  local missing=() package
  while read -r package; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
  done < <(packages_of "$@")
  if [ ${#missing[@]} -eq 0 ]; then
    say "Debian packages: all there"
    return
  fi
  say "Installing Debian packages: ${missing[*]}"
  as_root apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# Reads ninja's output, and prints how far it is with an estimate of the time left: on a terminal in one line that
# changes, elsewhere a line every ten seconds.
show_progress() {
  local done_steps steps elapsed rest last=-10 line
  while read -r done_steps steps elapsed rest; do
    [[ "$elapsed" =~ ^[0-9]+\.[0-9]+$ ]] && [ "$done_steps" -gt 0 ] || continue
    elapsed=${elapsed%.*}
    line="$done_steps of $steps, ${elapsed} s, about $((elapsed * (steps - done_steps) / done_steps)) s left"
    if [ -t 1 ]; then
      printf '\r%-60s' "$line"
    elif [ "$elapsed" -ge $((last + 10)) ] || [ "$done_steps" = "$steps" ]; then
      echo "$line"
      last=$elapsed
    fi
  done
  [ ! -t 1 ] || echo
}

# build_target PRESET TARGET [OPTION…]: builds one target with progress; the options are for configuring.
build_target() {
  local preset=$1 target=$2 log
  log=build/build-$preset.log
  say "Building $target (preset $preset)"
  cmake --preset "$preset" "${@:3}" >"build/configure-$preset.log" 2>&1 || { cat "build/configure-$preset.log"; return 1; }
  NINJA_STATUS="%f %t %e " cmake --build --preset "$preset" --target "$target" 2>&1 | tee "$log" | show_progress ||
    { cat "$log"; return 1; }
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
