# shellcheck shell=bash
# One step of a part: a command with a time limit, that ends when the test run ends.

# The process id of the step that is running, or nothing.
running=

# If this script is killed outright, the kernel sends SIGNAL to what it started.
ends_with_us() { # SIGNAL COMMAND…
  local signal=$1
  shift
  exec setpriv --pdeathsig "$signal" "$@"
}

# Runs COMMAND with a limit. Not in the foreground: bash acts on a signal only between foreground commands,
# and an interrupt must not wait for a build to finish. `timeout` passes a signal on to all that COMMAND started.
# Bash lets what runs beside it ignore SIGINT; a program under test must not inherit that.
within() { # SECONDS COMMAND…
  local seconds=$1 status=0
  shift
  ends_with_us TERM env --default-signal=INT,QUIT timeout --kill-after=15 "$seconds" "$@" &
  running=$!
  wait "$running" || status=$?
  running=
  case $status in
    124) echo "stopped after $seconds s, its limit: $*" >&2 ;;
    137) echo "killed (its limit is $seconds s): $*" >&2 ;;
  esac
  return "$status"
}

stop_running_step() {
  [[ -n $running ]] || return 0
  kill -TERM "$running" 2>/dev/null || true
  wait "$running" 2>/dev/null || true
  running=
}

# The same, announced, as a step of a part: a failure is remembered and the next step runs all the same.
step() { # TITLE SECONDS COMMAND…
  local title=$1 began=$SECONDS status=0
  shift
  echo "--- $title"
  within "$@" || status=$?
  if ((status == 0)); then
    echo "--- $title: passed in $((SECONDS - began)) s"
  else
    echo "--- $title: FAILED in $((SECONDS - began)) s (exit $status)"
    part_failed=1
  fi
  return "$status"
}
