# shellcheck shell=bash
# The papers' pictures: time of each phase and reads/s by number of threads, and reads/s over time.
# Sourced by suite.sh.

draw_pictures() {
  local picture format
  medians_by_threads
  for picture in counter cache timeline; do
    for format in svg png; do
      {
        begin_picture "$picture" "$format"
        "plot_$picture"
      } >"$scratch/$picture.gnuplot"
      gnuplot "$scratch/$picture.gnuplot" 2>"$scratch/gnuplot.log" ||
        fail "gnuplot refuses the picture of $picture: $(tail -n 3 "$scratch/gnuplot.log")"
    done
  done
}

# One file per line that is drawn: threads and median.
medians_by_threads() {
  summarise | awk -v folder="$scratch" '
    match($1, /_[0-9]+_(ms|reads_per_s)$/) {
      line = substr($1, 1, RSTART - 1)
      split(substr($1, RSTART + 1), rest, "_")
      print rest[1], $3 >> (folder "/line." line)
    }'
}

# begin_picture NAME FORMAT
begin_picture() {
  if [ "$2" = svg ]; then
    echo "set terminal svg size 960,380 dynamic background '#ffffff' font 'sans-serif,12'"
  else
    echo "set terminal pngcairo size 960,380 background '#ffffff' font 'sans-serif,10'"
  fi
  echo "set output '$results/hotswap_$1.$2'"
  cat <<'END'
set tics out nomirror
unset mytics
set border 3
set grid ytics lc rgb '#dddddd'
set style line 1 lc rgb '#225577' lw 1.5 pt 7 ps 0.6
set style line 2 lc rgb '#dd8800' lw 1.5 pt 5 ps 0.6
set style line 3 lc rgb '#44aa77' lw 1.5 pt 9 ps 0.8
set style line 4 lc rgb '#aa4499' lw 1.5 pt 13 ps 0.8
set xrange [0.5:12.5]
set xtics 1
END
}

# lines SCALE FILE TITLE...: what `plot` draws of files with medians; those that are not there are left out.
lines() {
  local scale=$1 style=0 text=""
  shift
  while [ $# -gt 0 ]; do
    style=$((style + 1))
    [ ! -s "$scratch/line.$1" ] ||
      text+="${text:+, }'$scratch/line.$1' using 1:(\$2/$scale) title '$2' with linespoints ls $style"
    shift 2
  done
  echo "plot $text"
}

plot_counter() {
  local phase key=center # where no line is
  echo "set multiplot layout 1,2 title 'Counter, $together operations per phase in all: time of each phase' noenhanced"
  echo "set xlabel 'threads'"
  echo "set ylabel 's' offset 1"
  echo "set yrange [0:*]"
  for phase in updates reads; do
    echo "set title '$phase'"
    echo "set key $key right samplen 2"
    key=bottom
    lines 1000 "counter_partitioned_$phase" partitioned "counter_shared_$phase" shared \
      "counter_swapped_$phase" 'swapped by command' "counter_policy_$phase" 'swapped by policy'
  done
  echo "unset multiplot"
}

plot_cache() {
  echo "set title 'File cache, all pages in memory' noenhanced"
  echo "set xlabel 'clients'"
  echo "set ylabel 'million reads/s' offset 1"
  echo "set yrange [0:*]"
  echo "set key bottom right samplen 2"
  lines 1e6 cache_simple simple cache_partitioned partitioned cache_swapped 'swapped to partitioned'
}

plot_timeline() {
  echo "set title 'File cache under 12 clients; dashed: exchanged for the other one' noenhanced"
  echo "set xlabel 's'"
  echo "set ylabel 'million reads/s' offset 1"
  echo "set autoscale x"
  echo "set xtics autofreq"
  echo "set yrange [0:*]"
  awk '{ printf "set arrow from first %.3f, graph 0 to first %.3f, graph 1 nohead lc rgb \"#cc3333\" dt 2\n", $1, $1 }' \
    "$scratch/timeline.swaps"
  echo "plot '$scratch/timeline' using 1:(\$2/1e6) notitle with lines ls 1"
}
