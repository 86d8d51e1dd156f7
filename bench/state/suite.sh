# shellcheck shell=bash
# Updates of an operator with much state, beside Erlang's change_code.

explanation="One client asks for a random account of a ledger, each time when it has its answer, while the
ledger is updated to a version with another schema, and back. stall_N_ms: the longest time without an
answer in the 10 s from the command, or until 1 s after the outcome if that is later; all sizes are
watched for as long, because the longer one looks, the more of the machine itself one sees.
longest_before_N_ms: the same in the second before. 1k and 100k entries flow ahead of the cut, 1M and
10M are fetched after the commit. handover: the same map, handed over as an object; from the first
marker to the commit. erlang_stall_1M_ms: a gen_server converts a map of 1 M tuples in code_change.
Memory is resident memory, looked at every 5 ms; its peak is compared with the larger of the two
versions at rest (an entry of the first takes 16 bytes, one of the second 24)."

run_suite() {
  local updates=2 watch=10 round rounds=5
  [ "$quick" = 1 ] && rounds=3 watch=5
  (cd "$scratch" && erlc "$root/bench/state/stall.erl") || fail "erlc failed"
  for ((round = 0; round < rounds; round++)); do
    measure 1k 1000 $updates
    measure 100k 100000 $updates
    measure 1M 1000000 $updates
    erl -noshell -pa "$scratch" -eval "stall:main([\"1000000\", \"$updates\", \"erlang_stall_1M_ms\"])." \
      >>"$samples"
    measure 10M 10000000 $updates
  done
  "$bin/bench-state" --accounts 1000000 --type bench.object --updates 10 --suffix object \
    >>"$samples"
  record_median handover_1M_us mark_to_commit_object_us
  record_median_ratio stall_10M_vs_1k_ratio stall_10M_ms stall_1k_ms
  record_median_ratio stall_1M_vs_erlang_ratio stall_1M_ms erlang_stall_1M_ms
  record_median peak_memory_vs_steady_ratio peak_memory_vs_steady_10M_ratio
  record_median throughput_during_ratio throughput_during_10M_ratio
  target stall_10M_vs_1k_ratio max 3
  target stall_1M_vs_erlang_ratio max 0.02
  target handover_1M_us max 1000
  target peak_memory_vs_steady_ratio max 1.3
  target throughput_during_ratio min 0.7
  target wrong_answers max 0
}

measure() {
  "$bin/bench-state" --suffix "$1" --accounts "$2" --updates "$3" --watch "$watch" >>"$samples" ||
    fail "bench-state failed with $1 entries"
}

median_of() {
  summarise | awk -v f="$1" '$1 == f { print $3 }'
}

record_median() {
  record "$1" "$(median_of "$2")"
}

record_median_ratio() {
  record "$1" "$(awk -v a="$(median_of "$2")" -v b="$(median_of "$3")" 'BEGIN { print (b > 0 ? a / b : 0) }')"
}
