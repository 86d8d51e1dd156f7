#pragma once

#include "services/kv/engine.hpp"
#include "services/kv/lanes.hpp"
#include "services/kv/model_v1.hpp"
#include "services/kv/model_v2.hpp"
#include "services/kv/model_v3.hpp"
#include "services/kv/model_v4.hpp"
#include "services/kv/model_v5.hpp"
#include "services/kv/resp.hpp"

#include <cstdint>
#include <initializer_list>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace instar::test {

/// A command as clients send it.
inline std::string command(std::initializer_list<std::string_view> args) {
  std::string text = "*" + std::to_string(args.size()) + "\r\n";
  for (const auto a : args)
    text += "$" + std::to_string(a.size()) + "\r\n" + std::string(a) + "\r\n";
  return text;
}

/// The first answer in `text`, readable, and without it.
inline std::string show(std::string_view& text) {
  const auto end = text.find("\r\n");
  if (end == std::string_view::npos) throw std::runtime_error("no answer");
  const auto kind = text[0];
  std::string line(text.substr(1, end - 1));
  text.remove_prefix(end + 2);
  if (kind == '+') return line;
  if (kind == '-') return "-" + line;
  if (kind == ':') return ":" + line;
  const auto size = std::stoll(line);
  if (size < 0) return kind == '$' ? "nil" : "no array";
  if (kind == '$') {
    line = text.substr(0, static_cast<std::size_t>(size));
    text.remove_prefix(static_cast<std::size_t>(size) + 2);
    return "'" + line + "'";
  }
  std::string all = "[";
  for (auto n = size; n > 0; --n) all += (n < size ? " " : "") + show(text);
  return all + "]";
}
inline std::string show_all(std::string_view text) {
  std::string all;
  while (!text.empty()) all += (all.empty() ? "" : " ") + show(text);
  return all;
}

/// The time that engines of tests have.
inline std::int64_t test_ms = 1'000'000;
inline std::int64_t test_clock() { return test_ms; }

/// A version of the store without anything around it.
template <class Model>
struct bare_store {
  using codec = typename Model::codec;

  /// Carries out what stands in `text`, all of it at once.
  std::string raw(std::string_view text) {
    kv::request_parser parser(kv::resp_limits{});
    kv::lane_sorter sorted;
    std::string decoded;
    sorted.begin(1);
    const auto one_lane = [](std::uint64_t) { return std::size_t{0}; };
    while (parser.next(text, sorted.args(), decoded) == kv::request_parser::step::command)
      sorted.add(one_lane);
    auto& lane = sorted.lanes()[0];
    const auto batch =
        kv::batch::make({}, nullptr, {}, kv::lane_end(0, 1), lane.commands, lane.args, decoded);
    const auto answers = kv::replies::make({}, {}, 1);
    tested.run(*batch, *answers);
    return std::string(answers->text());
  }
  /// One line of words, and its answer.
  std::string ask(const std::string& line) { return show_all(raw(line + "\r\n")); }

  keyed_state<typename codec::map, codec> state;
  kv::engine<Model> tested{state.entries(), kv::store_limits{1000, 10'000}, &test_clock};
};

} // namespace instar::test
