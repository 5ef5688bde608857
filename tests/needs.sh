# shellcheck shell=bash
# What the chosen parts need on this machine: finds it, installs it where it may, or says all that is missing at once.

# Debian packages, and what else no package manager gives, that were not found.
missing_packages=()
missing_otherwise=()

need() { # COMMAND PACKAGE…
  local command=$1
  shift
  command -v "$command" >/dev/null || missing_packages+=("$@")
}

need_rust() {
  local wanted
  wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
  if ! command -v cargo >/dev/null; then
    missing_otherwise+=("Rust $wanted or later with clippy and rustfmt, by rustup")
    return
  fi
  cargo fmt --version >/dev/null 2>&1 || missing_otherwise+=("rustfmt: rustup component add rustfmt")
  cargo clippy --version >/dev/null 2>&1 || missing_otherwise+=("clippy: rustup component add clippy")
}

# librdkafka, OpenSSL and SQLite are compiled from source.
need_compilers() {
  need cc gcc libc6-dev
  need c++ g++
  need make make
  need perl perl
}

# Debian keeps the server's programs out of PATH; the newest version is put there.
need_postgres() {
  command -v initdb >/dev/null && command -v postgres >/dev/null && command -v pg_isready >/dev/null && return
  local newest
  newest=$(find /usr/lib/postgresql -path '*/bin/initdb' 2>/dev/null | sort -V | tail -n 1)
  if [[ -n $newest ]]; then
    PATH=$(dirname "$newest"):$PATH
  else
    missing_packages+=(postgresql)
  fi
}

need_redis() {
  need redis-server redis-server
  need redis-cli redis-tools
  need openssl openssl # certificates for a Redis with TLS
}

# Kafka 4 runs on Java 17 or later. The one in JAVA_HOME or PATH, or else a newer one that is installed beside it.
need_java() {
  local java
  for java in "${JAVA_HOME:-/nowhere}/bin/java" "$(command -v java)" /usr/lib/jvm/*/bin/java; do
    if [[ -x $java ]] && is_java_17 "$java"; then
      JAVA_HOME=$(dirname "$(dirname "$(readlink -f "$java")")")
      PATH=$JAVA_HOME/bin:$PATH
      export JAVA_HOME
      return
    fi
  done
  missing_packages+=(openjdk-17-jre-headless)
}

is_java_17() { # JAVA
  local version
  version=$("$1" -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p' | head -n 1)
  ((${version:-0} >= 17))
}

need_virtual_environments() {
  if ! python3 -c 'import ensurepip, venv' 2>/dev/null; then
    missing_packages+=(python3 python3-venv)
  fi
}

find_missing() { # PART…
  local part server
  missing_packages=()
  missing_otherwise=()
  need setpriv util-linux
  need flock util-linux
  for part in "$@"; do
    case $part in
      servers) ;;
      format) need_rust ;;
      lint)
        need_rust
        need_compilers
        need shellcheck shellcheck
        is_prepared typos || need_virtual_environments
        ;;
      *)
        need_rust
        need_compilers
        ;;
    esac
    case $part in
      dev) need kcat kcat ;;
      ray | chaos)
        need python3 python3
        need curl curl
        is_prepared ray || need_virtual_environments
        ;;
      end-to-end)
        need node nodejs
        is_prepared clients || need npm npm
        ;;
      specification)
        need promtool prometheus
        need chromium chromium
        need python3 python3
        need git git
        need openssl openssl
        need script bsdutils
        need strip binutils
        [[ -f /etc/ssl/certs/ca-certificates.crt ]] || missing_packages+=(ca-certificates)
        is_prepared asyncapi || need npm npm
        { is_prepared hadolint && is_prepared kubernetes-validate && is_prepared schemathesis &&
          is_prepared cockroachdb-grammar; } || need_virtual_environments
        ;;
    esac
    for server in $(servers_of "$part"); do
      must_be_startable "$part" "$server" || continue
      case $server in
        postgres) need_postgres ;;
        redis) need_redis ;;
        kafka)
          need_java
          need openssl openssl
          is_prepared kafka || need mvn maven
          ;;
      esac
    done
  done
  mapfile -t missing_packages < <(each_once "${missing_packages[@]}")
  mapfile -t missing_otherwise < <(each_once "${missing_otherwise[@]}")
}

each_once() { # WORD…
  (($# == 0)) || printf '%s\n' "$@" | sort -u
}

install_what_is_missing() { # PART…
  find_missing "$@"
  if ((${#missing_packages[@]} > 0)) && may_install; then
    echo "installing Debian packages: ${missing_packages[*]}"
    install_packages >"$scratch/apt.log" 2>&1 || tail -n 20 "$scratch/apt.log" >&2
    hash -r
    find_missing "$@"
  fi
  if ((${#missing_packages[@]} + ${#missing_otherwise[@]} > 0)); then
    say_what_is_missing >&2
    exit 3
  fi
}

may_install() {
  command -v apt-get >/dev/null && { ((EUID == 0)) || sudo -n true 2>/dev/null; }
}

install_packages() {
  local as_root=()
  ((EUID == 0)) || as_root=(sudo -n)
  local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -y -o DPkg::Lock::Timeout=300)
  within 300 "${apt[@]}" update || return
  within 900 "${apt[@]}" install --no-install-recommends "${missing_packages[@]}"
}

say_what_is_missing() {
  local thing
  echo "These tests need what is not here, and may not or could not be installed:"
  if ((${#missing_packages[@]} > 0)); then
    echo "  apt-get install --no-install-recommends ${missing_packages[*]}"
  fi
  for thing in "${missing_otherwise[@]}"; do
    echo "  $thing"
  done
}
