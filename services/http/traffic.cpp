#include "services/http/traffic.hpp"

#include "services/http/response.hpp"

#include <algorithm>
#include <cstddef>

namespace instar::http::traffic {

namespace {

constexpr const char* codes[] = {"2xx", "3xx", "4xx", "5xx"};
constexpr const char* methods[] = {"GET", "HEAD", "other"};

// Places in the list of `describe`.
constexpr std::size_t class_count = std::size(codes), method_count = std::size(methods);
constexpr std::size_t first_duration = class_count * method_count;
constexpr std::size_t bytes = first_duration + class_count;
constexpr std::size_t cut_off = bytes + 1;

std::size_t class_of(const response& of) {
  constexpr std::size_t first = 2; // what has a lower one is no answer yet
  return std::clamp<std::size_t>(of.status / 100, first, first + class_count - 1) - first;
}

std::size_t method_of(const response& of) {
  if (of.asked && of.asked->has(field::method)) return 2;
  return of.line.method == method::head ? 1 : 0;
}

} // namespace

std::vector<metric_description> describe(const std::vector<std::uint64_t>& bounds) {
  constexpr double second = 1e-9;
  std::vector<metric_description> made;
  for (const auto* code : codes)
    for (const auto* method : methods)
      made.push_back({"instar_http_requests_total",
                      "Requests, by the class of the answer's status.",
                      metric_kind::counter,
                      {{"code", code}, {"method", method}}});
  for (const auto* code : codes)
    made.push_back({"instar_http_request_duration_seconds",
                    "From a request's first byte to when the kernel had all of its answer.",
                    metric_kind::histogram,
                    {{"code", code}},
                    second,
                    bounds});
  made.push_back({"instar_http_response_bytes_total", "Bytes of answers that the kernel took."});
  made.push_back(
      {"instar_http_responses_cut_off_total", "Answers of which the client did not take all."});
  return made;
}

void note_passed(own_metrics& into, const response& of) noexcept {
  into.add(class_of(of) * method_count + method_of(of));
}

void note_written(const response& of, std::uint64_t sent, bool complete) noexcept {
  auto& into = *of.counted_by;
  into.add(bytes, sent);
  if (!complete) return into.add(cut_off);
  const auto now = net::steady_nanoseconds();
  into.record(first_duration + class_of(of), now - std::min(now, of.counted_from));
}

} // namespace instar::http::traffic
