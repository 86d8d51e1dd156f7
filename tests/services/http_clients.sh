#!/usr/bin/env bash
# http_clients.sh BUILD: the clients that people use, against a service that is changed the whole time
# without a pause. What each of them reports has to be what it reports of a server that nobody touches.
set -euo pipefail
test=http_clients
build=$(realpath "$1")
root=$(cd "$(dirname "$0")/../.." && pwd)
source "$root/tests/services/live_server.sh"

need curl curl
need wrk wrk
need ab apache2-utils
need hey hey
need h2load nghttp2-client

head -c 2000 /dev/urandom >"$www/small"
head -c 3000000 /dev/urandom >"$www/large"
seq 20000 >"$www/numbers.txt"
gzip -k "$www/numbers.txt"
start_service

start_changes

url=http://127.0.0.1:$port

# run NAME COMMAND…: its report goes to $place/NAME; $ran is its name, and how often the service changed.
run() {
  local name=$1 before
  shift
  before=$(changes)
  PATH=$PATH:/usr/sbin "$@" >"$place/$name" 2>&1 || fail "$name ended with $?: $(tail -3 "$place/$name")"
  ran="$name ($(($(changes) - before)) changes meanwhile)"
}
# says PATTERN: in the last report; `lacks` the opposite.
says() { grep -qE -e "$1" "$place/${ran%% *}" || { cat "$place/${ran%% *}" >&2; fail "$ran does not say '$1'"; }; }
lacks() { ! grep -qE -e "$1" "$place/${ran%% *}" || { cat "$place/${ran%% *}" >&2; fail "$ran says '$1'"; }; }
passed() { echo "$ran: $1"; }

# -- curl ----------------------------------------------------------------------------------------
same() { cmp -s "$1" "$2" || fail "$3: the answer has the wrong bytes"; }
curl_says() { # EXPECTED FORMAT ARGUMENTS…
  local expected=$1 format=$2 got
  shift 2
  got=$(curl -sS -o "$place/got" -w "$format" "$@") || fail "curl $*: failed"
  [[ $got == "$expected" ]] || fail "curl $*: $got, not $expected"
}
for round in 1 2 3 4 5 6 7 8; do
  curl_says "200 1.1" '%{http_code} %{http_version}' "$url/large"
  same "$place/got" "$www/large" curl
  curl_says "200" '%{http_code}' --http1.0 "$url/large"
  same "$place/got" "$www/large" "curl --http1.0"
  curl_says "206 1000" '%{http_code} %{size_download}' -r 1000-1999 "$url/large"
  same "$place/got" <(tail -c +1001 "$www/large" | head -c 1000) "curl -r 1000-1999"
  curl_says "206 5" '%{http_code} %{size_download}' -r -5 "$url/large"
  same "$place/got" <(tail -c 5 "$www/large") "curl -r -5"
  curl_says "206" '%{http_code}' -r 0-9,20-29 "$url/large"
  grep -aq 'Content-Range: bytes 20-29/3000000' "$place/got" || fail "curl -r 0-9,20-29: no second part"
  curl_says "416" '%{http_code}' -r 9000000- "$url/large"
  curl_says "200" '%{http_code}' --limit-rate 20M "$url/large"
  same "$place/got" "$www/large" "curl --limit-rate"
  curl_says "200 0" '%{http_code} %{size_download}' -I "$url/large"
  curl_says "405" '%{http_code}' -H 'Expect: 100-continue' -d @"$www/numbers.txt.gz" "$url/small"
  curl_says "200" '%{http_code}' --compressed "$url/numbers.txt"
  same "$place/got" "$www/numbers.txt" "curl --compressed"
  etag=$(curl -sSI "$url/small" | tr -d '\r' | sed -n 's/^ETag: //p')
  curl_says "304 0" '%{http_code} %{size_download}' -H "If-None-Match: $etag" "$url/small"
  curl_says "404" '%{http_code}' "$url/nothing"
  # One connection for all of them.
  again=()
  for _ in {1..30}; do again+=(-o /dev/null "$url/small"); done
  connects=$(curl -sS -w '%{num_connects} ' "${again[@]}")
  [[ $(tr -d ' ' <<<"$connects") =~ ^10*$ ]] || fail "curl had to connect again: $connects"
done
echo "curl: $round times 12 kinds of requests"

# -- load generators: 30 connections, small answers and large ones ---------------------------------
for file in small large; do
  run wrk wrk -t1 -c30 -d2 "$url/$file"
  says 'requests in'
  lacks 'Socket errors|Non-2xx'
  passed "$(sed -n 's/^ *\([0-9]* requests in .*\)/\1/p' "$place/wrk")"
done

run ab ab -q -k -c 30 -n 50000 "$url/small"
says '^Complete requests: +50000$'
says '^Failed requests: +0$'
says '^Keep-Alive requests: +50000$'
lacks '^Non-2xx|^Write errors'
passed "50000 requests, all on connections kept"
run ab ab -q -c 30 -n 3000 "$url/small" # a connection for each
says '^Complete requests: +3000$'
says '^Failed requests: +0$'
lacks '^Non-2xx|^Write errors'
passed "3000 requests, each on a connection of its own"

run hey hey -z 2s -c 30 "$url/small"
says '\[200\].*[0-9]+ responses'
lacks 'Error distribution'
[[ $(grep -cE '^ *\[[0-9]{3}\]' "$place/hey") == 1 ]] || fail "hey had other answers than 200: $(cat "$place/hey")"
passed "$(sed -n 's/^ *\[200\][[:space:]]*\(.*\)/\1, all 200/p' "$place/hey")"

run h2load h2load --h1 -n 50000 -c 30 -m 4 "$url/small" # four requests at a time
says '^requests: 50000 total, 50000 started, 50000 done, 50000 succeeded, 0 failed, 0 errored, 0 timeout'
says '^status codes: 50000 2xx, 0 3xx, 0 4xx, 0 5xx'
passed "50000 requests, four at a time, all 2xx"

stop_changes
(( $(changes) >= 30 )) || fail "only $(changes) changes were made meanwhile"
stop_service
echo "$(changes) changes of the service, which nobody noticed"
