# shellcheck shell=bash
# Functions for the suites; sourced by run.sh, which sets $root, $suite and $quick.

bin=${INSTAR_BUILD:-$root/build/release}/bin
scratch=$(mktemp -d "${TMPDIR:-/tmp}/instar-bench.XXXXXX")
samples=$scratch/samples
started=()
touch "$samples"
export ERL_CRASH_DUMP_BYTES=0 # Erlang would leave a large file in this folder

# Ends what was started, newest first, and removes the scratch folder; also on Ctrl-C.
clean_up() {
  local code=$?
  trap - EXIT INT TERM
  local i
  for ((i = ${#started[@]} - 1; i >= 0; --i)); do
    end_process "${started[i]}"
  done
  # Of a binary upgrade that was interrupted, the new master is not known yet.
  for i in "$scratch"/*/nginx.pid; do
    [ ! -s "$i" ] || end_process "$(<"$i")"
  done
  rm -rf "$scratch"
  exit "$code"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# SIGTERM, and SIGKILL after 5 s.
end_process() {
  local pid=$1 waited=0
  kill -TERM "$pid" 2>/dev/null || return 0
  while kill -0 "$pid" 2>/dev/null && [ "$waited" -lt 100 ]; do
    sleep 0.05
    waited=$((waited + 1))
  done
  kill -KILL "$pid" 2>/dev/null || true
  wait "$pid" 2>/dev/null || true
}

# Ends a process of a server that went to the background by itself at the end of the suite, too.
adopt() {
  started+=("$1")
}

fail() {
  echo "bench/run.sh: $*" >&2
  exit 1
}

# complain TEXT: something could not be measured, or went wrong; the suite goes on with the rest, and
# ends with exit code 1.
complaints=()
complain() {
  echo "bench/run.sh: $*" >&2
  complaints+=("$*")
}

end_with_complaints() {
  [ ${#complaints[@]} -gt 0 ] || return 0
  printf 'bench/run.sh: %s\n' "${complaints[@]}" >&2
  exit 1
}

# INSTAR_BUILD names a build folder to take the programs from as they are.
build() {
  [ -z "${INSTAR_BUILD-}" ] || return 0
  echo "building (release) ..." >&2
  (cd "$root" && cmake --preset release && cmake --build --preset release) >"$scratch/build.log" 2>&1 || {
    tail -n 40 "$scratch/build.log" >&2
    fail "the build failed; run: cmake --preset release && cmake --build --preset release"
  }
}

# Figures of a machine that does something else are worth little: says so, in the figures too.
note_load() {
  local load
  read -r load _ </proc/loadavg
  record machine_load_before "$load"
  awk -v l="$load" 'BEGIN { exit !(l > 0.5) }' && echo "note: this machine is busy (load $load)" >&2
  return 0
}

# CLOCK_MONOTONIC in ns as $now, without a process: that would be felt by the clients. `set_clock`
# once before.
set_clock() {
  clock_offset=$((${EPOCHREALTIME/[.,]/} * 1000 - $("$bin/instar-cut" --now)))
}
now() {
  now=$((${EPOCHREALTIME/[.,]/} * 1000 - clock_offset))
}

# nap SECONDS: sleeps, also without a process.
nap() {
  [ -n "${nap_from-}" ] || exec {nap_from}<> <(:)
  read -rt "$1" -u "$nap_from" || true
}

# spawn LOG COMMAND...: starts it in the background and sets $spawned to its pid.
spawn() {
  local log=$1
  shift
  "$@" >"$log" 2>&1 &
  spawned=$!
  started+=("$spawned")
}

# Ends one process that `spawn` started.
stop_spawned() {
  end_process "$1"
  local pid rest=()
  for pid in "${started[@]}"; do
    [ "$pid" = "$1" ] || rest+=("$pid")
  done
  started=("${rest[@]}")
}

port_is_open() {
  (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# Prints a loopback port that nobody listens on, below the range of outgoing connections.
next_port=$((20000 + $$ % 5000))
free_port() {
  while port_is_open "$next_port"; do
    next_port=$((next_port + 1))
  done
  port=$next_port
  next_port=$((next_port + 1))
}

# wait_for_port PORT PID LOG: until it accepts; fails with the log if the process ended.
wait_for_port() {
  local i
  for ((i = 0; i < 200; ++i)); do
    port_is_open "$1" && return
    kill -0 "$2" 2>/dev/null || break
    sleep 0.05
  done
  tail -n 20 "$3" >&2
  fail "nothing listens on port $1"
}

# record FIGURE VALUE: one sample. Several samples of a figure become median and spread.
record() {
  echo "$1 $2" >>"$samples"
}

# last_of FIGURE: its newest sample.
last_of() {
  awk -v f="$1" '$1 == f { v = $2 } END { print v }' "$samples"
}

# record_ratio FIGURE NUMERATOR DENOMINATOR: of the newest samples of two figures.
record_ratio() {
  record "$1" "$(awk -v a="$(last_of "$2")" -v b="$(last_of "$3")" 'BEGIN { print (b > 0 ? a / b : 0) }')"
}

# "figure count median min max" per figure, in the order of first samples.
summarise() {
  awk '
    !($1 in count) { order[++figures] = $1 }
    { value[$1, ++count[$1]] = $2 + 0 }
    END {
      for (f = 1; f <= figures; ++f) {
        name = order[f]; n = count[name]
        for (i = 1; i <= n; ++i) sorted[i] = value[name, i]
        for (i = 2; i <= n; ++i) {
          v = sorted[i]
          for (j = i - 1; j >= 1 && sorted[j] > v; --j) sorted[j + 1] = sorted[j]
          sorted[j + 1] = v
        }
        median = n % 2 ? sorted[(n + 1) / 2] : (sorted[n / 2] + sorted[n / 2 + 1]) / 2
        printf "%s %d %.10g %.10g %.10g\n", name, n, median, sorted[1], sorted[n]
      }
    }' "$samples"
}

# A suite sets $explanation: what was measured, and how.
print_table() {
  echo
  echo "$explanation"
  echo
  printf '%-44s %14s %14s %14s %4s\n' figure median min max n
  summarise | awk '
    function short(x) { return x >= 1000 ? sprintf("%.0f", x) : sprintf("%.4g", x) }
    { printf "%-44s %14s %14s %14s %4d\n", $1, short($3), short($4), short($5), $2 }'
  echo
}

write_json() {
  mkdir -p "$(dirname "$1")"
  summarise | awk '
    BEGIN { printf "{" }
    { printf "%s\n  \"%s\": %s", (NR > 1 ? "," : ""), $1, $3 }
    END { print "\n}" }' >"$1"
  echo "figures: ${1#"$root"/}"
}

# target FIGURE min|max VALUE: what `check_figures` compares the median with.
targets=()
target() {
  targets+=("$*")
}

# One line per target. A missed one is reported, not an error: figures vary by machine.
check_figures() {
  local wanted
  [ ${#targets[@]} -eq 0 ] && return
  for wanted in "${targets[@]}"; do
    summarise | awk -v wanted="$wanted" '
      BEGIN { split(wanted, w, " ") }
      $1 == w[1] {
        good = w[2] == "min" ? $3 >= w[3] : $3 <= w[3]
        printf "%-7s %s = %.4g (%s %s)\n", good ? "met" : "MISSED", $1, $3,
               w[2] == "min" ? "at least" : "at most", w[3]
      }'
  done
}
