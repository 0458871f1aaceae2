# Installs Debian packages that are missing; to be sourced.
#
# need_packages SET...  makes sure that every package of these sets of
# packaging/packages.txt is there. It touches nothing and needs no network
# when all are, which is the usual case and takes a few hundredths of a second.

say() { printf '\033[1m== %s\033[0m\n' "$*" >&2; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    die "this needs root for: $* (install sudo, or run it as root)"
  fi
}

# Waits up to ten minutes for another apt or dpkg to finish.
apt_get() {
  as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get -q -o DPkg::Lock::Timeout=600 -o Acquire::Retries=3 "$@"
}

missing_packages() { # of the sets named
  local sets=" $* " set package
  local -a wanted=()
  while read -r set package _; do
    case $sets in *" $set "*) wanted+=("$package") ;; esac
  done < <(grep -v '^#' "$root/packaging/packages.txt")
  # Prints those of which dpkg does not say that they are installed.
  dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' "${wanted[@]}" \
    2>/dev/null | sed -n 's/^ii *//p' |
    sort -u | comm -13 - <(printf '%s\n' "${wanted[@]}" | sort -u)
}

need_packages() {
  command -v dpkg-query >/dev/null ||
    die "this is not a Debian system: install what packaging/packages.txt" \
      "names by hand and build with cmake --preset release"
  local missing
  missing=$(missing_packages "$@")
  [ -z "$missing" ] && return
  say "installing Debian packages:" $missing
  local list=$missing
  # The package lists of a fresh machine are empty, those of an old one stale.
  apt_get update ||
    say "apt-get update failed; going on with the package lists that are there"
  # shellcheck disable=SC2086
  apt_get install -y --no-install-recommends $list ||
    die "apt-get could not install: $(echo $missing)"
}
