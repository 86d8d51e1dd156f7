#include "lifecycle/checkpoint_contents.hpp"

#include "lifecycle/admin_codec.hpp"
#include "transfer/kj_text.hpp"

#include <capnp/serialize.h>

#include <cstring>
#include <utility>

namespace instar {

namespace {

constexpr std::size_t timer_bytes = 16;

result<graph> decode_graph(std::span<const std::byte> bytes) {
  if (bytes.size() % sizeof(capnp::word) != 0 || bytes.empty())
    return failure{errc::bad_input, "the graph is no Cap'n Proto message"};
  std::vector<std::uint64_t> words(bytes.size() / sizeof(capnp::word));
  std::memcpy(words.data(), bytes.data(), bytes.size());
  capnp::ReaderOptions limits;
  limits.traversalLimitInWords = words.size() * 4 + 1024;
  try {
    capnp::FlatArrayMessageReader message(
        kj::arrayPtr(reinterpret_cast<const capnp::word*>(words.data()), words.size()), limits);
    return instar::read(message.getRoot<wire::Graph>());
  } catch (const kj::Exception& e) {
    return failure{errc::bad_input, "the graph is no Cap'n Proto message: " + one_line(e)};
  }
}

} // namespace

std::vector<std::byte> encode_graph(const graph& from) {
  capnp::MallocMessageBuilder message;
  write(from, message.initRoot<wire::Graph>());
  const auto words = capnp::messageToFlatArray(message);
  std::vector<std::byte> bytes(words.size() * sizeof(capnp::word));
  std::memcpy(bytes.data(), words.begin(), bytes.size());
  return bytes;
}

std::vector<std::byte> encode_timers(const std::vector<saved_timer>& from) {
  std::vector<std::byte> bytes(from.size() * timer_bytes);
  for (std::size_t i = 0; i < from.size(); ++i) {
    const std::int64_t left = from[i].left.count();
    std::memcpy(bytes.data() + i * timer_bytes, &left, sizeof left);
    std::memcpy(bytes.data() + i * timer_bytes + 8, &from[i].token, sizeof from[i].token);
  }
  return bytes;
}

failure checkpoint_contents::refuse(const std::string& why) const {
  return {errc::bad_input, one_line("checkpoint " + file_.info().file.string() + ": " + why +
                                    "; restore from another one, and remove this")};
}

result<std::shared_ptr<const checkpoint_contents>> checkpoint_contents::read(checkpoint_file file) {
  std::shared_ptr<checkpoint_contents> made(new checkpoint_contents(std::move(file)));
  if (auto done = made->index(); !done) return done.error();
  if (auto done = made->read_types(); !done) return done.error();
  return std::shared_ptr<const checkpoint_contents>(std::move(made));
}

result<void> checkpoint_contents::index() {
  bool has_graph = false;
  for (const auto& s : file_.sections()) {
    switch (s.kind) {
    case section_kind::graph:
      if (std::exchange(has_graph, true)) return refuse("it has two graphs");
      if (auto done = read_graph(s); !done) return done;
      break;
    case section_kind::schemas:
      schemas_.emplace(s.name, &s);
      break;
    case section_kind::state:
      if (std::exchange(places_[s.name].state, &s))
        return refuse("it has two states of operator '" + s.name + "'");
      break;
    case section_kind::part:
      places_[s.name].parts.push_back(&s);
      break;
    case section_kind::timers:
      places_[s.name].timers = &s;
      break;
    case section_kind::end:
      break;
    }
  }
  if (!has_graph) return refuse("it has no graph");
  for (const auto& [name, at] : places_)
    if (!at.state) return refuse("it has parts of operator '" + name + "', but no state");
  return {};
}

result<void> checkpoint_contents::read_graph(const section& from) {
  const auto bytes = file_.read(from);
  if (!bytes) return bytes.error();
  auto decoded = decode_graph(*bytes);
  if (!decoded) return refuse(decoded.error().message);
  graph_ = *std::move(decoded);
  return {};
}

result<void> checkpoint_contents::read_types() {
  std::map<std::string, schema_set> known;
  for (const auto& [name, at] : places_) {
    const auto saved = decode(*at.state);
    if (!saved) return saved.error();
    operator_description type;
    type.name = saved->header().operator_type;
    type.version = saved->header().operator_version;
    type.state_schema = saved->header().schema_id;
    type.state_version = saved->header().schema_version;
    if (!at.parts.empty()) {
      const auto part = decode(*at.parts.front());
      if (!part) return part.error();
      type.part_schema = part->header().schema_id;
    }
    const auto reference = type.reference();
    if (const auto carried = schemas_.find(reference); carried != schemas_.end()) {
      if (!known.count(reference)) {
        const auto bytes = file_.read(*carried->second);
        if (!bytes) return bytes.error();
        auto parsed = schema_set::parse(*bytes);
        if (!parsed) return refuse("the schemas of " + reference + ": " + parsed.error().message);
        known.emplace(reference, *std::move(parsed));
      }
      type.schemas = known[reference];
    }
    operators_.emplace(name, std::move(type));
  }
  return {};
}

result<state> checkpoint_contents::decode(const section& from) const {
  const auto bytes = file_.read(from);
  if (!bytes) return bytes.error();
  auto decoded = state::decode(*bytes, bytes->size());
  if (!decoded)
    return refuse("the " + to_string(from.kind, from.name) + ": " + decoded.error().message);
  return decoded;
}

const checkpoint_contents::places* checkpoint_contents::find(std::string_view name) const {
  const auto found = places_.find(name);
  return found == places_.end() ? nullptr : &found->second;
}

result<state> checkpoint_contents::state_of(std::string_view name) const {
  const auto* at = find(name);
  if (!at) return refuse("it has no state of operator '" + std::string(name) + "'");
  return decode(*at->state);
}

result<std::vector<saved_timer>> checkpoint_contents::timers_of(std::string_view name) const {
  std::vector<saved_timer> timers;
  const auto* at = find(name);
  if (!at || !at->timers) return timers;
  const auto bytes = file_.read(*at->timers);
  if (!bytes) return bytes.error();
  if (bytes->size() % timer_bytes != 0)
    return refuse("the " + to_string(section_kind::timers, name) + " are not whole");
  for (std::size_t i = 0; i < bytes->size(); i += timer_bytes) {
    std::int64_t left = 0;
    saved_timer timer;
    std::memcpy(&left, bytes->data() + i, sizeof left);
    std::memcpy(&timer.token, bytes->data() + i + 8, sizeof timer.token);
    timer.left = std::chrono::nanoseconds(left);
    timers.push_back(timer);
  }
  return timers;
}

std::size_t checkpoint_contents::parts_of(std::string_view name) const {
  const auto* at = find(name);
  return at ? at->parts.size() : 0;
}

result<state> checkpoint_contents::part_of(std::string_view name, std::size_t number) const {
  return decode(*find(name)->parts.at(number));
}

} // namespace instar
