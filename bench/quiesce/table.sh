# shellcheck shell=bash
# The paper's table and figure, with what was measured beside. Sourced by suite.sh.

# Of every figure: its median, least and most.
read_figures() {
  local name least most middle
  declare -gA median=() minimum=() maximum=()
  while read -r name _ middle least most; do
    median[$name]=$middle minimum[$name]=$least maximum[$name]=$most
  done < <(summarise)
}

short() {
  awk -v x="$1" 'BEGIN { print (x >= 100 ? sprintf("%.0f", x) : x >= 10 ? sprintf("%.1f", x) : sprintf("%.3f", x)) }'
}

# cell NAME WHEN MODE: "median / max", and how many never came to rest.
cell() {
  local figure=quiesce_$1_$2$3 text="-" never
  [ -n "${median[${figure}_changes]-}" ] || {
    echo "-"
    return 0
  }
  never=${median[${figure}_never]}
  [ -z "${median[${figure}_ms]-}" ] ||
    text="$(short "${median[${figure}_ms]}") / $(short "${maximum[${figure}_ms]}")"
  if [ "$text" = "-" ]; then
    text="never ($never of ${median[${figure}_changes]})"
  elif [ "$never" != 0 ]; then
    text+=", never: $never of ${median[${figure}_changes]}"
  fi
  echo "$text"
}

# The cells of a row, as Markdown or (with "text") in columns.
table_rows() {
  local name
  {
    echo "service|threads|paper|loaded: median / max ms|idle: median / max|not interrupted, loaded|not interrupted, idle"
    for name in $measured; do
      echo "$name (${program[$name]})|${median[quiesce_${name}_threads]-?} (${shape[$name]})|${paper_ms[$name]}|$(
        cell "$name" loaded "")|$(cell "$name" idle "")|$(
        cell "$name" loaded _uninterrupted)|$(cell "$name" idle _uninterrupted)"
    done
  } | align
}

# Columns as wide as their widest cell.
align() {
  awk -F'|' '
    { for (i = 1; i <= NF; ++i) { cell[NR, i] = $i; if (length($i) > wide[i]) wide[i] = length($i) } fields = NF }
    END { for (r = 1; r <= NR; ++r) { line = ""
            for (i = 1; i <= fields; ++i) line = line sprintf("%-*s  ", wide[i], cell[r, i])
            sub(/ +$/, "", line); print line } }'
}

write_table() {
  local name
  cat <<END
# Time to quiescence of services whose threads block

Written by \`bench/run.sh quiesce$([ "$quick" = 0 ] || echo " --quick")\` on $(nproc) cores, load before it
${median[machine_load_before]-?}. Clients and services share the machine. The paper: Hayden et al., *A Study of
Dynamic Software Update Quiescence for Multithreaded Programs*, HotSWUp 2012: under load, with blocking calls
interrupted.

![time to quiescence](quiesce.svg)

Milliseconds from the first marker until every operator of the service stood at its cut with its state saved;
all are replaced at once, $updates times each. Not interrupted: with wrappers that wait on. Never: rolled back
after ${deadline}, not interrupted after ${uninterrupted_deadline}; after $patience in a row no more were tried.

| service | threads | paper | loaded, median / max | idle, median / max | not interrupted, loaded | not interrupted, idle | failed / reopened |
|---|---|---|---|---|---|---|---|
END
  for name in $measured; do
    echo "| $name (${program[$name]}) | ${median[quiesce_${name}_threads]-?} (${shape[$name]}) | ${paper_ms[$name]}" \
      "| **$(cell "$name" loaded "")** | $(cell "$name" idle "") | $(cell "$name" loaded _uninterrupted)" \
      "| $(cell "$name" idle _uninterrupted) | $(noticed "$name" failed) / $(noticed "$name" reopened) |"
  done
}

# noticed NAME KEY: by the clients of both modes.
noticed() {
  echo $((${median[quiesce_$1_$2]-0} + ${median[quiesce_$1_uninterrupted_$2]-0}))
}

# A line per service: label, paper, then median, least and most of each, NaN where there is none; then
# whether some never came to rest.
plot_data() {
  local name figure when mode
  for name in $measured; do
    printf '"%s\\n%s\\n%s threads" %s' "$name" "${program[$name]}" "${median[quiesce_${name}_threads]-?}" \
      "${paper_ms[$name]}"
    for mode in "" _uninterrupted; do
      for when in loaded idle; do
        figure=quiesce_${name}_$when${mode}_ms
        printf ' %s %s %s' "${median[$figure]-NaN}" "${minimum[$figure]-NaN}" "${maximum[$figure]-NaN}"
      done
    done
    for mode in "" _uninterrupted; do
      for when in loaded idle; do
        [ "${median[quiesce_${name}_$when${mode}_never]-0}" = 0 ] && printf ' NaN' || printf ' 1'
      done
    done
    echo
  done
}

# Both formats draw the same.
draw_picture() {
  local format data=$scratch/quiesce.data
  [ -n "$measured" ] || return 0
  plot_data >"$data"
  for format in svg png; do
    {
      if [ "$format" = svg ]; then
        echo "set terminal svg size 960,480 dynamic background '#ffffff' font 'sans-serif,12'"
      else
        echo "set terminal pngcairo size 960,480 background '#ffffff' font 'sans-serif,10'"
      fi
      echo "set output '$results/quiesce.$format'"
      echo "never = ${uninterrupted_deadline%s} * 1000"
      cat <<'END'
set ylabel 'until every thread is quiescent: median, least, most (ms)'
set logscale y
set yrange [0.01:never * 4]
set format y '%g'
set tics out nomirror
unset mytics
set border 3
set grid ytics lt 1 lc rgb '#dddddd'
set key above center horizontal
set bars 0.4
set arrow from graph 0, first never to graph 1, first never nohead lc rgb '#999999' dt 2
set xtics scale 0
set bmargin 4.5
END
      echo "set xrange [-0.6:$(wc -w <<<"$measured") - 0.4]"
      echo "data = '$data'"
      cat <<'END'
plot data using 0:(1/0):xtic(1) notitle, \
  data using ($0-0.30):2 title 'paper, loaded' with points pt 5 ps 1.1 lc rgb '#888888', \
  data using ($0-0.15):3:4:5 title 'loaded' with yerrorbars pt 7 ps 0.9 lc rgb '#225577', \
  data using ($0+0.00):6:7:8 title 'idle' with yerrorbars pt 6 ps 0.9 lc rgb '#225577', \
  data using ($0+0.15):9:10:11 title 'not interrupted, loaded' with yerrorbars pt 7 ps 0.9 lc rgb '#dd8800', \
  data using ($0+0.30):12:13:14 title 'not interrupted, idle' with yerrorbars pt 6 ps 0.9 lc rgb '#dd8800', \
  data using ($0-0.15):($15 * never * 2) notitle with points pt 9 ps 1.1 lc rgb '#cc3333', \
  data using ($0+0.00):($16 * never * 2) notitle with points pt 8 ps 1.1 lc rgb '#cc3333', \
  data using ($0+0.15):($17 * never * 2) notitle with points pt 9 ps 1.1 lc rgb '#cc3333', \
  data using ($0+0.30):($18 * never * 2) title 'never' with points pt 8 ps 1.1 lc rgb '#cc3333'
END
    } >"$scratch/quiesce.gnuplot"
    gnuplot "$scratch/quiesce.gnuplot" 2>"$scratch/gnuplot.log" ||
      complain "gnuplot refuses the picture: $(tail -n 3 "$scratch/gnuplot.log")"
  done
}
