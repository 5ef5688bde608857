# shellcheck shell=bash
# Starts the servers that the chosen parts need, beside the build; waits for their answers; stops them.
# Each is `tests/servers/NAME/run FOLDER PORT`, a process in the foreground, on 127.0.0.1 only.

declare -A server_pid=() server_port=() server_folder=() server_tries=()

# The variable that names a server; where the caller has set it, that server is used and none is started.
server_variable() { # NAME
  case $1 in
    postgres) echo TEST_DATABASE_URL ;;
    redis) echo TEST_REDIS_URL ;;
    kafka) echo TEST_KAFKA_BROKERS ;;
    ray) echo TEST_RAY_URL ;;
  esac
}

server_url() { # NAME
  case $1 in
    postgres) echo "postgres://postgres@127.0.0.1:${server_port[postgres]}/postgres" ;;
    redis) echo "redis://127.0.0.1:${server_port[redis]}/" ;;
    kafka) echo "127.0.0.1:${server_port[kafka]}" ;;
    ray) echo "http://127.0.0.1:${server_port[ray]}" ;;
  esac
}

is_given() { # NAME
  local variable
  variable=$(server_variable "$1")
  [[ -n ${!variable:-} && -z ${server_pid[$1]:-} ]]
}

# A port that nobody listens on, with three free ones above it (Kafka takes all four). A multiple of four, so that
# neighbours do not meet; below 32768, where no system takes a port for an outgoing connection. Another process may still be first: then
# the server ends, and `await_server` starts it again elsewhere.
free_port() {
  local port
  while true; do
    port=$((20000 + RANDOM % 3000 * 4))
    is_listening "$port" || is_listening $((port + 1)) || is_listening $((port + 2)) || is_listening $((port + 3)) || break
  done
  echo "$port"
}

is_listening() { # PORT
  (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

start_server() { # NAME
  local name=$1
  server_tries[$name]=$((${server_tries[$name]:-0} + 1))
  server_port[$name]=$(free_port)
  server_folder[$name]=$scratch/$name-${server_tries[$name]}
  mkdir "${server_folder[$name]}"
  ends_with_us KILL "tests/servers/$name/run" "${server_folder[$name]}" "${server_port[$name]}" \
    >"${server_folder[$name]}/log" 2>&1 &
  server_pid[$name]=$!
  disown # or bash would report its death
}

start_servers() { # NAME…
  local name
  for name in "$@"; do
    if is_given "$name"; then
      echo "$name: the one that $(server_variable "$name") names"
    else
      start_server "$name"
    fi
  done
}

is_alive() { # NAME
  kill -0 "${server_pid[$1]}" 2>/dev/null
}

answers() { # NAME
  local port=${server_port[$1]}
  case $1 in
    postgres) pg_isready --quiet --host 127.0.0.1 --port "$port" ;;
    redis) [[ $(redis-cli -h 127.0.0.1 -p "$port" ping 2>/dev/null) == PONG ]] ;;
    kafka) grep -q 'Kafka Server started' "${server_folder[kafka]}/log" ;;
    ray) curl --silent --fail --max-time 5 --output /dev/null "http://127.0.0.1:$port/health" ;;
  esac
}

await_server() { # NAME
  local name=$1 deadline=$((SECONDS + 90))
  until is_alive "$name" && answers "$name"; do
    if ! is_alive "$name"; then
      echo "$name: ended on port ${server_port[$name]}" >&2
      if ((server_tries[$name] == 3)); then
        show_log "$name"
        return 1
      fi
      start_server "$name"
    elif ((SECONDS > deadline)); then
      echo "$name: no answer within 90 s" >&2
      show_log "$name"
      return 1
    fi
    sleep 0.1
  done
}

# Waits until every server answers, and tells the tests where they are. A server that was there before
# and is no longer is a fault to be told, not one to be mended behind the tests' back.
await_servers() { # NAME…
  local name variable
  for name in "$@"; do
    is_given "$name" && continue
    variable=$(server_variable "$name")
    if [[ -n ${!variable:-} ]]; then
      if ! is_alive "$name"; then
        echo "$name: ended while tests ran" >&2
        return 1
      fi
      continue
    fi
    await_server "$name" || return 1
    export "$variable=$(server_url "$name")"
    [[ $name != kafka ]] || export_secured_kafka
    [[ $name != ray ]] || export TEST_RAY_PID=${server_pid[ray]} # whose children the replicas are
    echo "$name: ${!variable} (process ${server_pid[$name]})"
  done
}

# Its listeners with TLS, see kafka/run. Whoever gives a broker of their own gives these too.
export_secured_kafka() {
  export TEST_KAFKA_SCRAM_BROKERS=127.0.0.1:$((server_port[kafka] + 2))
  export TEST_KAFKA_TLS_BROKERS=127.0.0.1:$((server_port[kafka] + 3))
  export TEST_KAFKA_CA_FILE=${server_folder[kafka]}/tls/ca.pem
}

show_log() { # NAME
  echo "--- the end of the log of $1:" >&2
  tail -n 40 "${server_folder[$1]}/log" >&2 || true
}

show_logs() { # NAME…
  local name
  for name in "$@"; do
    [[ -z ${server_pid[$name]:-} ]] || show_log "$name"
  done
}

# Stops those that none of the parts uses: an idle Ray takes a tenth of two cores from whoever is at work.
stop_servers_but_for() { # PART…
  local part name used=""
  for part in "$@"; do
    used+=" $(servers_of "$part") "
  done
  for name in "${!server_pid[@]}"; do
    [[ $used == *" $name "* ]] || stop_servers "$name"
  done
}

# What they hold is thrown away, so only PostgreSQL and Ray are asked nicely: killed, they would leave shared memory or
# processes behind. SIGTERM ends PostgreSQL before it is up, SIGINT when it is.
stop_servers() { # NAME…
  local name tenths
  for name in "$@"; do
    if [[ $name == postgres ]]; then
      kill -TERM "${server_pid[$name]}" 2>/dev/null || true
      kill -INT "${server_pid[$name]}" 2>/dev/null || true
    elif [[ $name == ray ]]; then
      kill -TERM "${server_pid[$name]}" 2>/dev/null || true
    else
      kill -KILL "${server_pid[$name]}" 2>/dev/null || true
    fi
  done
  for name in "$@"; do
    for ((tenths = 0; tenths < 100; tenths++)); do
      is_alive "$name" || break
      sleep 0.1
    done
    ! is_alive "$name" || kill -KILL "${server_pid[$name]}" 2>/dev/null || true
    unset "server_pid[$name]"
  done
}
