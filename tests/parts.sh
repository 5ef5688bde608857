# shellcheck shell=bash
# The parts of the test run, in their order: what each is, which servers it uses, what it does.

parts=(format build lint unit ray store kafka end-to-end chaos specification dev)
# Only where they are named.
lone_parts=(soak)

says_of() { # PART
  case $1 in
    format) echo "the code is formatted" ;;
    build) echo "everything compiles: the program as users build it, then all tests" ;;
    lint) echo "clippy, documentation, licences and sources of crates, advisories, shell scripts, spelling" ;;
    unit) echo "unit, property and documentation tests, and every test that no other part claims; no server" ;;
    ray) echo "the engine's wheel, the Serve application under a real serve run, the service on it, while it breaks too; Ray, PostgreSQL, Redis, Kafka" ;;
    store) echo "every store keeps its contract; PostgreSQL" ;;
    kafka) echo "the service's Kafka room against a real broker; Kafka" ;;
    end-to-end) echo "the program among its neighbours, killed and moved; KafkaJS; PostgreSQL, Redis, Kafka" ;;
    chaos) echo "faults under load: kills, restarts, ways that break, a full disk, a clock that is set; PostgreSQL, Redis, Kafka, Ray" ;;
    soak) echo "half an hour (SOAK_MINUTES) at 100 events a second, a SIGKILL every minute; PostgreSQL, Redis, Kafka" ;;
    specification) echo "the specification, row by row, on real parts; image, manifests, Chromium, Schemathesis; PostgreSQL, Redis, Kafka" ;;
    dev) echo "the README's first command, with nothing installed beside it; kcat" ;;
  esac
}

servers_of() { # PART
  case $1 in
    ray) echo postgres redis kafka ray ;;
    store) echo postgres ;;
    kafka) echo kafka ;;
    end-to-end | chaos | soak | specification | servers) echo postgres redis kafka ;;
  esac
}

# What is fetched for it and kept, see prepared.sh.
things_of() { # PART
  local server
  case $1 in
    lint) echo cargo-deny typos ;;
    end-to-end) echo clients ;;
    # Its scenes start a Ray of their own.
    ray | chaos) echo ray ;;
    specification) echo hadolint kubernetes-validate asyncapi schemathesis cockroachdb-grammar ;;
  esac
  for server in $(servers_of "$1"); do
    if [[ $server == kafka ]] && must_be_startable "$1" kafka; then
      echo kafka
    fi
  done
}

# The specification and chaos stop servers, so they have some of their own beside those that are given.
must_be_startable() { # PART SERVER
  [[ $1 == specification || $1 == chaos ]] || ! is_given "$2"
}

# Limits are there to end what hangs, at some three times what a cold run on two cores takes.
compile_limit_s=2400
test_limit_s=900
lint_limit_s=900

part_format() {
  step "cargo fmt" 120 cargo fmt --all --check || true
}

# Tests run with all that the image has, so that the AWS SDK is compiled once, for all of them.
features=monte-carlo-service/msk-iam

# Without the tests' dependencies first: those can switch on a feature that the program forgot to ask for. And never with
# --workspace: what bench depends on would do so too, and every part that builds the service alone would compile it anew.
part_build() {
  step "the program" "$compile_limit_s" cargo build --release --locked || return 0
  step "what it was built without" 60 tests/build/without_features "${CARGO_TARGET_DIR:-target}/release/monte-carlo-service" || true
  step "the tests" "$compile_limit_s" cargo test --release --locked --features "$features" --no-run || true
}

# In the tests' profile, so that the C libraries are not compiled once more.
part_lint() {
  local deny typos
  deny=$(prepared_folder cargo-deny)/bin/cargo-deny
  typos=$(prepared_folder typos)/typos
  # The engine for Python is checked without a Python, and links none.
  export PYO3_NO_PYTHON=1 PYO3_BUILD_EXTENSION_MODULE=1
  step "clippy" "$lint_limit_s" cargo clippy --release --locked --workspace --features "$features" --all-targets -- -D warnings || true
  step "documentation" "$lint_limit_s" \
    env RUSTDOCFLAGS="${RUSTDOCFLAGS:-} -D warnings" cargo doc --release --locked --workspace --features "$features" --no-deps || true
  unset PYO3_NO_PYTHON PYO3_BUILD_EXTENSION_MODULE
  step "licences, bans, sources" 300 "$deny" --locked check licenses bans sources || true
  # The database of advisories is a git repository that not every machine may reach.
  echo "--- advisories"
  if within 60 "$deny" --locked fetch db >"$scratch/advisories.log" 2>&1; then
    step "advisories" 120 "$deny" --locked check --disable-fetch advisories || true
  else
    echo "--- advisories: NOT CHECKED, their database could not be fetched: $(grep . "$scratch/advisories.log" | tail -n 1)"
  fi
  step "shell scripts" 60 \
    shellcheck --external-sources --check-sourced test .ci/run bench/{coverage,engine,ray}/run bench/ray/book fuzz/run image/assemble tests/build/without_features tests/servers/*/run tests/servers/ray/{haproxy,modules,python} tests/specification/*/run tests/specification/image/in_a_pod || true
  step "spelling" 60 "$typos" || true
}

part_unit() {
  local unclaimed
  mapfile -t unclaimed < <(unclaimed_targets | sed 's/^/--test=/')
  run_tests -p monte-carlo-service --features "$features" --lib --bins "${unclaimed[@]}" || true
  run_tests -p monte-carlo-service --features "$features" --doc || true
  # By itself, as others would use it: it must not lean on a feature that the service switches on.
  run_tests -p monte-carlo-engine || true
}

# The service's test programs: one for each of these parts, named in Rust's way; the rest, so that none is forgotten,
# run with the unit tests.
claiming_parts=(ray store kafka end-to-end dev)

unclaimed_targets() {
  local file target
  for file in crates/service/tests/*.rs crates/service/tests/*/main.rs; do
    [[ -f $file ]] || continue
    target=${file#crates/service/tests/}
    target=${target%/main.rs}
    target=${target%.rs}
    case " ${claiming_parts[*]} " in
      *" ${target//_/-} "*) ;;
      *) echo "$target" ;;
    esac
  done
}

part_ray() {
  local python
  python=$(prepared_folder ray)/venv/bin/python
  step "Python's formatting" 60 "$python" -m ruff format --check --no-cache --config ray/ruff.toml ray crates/python tests/servers/ray || true
  step "Python's lint" 60 "$python" -m ruff check --no-cache --config ray/ruff.toml ray crates/python tests/servers/ray || true
  run_target
  run_tests -p monte-carlo-service --features "$features" --test end_to_end -- on_ray:: --test-threads=1 || true
  await_servers_of_part || return 0
  step "pytest" "$test_limit_s" env PYTHONPATH="$TEST_RAY_MODULES:ray" PYTHONDONTWRITEBYTECODE=1 \
    "$python" -m pytest --quiet --disable-warnings -p no:cacheprovider --durations=5 ray/tests || true
}

# The engine for Python, built once a run; Ray waits for it.
build_wheel() {
  [[ -d $TEST_RAY_MODULES ]] || step "the engine's wheel" "$compile_limit_s" tests/servers/ray/modules "$TEST_RAY_MODULES"
}

part_store() {
  if [[ -n ${TEST_COCKROACH_URL:-} ]]; then
    run_tests -p monte-carlo-service --features "cockroach-tests,$features" --test store || true
  else
    run_target
  fi
}
part_kafka() { run_target; }
# One program, so that the neighbours' half of it is compiled once.
part_end-to-end() { run_target -- --skip specification:: --skip on_ray:: --skip chaos::; }

# One scene after the other, for each takes both cores. What they tell is added up in the last line.
part_chaos() {
  # Nine minutes on two cores, of which most are waits for what is behind.
  local test_limit_s=2400
  build_wheel || return 0
  export TEST_CHAOS_FIGURES=$scratch/chaos
  : >"$TEST_CHAOS_FIGURES"
  run_tests -p monte-carlo-service --features "$features" --test end_to_end -- chaos:: --skip chaos::soak:: --test-threads=1 || true
  cat "$TEST_CHAOS_FIGURES"
  last_words=$(chaos_in_all "$TEST_CHAOS_FIGURES")
}

# Of the lines of scenes: how many, what was lost and doubled in all, and the longest recovery.
chaos_in_all() { # FILE
  awk '/ scenario=/ {
      scenarios++
      for (i = 1; i <= NF; i++) {
        split($i, figure, "=")
        if (figure[1] == "lost" || figure[1] == "duplicated") sum[figure[1]] += figure[2]
        if (figure[1] == "recovery_s" && figure[2] > worst) worst = figure[2]
      }
    }
    END { printf "chaos: scenarios=%d lost=%d duplicated=%d worst_recovery_s=%.2f\n", scenarios, sum["lost"], sum["duplicated"], worst }' "$1"
}

part_soak() {
  local test_limit_s=$((60 * ${SOAK_MINUTES:-30} + 900))
  export TEST_CHAOS_FIGURES=$scratch/soak
  : >"$TEST_CHAOS_FIGURES"
  run_tests -p monte-carlo-service --features "$features" --test end_to_end -- chaos::soak:: --nocapture || true
  last_words=$(tail -n 1 "$TEST_CHAOS_FIGURES")
}
part_specification() {
  run_tests -p monte-carlo-service --features "$features" --test end_to_end -- specification:: || true
  step "the image" "$compile_limit_s" tests/specification/image/run "$(prepared_folder hadolint)" || true
  step "the manifests" "$test_limit_s" tests/specification/manifests/run "$(prepared_folder kubernetes-validate)" || true
  step "the API against its document" 600 tests/specification/openapi/run || true
}
part_dev() { run_target; }

run_target() { # [-- ARGUMENTS OF THE TEST PROGRAM]
  run_tests -p monte-carlo-service --features "$features" --test "${part//-/_}" "$@" || true
}

# Compiles first, under its own limit, while the servers start; a target that does not exist is a failure.
run_tests() { # CARGO ARGUMENTS… [-- ARGUMENTS OF THE TEST PROGRAM]
  local what=()
  while (($# > 0)) && [[ $1 != -- ]]; do
    what+=("$1")
    shift
  done
  # (Documentation tests have nothing to compile ahead.)
  if [[ " ${what[*]} " != *" --doc "* ]]; then
    step "compile ${what[*]}" "$compile_limit_s" cargo test --release --locked "${what[@]}" --no-run || return
  fi
  await_servers_of_part || return
  step "cargo test ${what[*]} $*" "$test_limit_s" cargo test --release --locked --no-fail-fast "${what[@]}" "$@"
}

await_servers_of_part() {
  local servers
  read -ra servers < <(servers_of "$part")
  [[ $part != ray ]] || build_wheel || return
  if ! await_servers "${servers[@]}"; then
    part_failed=1
    return 1
  fi
}
