# shellcheck shell=bash
# Latency and throughput over time, one picture per workload. Sourced by suite.sh.

draw_pictures() {
  local workload
  for workload in $workloads; do
    write_plot "$workload" >"$scratch/$workload.gnuplot"
    gnuplot "$scratch/$workload.gnuplot" 2>"$scratch/gnuplot.log" ||
      fail "gnuplot refuses the picture of $workload: $(tail -n 3 "$scratch/gnuplot.log")"
  done
}

title_of() {
  # shellcheck source=/dev/null
  (source "$root/bench/peers/$1.sh" && peer_title)
}

# What is shown of the time, as "FROM UNTIL" in seconds.
seconds_shown() {
  case $1 in
    w1) echo "$((w1_at > 8 ? w1_at - 8 : 0)) $w1_end" ;;
    w2) echo "$((w2_at > 5 ? w2_at - 5 : 0)) $((w2_at + (quick ? 9 : 12)))" ;;
    w3) echo "0 $w3_end" ;;
  esac
}

# largest FILE COLUMN FROM UNTIL: the largest value.
largest() {
  awk -v c="$2" -v from="$3" -v until="$4" \
    'NR > 1 && $1 >= from && $1 <= until && $c > most { most = $c } END { print most + 0 }' "$1"
}

# Both formats draw the same: a row per system, latency left, throughput right.
write_plot() {
  local workload=$1 system rows=0 from until shown=() slow=1 fast=1 format
  read -r from until <<<"$(seconds_shown "$workload")"
  for system in $systems; do
    [ -s "$scratch/slices.$system.$workload" ] || continue
    shown+=("$system")
    rows=$((rows + 1))
    slow=$(awk -v a="$slow" -v b="$(largest "$scratch/slices.$system.$workload" 5 "$from" "$until")" \
      'BEGIN { print (b > a ? b : a) }')
    fast=$(awk -v a="$fast" -v b="$(largest "$scratch/slices.$system.$workload" 2 "$from" "$until")" \
      'BEGIN { print (b > a ? b : a) }')
  done
  for format in svg png; do
    if [ "$format" = svg ]; then
      echo "set terminal svg size 960,$((rows * 150 + 60)) dynamic background '#ffffff' font 'sans-serif,11'"
    else
      echo "set terminal pngcairo size 960,$((rows * 150 + 60)) background '#ffffff' font 'sans-serif,9'"
    fi
    echo "set output '$results/$workload.$format'"
    echo "set multiplot layout $rows,2 title '$(workload_title "$workload")' noenhanced \\"
    # 55 points above the rows, 25 below, 55 between two of them.
    awk -v high=$((rows * 150 + 60)) 'BEGIN {
      printf "  margins 0.075,0.985,%.4f,%.4f spacing 0.1,%.4f\n", 25 / high, 1 - 55 / high, 55 / high }'
    cat <<'END'
set tics out nomirror
unset mytics
set border 3
set grid ytics lc rgb '#dddddd'
set key at graph 1, graph 1.04 right bottom horizontal maxrows 1 samplen 1 width -1
set style line 1 lc rgb '#225577' lw 1.2
set style line 2 lc rgb '#dd8800' lw 1
set style line 3 lc rgb '#44aa77' lw 1.2
set style line 4 lc rgb '#aa4499' lw 1
END
    echo "set xrange [$from:$until]"
    for system in "${shown[@]}"; do
      plot_system "$workload" "$system" "$slow" "$fast" "$from" "$until"
    done
    echo "unset multiplot"
  done
}

workload_title() {
  case $1 in
    w1) echo "W1: 38 clients, a file of 20 kB each every 20 ms. Dashed: the update (s)" ;;
    w2) echo "W2: 30 clients, closed loop, $w2_files files of 50 kB. Dashed: updates (s)" ;;
    w3) echo "W3: 30 clients on 2 kB and 30 on 100 kB at once. Dashed: updates (instar: cache, proxy; s)" ;;
  esac
}

# plot_system WORKLOAD SYSTEM SLOWEST FASTEST FROM UNTIL: a row; its scales are those of all rows.
plot_system() {
  local workload=$1 system=$2 file=$scratch/slices.$2.$1 title
  title=$(title_of "$system")
  echo "unset arrow"
  awk -v from="$5" -v until="$6" '$1 / 1e6 >= from && $1 / 1e6 <= until {
    printf "set arrow from first %.3f, graph 0 to first %.3f, graph 1 nohead lc rgb \"#cc3333\" dt 2\n", \
      $1 / 1e6, $1 / 1e6 }' "$scratch/updates.$system.$workload"
  echo "set ylabel 'latency, ms' offset 1"
  echo "set logscale y"
  echo "set yrange [0.05:$3*2]"
  echo "set label 1 '$title' at graph 0, graph 1.1 noenhanced"
  # A slice without answers has none: a gap, not a zero.
  if [ "$workload" = w3 ]; then
    echo "plot '$file.small' using 1:(\$3>0?\$3:NaN) title '2 kB' with lines ls 1, \\"
    echo "  '$file.small' using 1:(\$4>0?\$4:NaN) title '2 kB p99' with lines ls 2, \\"
    echo "  '$file.large' using 1:(\$3>0?\$3:NaN) title '100 kB' with lines ls 3"
  else
    echo "plot '$file' using 1:(\$3>0?\$3:NaN) title 'median' with lines ls 1, \\"
    echo "  '$file' using 1:(\$5>0?\$5:NaN) title 'longest' with lines ls 2, \\"
    echo "  '$file' using 1:(\$6>0?$3:NaN) title 'failures' with points pt 7 ps 0.4 lc rgb '#cc3333'"
  fi
  echo "set ylabel 'requests/s' offset 0.5"
  echo "unset logscale y"
  echo "set yrange [0:$4*1.1]"
  echo "set label 1 '$title' at graph 0, graph 1.1 noenhanced"
  if [ "$workload" = w3 ]; then
    echo "plot '$file.small' using 1:2 title '2 kB' with lines ls 1, \\"
    echo "  '$file.large' using 1:2 title '100 kB' with lines ls 3"
  else
    echo "plot '$file' using 1:2 notitle with lines ls 1"
  fi
}
