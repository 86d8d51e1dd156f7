# shellcheck shell=bash
# W2: the switch of `load` and `reply` between stream and file I/O, each second, under load.

explanation="30 keep-alive clients, closed loop, each asking for 1 of 10,000 files of 50 kB; every body is
compared with its file. Each second instarctl switches load and reply from version 1 to 2 or back,
both in one epoch. during: from the command until 1 s after its outcome; before: as much time before
the first update; control: the same as during, but instarctl only asks for the status, which
shows what starting a process each second costs by itself. A stall is time without any answer.
mark_to_commit: as the service's own history has it."

files=10000 file_size=51200

# act NAME COMMAND...: runs it and notes the window from now until 1 s after its end.
act() {
  local name=$1 begin end
  shift
  now
  begin=$now
  "$@" >>"$scratch/commands.log" 2>&1 || {
    tail -n 5 "$scratch/commands.log" "$scratch/instard.log" >&2
    fail "'$*' failed"
  }
  now
  end=$((now + 1000000000))
  echo "$name $begin $end" >>"$scratch/windows"
  total=$((total + end - begin))
  sleep 1
}

# The load runs until it is told to end, so that a slow update cannot outlast it.
start_load() {
  spawn "$scratch/load.log" "$bin/instar-load" "http://127.0.0.1:$port/{5}.html" --files "$files" \
    --root "$scratch/www" -c 30 -d 3600 --csv "$scratch/timeline.csv" --json
  load=$spawned
  local i
  for ((i = 0; i < 200; ++i)); do
    grep -q start_ns= "$scratch/load.log" && return
    kill -0 "$load" 2>/dev/null || break
    sleep 0.05
  done
  cat "$scratch/load.log" >&2
  fail "the load did not start"
}

# It answers what is open and writes its timeline.
finish_load() {
  kill -TERM "$load"
  wait "$load" || fail "the load generator failed: $(cat "$scratch/load.log")"
}

switch_often() {
  local i version
  for ((i = 0; i < updates; ++i)); do
    version=$((i % 2 == 0 ? 2 : 1))
    act during "$bin/instarctl" update "load=http.load@$version" "reply=http.reply@$version" \
      --admin "$admin" --json
  done
}

# The window before: as long as all windows with updates together, and ending where they begin.
note_before() {
  local first
  first=$(awk '$1 == "during" { print $2; exit }' "$scratch/windows")
  echo "before $((first - total - 100000000)) $((first - 100000000))" >>"$scratch/windows"
}

record_windows() {
  "$bin/instar-cut" "$scratch/timeline.csv" --json <"$scratch/windows" >"$scratch/figures.json"
  tr ',{}' '\n' <"$scratch/figures.json" | sed -n 's/^ *"\(.*\)": \(.*\)$/\1 \2/p' \
    >"$scratch/figures"
  figure() { awk -v f="$1" '$1 == f { print $2 }' "$scratch/figures"; }
  local when
  record failed_requests "$(figure all_failed_requests)"
  record reopened_connections "$(figure all_reopened_connections)"
  for when in before control during; do
    record "requests_per_s_$when" "$(figure "${when}_requests_per_s")"
    record "p50_${when}_ms" "$(figure "${when}_p50_ms")"
    record "p99_${when}_ms" "$(figure "${when}_p99_ms")"
    record "p999_${when}_ms" "$(figure "${when}_p999_ms")"
    record "max_${when}_ms" "$(figure "${when}_max_ms")"
    record "longest_stall_${when}_ms" "$(figure "${when}_longest_stall_ms")"
  done
  record_ratio p999_during_vs_before_ratio p999_during_ms p999_before_ms
  record_ratio p999_during_vs_control_ratio p999_during_ms p999_control_ms
}

# From the service's own history: the entries of the updates, not the one that started it.
record_history() {
  "$bin/instarctl" history -n "$updates" --admin "$admin" --json >"$scratch/history.json"
  local committed
  committed=$(grep -c '"outcome": "committed"' "$scratch/history.json" || true)
  [ "$committed" -eq "$updates" ] || fail "only $committed of $updates updates committed"
  record updates "$committed"
  grep -o '"mark_to_commit_ms": [0-9.e+-]*' "$scratch/history.json" | awk '{ print $2 }' | sort -g |
    awk '{ v[NR] = $1 }
         END { print "mark_to_commit_median_ms", NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2
               print "mark_to_commit_max_ms", v[NR] }' >>"$samples"
}

run_suite() {
  local i begin
  total=0
  updates=20
  [ "$quick" = 1 ] && updates=6
  source "$root/bench/servers.sh"
  make_files "$scratch/www" "$files" "$file_size"
  start_instard "$root/apps/http/http.toml" "$scratch/www"
  start_load
  set_clock
  sleep 2
  now
  begin=$now
  for ((i = 0; i < updates; ++i)); do
    act control "$bin/instarctl" status --admin "$admin" --json
  done
  sleep $((updates + updates / 8 + 1))
  total=0
  switch_often
  note_before
  now
  echo "all $begin $now" >>"$scratch/windows"
  finish_load
  record_windows
  record_history
  target failed_requests max 0
  target reopened_connections max 0
  target p999_during_vs_before_ratio max 1.5
  target mark_to_commit_median_ms max 1.0
}
