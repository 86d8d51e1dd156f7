# shellcheck shell=bash
# The seven services, each with the threads of one of the paper's programs: how they and their clients
# are started and stopped. Sourced by suite.sh.

# What is run, unless told otherwise: QUIESCE_SERVICES="pool memcache"
services=${QUIESCE_SERVICES:-pool stream bulk memcache game monitor inspect}

declare -A program=([pool]=httpd [stream]=icecast [bulk]=iperf [memcache]=memcached
  [game]=space-tyrant [monitor]=spread-mon [inspect]=suricata)
# Threads of the paper's programs; n, c: as many as are told.
declare -A shape=([pool]=2+c [stream]=6 [bulk]=3+n [memcache]=2+c [game]=3+2n [monitor]=4 [inspect]=8+c)
# Its time to quiescence under load, with blocking calls and conditions interrupted.
declare -A paper_ms=([pool]=0.185 [stream]=105.152 [bulk]=0.193 [memcache]=0.166 [game]=0.426
  [monitor]=0.200 [inspect]=0.503)

is_built() {
  local missing=""
  [ -n "${program[$1]-}" ] || fail "there is no service '$1'; there are: ${!program[*]}"
  [ -f "$root/apps/$1/$1.toml" ] || missing="apps/$1/$1.toml"
  [ -x "$bin/$1-client" ] || missing+="${missing:+ and }its client $1-client"
  [ -z "$missing" ] || {
    complain "$1 is left out: there is no $missing"
    return 1
  }
}

# make_graphs NAME MODE: $scratch/NAME.1.toml and NAME.2.toml, which differ in every operator.
make_graphs() {
  local options=() anew
  [ -z "$2" ] || options+=(--uninterruptible)
  "$bin/bench-quiesce-graphs" "$root/apps/$1/$1.toml" --modules "$bin/../modules" \
    --before "$scratch/$1.1.toml" --after "$scratch/$1.2.toml" "${options[@]}" \
    >"$scratch/$1.graphs" 2>"$scratch/graphs.err" || {
    complain "$1 is left out: $(tail -n 1 "$scratch/graphs.err")"
    return 1
  }
  [ -z "$2" ] || return 0
  record "quiesce_$1_threads" "$(sed -n 's/^threads //p' "$scratch/$1.graphs")"
  record "quiesce_$1_operators" "$(sed -n 's/^operators //p' "$scratch/$1.graphs")"
  anew=$(sed -n 's/^anew //p' "$scratch/$1.graphs")
  [ -z "$anew" ] || note "$1: replaced by the same version, because there is no newer one: $anew"
}

# start_service NAME MODE: sets $service, $admin, $port and $side.
start_service() {
  local i log=$scratch/$1$2.log
  make_graphs "$1" "$2" || return 1
  admin=$scratch/$1.sock side=1 port=""
  spawn "$log" "$bin/instard" --graph "$scratch/$1.1.toml" --admin "$admin" --drain 2s
  service=$spawned
  for ((i = 0; i < 200; ++i)); do
    if grep -q '^ready ' "$log" 2>/dev/null; then
      port=$(sed -n 's/^ready .* listening=[^,]*:\([0-9]*\).*/\1/p' "$log")
      [ -z "$port" ] || return 0
      break
    fi
    kill -0 "$service" 2>/dev/null || break
    sleep 0.05
  done
  tail -n 5 "$log" >&2
  complain "$1 does not start, or does not listen"
  stop_service
  return 1
}

# Threads that nothing interrupts may not end by themselves: then they are killed.
stop_service() {
  stop_spawned "$service"
}

# client_options NAME: beside port, clients and time; what the answers are compared with.
client_options() {
  case $1 in
    pool) echo "--root $root/apps/http/www" ;;
    stream) echo "--file $root/apps/http/update.svg --slow 1" ;;
  esac
}

# start_client NAME: under load from now on.
start_client() {
  local options
  read -ra options <<<"$(client_options "$1")"
  spawn "$scratch/$1.client" "$bin/$1-client" --port "$port" --clients "$clients" --seconds 3600 --json \
    "${options[@]}"
  client=$spawned
  sleep 1
  kill -0 "$client" 2>/dev/null && return 0
  tail -n 5 "$scratch/$1.client" >&2
  complain "$1-client ended at once"
  return 1
}

# stop_client NAME MODE: tells what it noticed.
stop_client() {
  local answers key value
  stop_spawned "$client"
  answers=$(client_figure "$1" answers)
  [ "${answers%.*}" -gt 0 ] 2>/dev/null || {
    tail -n 5 "$scratch/$1.client" >&2
    complain "$1-client got no answers${2:+ (not interrupted)}"
    return 0
  }
  for key in answers failed reopened longest_ms; do
    value=$(client_figure "$1" "$key")
    record "quiesce_$1$2_$key" "$value"
    case $key in
      failed | reopened) [ "$value" = 0 ] || complain "$1-client${2:+ (not interrupted)}: $key $value" ;;
    esac
  done
}

# Of what it printed at its end.
client_figure() {
  sed -n "s/.*\"$2\": *\([0-9.e+-]*\).*/\1/p" "$scratch/$1.client" | tail -n 1
}
