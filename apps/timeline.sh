#!/usr/bin/env bash
# timeline.sh CSV UPDATES: draws a run of the demo as SVG. Above: answers per second; below: median
# and longest latency; both of each 100 ms. Dashed: the live updates.
#
#   DEMO_CSV=run.csv apps/demo.sh && apps/timeline.sh run.csv run.csv.updates >apps/http/update.svg
set -euo pipefail

# Lines "slice latency_ms", each slice's in order; failed requests are left out (the demo has none).
slices() {
  awk -F, -v begin="$begin" '
    NR > 1 && $5 == "ok" { printf "%d %.3f\n", ($3 - begin) / 1e8, ($3 - $1) / 1e6 }' "$1" |
    sort -k1,1n -k2,2n
}
begin=$(awk -F, 'NR == 2 { least = $2 } NR > 1 && $2 < least { least = $2 } END { print least }' "$1")

slices "$1" | awk -v begin="$begin" -v updates="$2" '
  function close_slice() {
    if (count == 0) return
    slice[++slices] = last; rate[slices] = count * 10
    median[slices] = ms[int((count + 1) / 2)]; longest[slices] = ms[count]
    if (rate[slices] > most) most = rate[slices]
    if (longest[slices] > slowest) slowest = longest[slices]
    count = 0
  }
  # A round number that is not less than v.
  function top_of(v,   step) {
    for (step = 1; step * 10 <= v; step *= 10);
    for (i = 1; step * i < v; i++);
    return step * i
  }
  function x(s) { return 60 + 720 * s / seconds }
  function text(px, py, anchor, what) {
    printf "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>\n", px, py, anchor, what
  }
  function rule(x1, y1, x2, y2, class) {
    printf "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" class=\"%s\"/>\n", x1, y1, x2, y2, class
  }
  function curve(class, values, base, height, top,   s) {
    printf "<polyline class=\"%s\" points=\"", class
    # The first and the last slice are cut off by the start and the end of the run.
    for (s = 2; s < slices; s++)
      printf "%.1f,%.1f ", x((slice[s] + 0.5) / 10), base - height * values[s] / top
    print "\"/>"
  }
  $1 != last { close_slice(); last = $1 }
  { ms[++count] = $2 }
  END {
    close_slice()
    seconds = (slice[slices] + 1) / 10
    rate_top = top_of(most); ms_top = top_of(slowest)
    print "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 800 330\" font-family=\"sans-serif\" font-size=\"11\">"
    print "<style>.axis{stroke:#999}.update{stroke:#c33;stroke-dasharray:4 3}polyline{fill:none;stroke-width:1.3}"
    print ".rate,.median{stroke:#257}.longest{stroke:#d80}</style>"
    print "<rect width=\"800\" height=\"330\" fill=\"#fff\"/>"
    rule(60, 140, 780, 140, "axis"); rule(60, 30, 60, 140, "axis")
    rule(60, 290, 780, 290, "axis"); rule(60, 180, 60, 290, "axis")
    text(56, 34, "end", rate_top); text(56, 140, "end", 0)
    text(56, 184, "end", ms_top); text(56, 290, "end", 0)
    text(60, 20, "start", "answers per second")
    text(60, 170, "start", "latency in ms: median (blue) and longest (orange)")
    for (s = 0; s <= seconds; s += 2) text(x(s), 304, "middle", s " s")
    while ((getline line < updates) > 0) {
      split(line, word, " ")
      at = x((word[2] - begin) / 1e9)
      rule(at, 30, at, 290, "update")
      text(at, 320, "middle", word[1])
    }
    curve("rate", rate, 140, 110, rate_top)
    curve("longest", longest, 290, 110, ms_top)
    curve("median", median, 290, 110, ms_top)
    print "</svg>"
  }'
