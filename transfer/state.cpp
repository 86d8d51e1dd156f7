#include "transfer/state.hpp"

#include "transfer/kj_text.hpp"

#include <capnp/any.h>
#include <capnp/serialize.h>

#include <kj/io.h>

#include <boost/crc.hpp>

#include <array>
#include <cassert>
#include <cstring>
#include <utility>

namespace instar {

namespace {

// Layout of encoded state, all little endian (the page is transfer/README.md):
//   magic[8] | format u32 | name length u32 | operator version u32 | schema version u32 |
//   schema id u64 | body words u64 | checksum u64 | name, padded to 8 | body
constexpr std::array<char, 8> magic{'i', 'n', 's', 't', 'a', 'r', 'S', '\n'};
constexpr std::uint32_t format_version = 1;
constexpr std::size_t fixed_size = 48;
constexpr std::size_t max_name = 4096;
constexpr int max_nesting = 256;

std::size_t padded(std::size_t n) { return (n + 7) & ~std::size_t{7}; }

template <class T>
void put(std::vector<std::byte>& into, std::size_t at, T value) {
  std::memcpy(into.data() + at, &value, sizeof value);
}

template <class T>
T get(std::span<const std::byte> from, std::size_t at) {
  T value;
  std::memcpy(&value, from.data() + at, sizeof value);
  return value;
}

/// CRC-64/XZ over everything but the checksum itself.
std::uint64_t checksum(std::span<const std::byte> all) {
  boost::crc_optimal<64, 0x42F0E1EBA9EA3693, ~0ull, ~0ull, true, true> crc;
  crc.process_bytes(all.data(), 40);
  crc.process_bytes(all.data() + fixed_size, all.size() - fixed_size);
  return crc.checksum();
}

failure malformed(std::string what) { return {errc::bad_input, "state: " + std::move(what)}; }

} // namespace

state::state(state_header header, std::shared_ptr<capnp::MallocMessageBuilder> message)
    : header_(std::move(header)) {
  if (!message) return;
  // A message that nobody began has no segment at all; this gives it an empty root.
  message->getRoot<capnp::AnyPointer>();
  segments_ = message->getSegmentsForOutput();
  message_ = std::move(message);
}

std::size_t state::size_bytes() const {
  if (words_) return words_->size() * 8;
  return message_ ? capnp::computeSerializedSizeInWords(segments_) * 8 : 0;
}

std::vector<std::byte> state::encode() const {
  const auto& name = header_.operator_type;
  const auto body = fixed_size + padded(name.size());
  const auto size = size_bytes();
  std::vector<std::byte> bytes(body + size);
  if (words_) {
    std::memcpy(bytes.data() + body, words_->data(), size);
  } else if (message_) {
    auto* room = reinterpret_cast<kj::byte*>(bytes.data() + body);
    kj::ArrayOutputStream out(kj::arrayPtr(room, size));
    capnp::writeMessage(out, segments_);
  }
  std::memcpy(bytes.data(), magic.data(), magic.size());
  put(bytes, 8, format_version);
  put(bytes, 12, static_cast<std::uint32_t>(name.size()));
  put(bytes, 16, header_.operator_version);
  put(bytes, 20, header_.schema_version);
  put(bytes, 24, header_.schema_id);
  put(bytes, 32, static_cast<std::uint64_t>(size / 8));
  std::memcpy(bytes.data() + fixed_size, name.data(), name.size());
  put(bytes, 40, checksum(bytes));
  return bytes;
}

result<state> state::decode(std::span<const std::byte> bytes, std::size_t max_bytes) {
  if (bytes.size() < fixed_size)
    return malformed("truncated: " + std::to_string(bytes.size()) +
                     " bytes, shorter than a header");
  if (std::memcmp(bytes.data(), magic.data(), magic.size()) != 0)
    return malformed("these bytes are no saved state (wrong magic number)");
  if (const auto format = get<std::uint32_t>(bytes, 8); format != format_version)
    return malformed("written in format " + std::to_string(format) +
                     ", this version reads format " + std::to_string(format_version));
  if (bytes.size() > max_bytes)
    return malformed("oversized: " + std::to_string(bytes.size()) + " bytes, the limit is " +
                     std::to_string(max_bytes));
  const std::size_t name_size = get<std::uint32_t>(bytes, 12);
  const auto words = get<std::uint64_t>(bytes, 32);
  if (name_size > max_name || words > max_bytes / 8)
    return malformed("oversized: its header announces more than the limit allows");
  const auto expected = fixed_size + padded(name_size) + words * 8;
  if (bytes.size() < expected)
    return malformed("truncated: " + std::to_string(bytes.size()) + " of " +
                     std::to_string(expected) + " bytes");
  if (bytes.size() > expected)
    return malformed("oversized: " + std::to_string(bytes.size() - expected) +
                     " bytes more than its header announces");
  if (get<std::uint64_t>(bytes, 40) != checksum(bytes))
    return malformed("damaged: the checksum does not match");

  state decoded;
  decoded.header_.operator_version = get<std::uint32_t>(bytes, 16);
  decoded.header_.schema_version = get<std::uint32_t>(bytes, 20);
  decoded.header_.schema_id = get<std::uint64_t>(bytes, 24);
  decoded.header_.operator_type.assign(reinterpret_cast<const char*>(bytes.data()) + fixed_size,
                                       name_size);
  if (words == 0) {
    if (decoded.header_.schema_id != 0) return malformed("damaged: it has a schema but no body");
    return decoded;
  }
  auto body = std::make_shared<std::vector<std::uint64_t>>(words);
  std::memcpy(body->data(), bytes.data() + fixed_size + padded(name_size), words * 8);
  decoded.words_ = std::move(body);
  try {
    state_reader check(decoded); // its segment table has to be whole
  } catch (const kj::Exception& e) {
    return malformed("not a Cap'n Proto message: " + one_line(e));
  }
  return decoded;
}

state_writer::state_writer(state_header header, save_purpose purpose)
    : header_(std::move(header)), purpose_(purpose),
      message_(std::make_shared<capnp::MallocMessageBuilder>()) {}

std::size_t state_writer::size_bytes() const { return message_->sizeInWords() * 8; }

state state_writer::finish() {
  if (header_.schema_id == 0) return {std::move(header_), nullptr};
  return {std::move(header_), std::move(message_)};
}

namespace {

/// The whole message may be read once and again; what cannot be is an amplification by pointers
/// that lead to the same place many times over.
capnp::ReaderOptions limits(std::size_t bytes) {
  capnp::ReaderOptions options;
  options.traversalLimitInWords = bytes / 8 * 4 + 1024;
  options.nestingLimit = max_nesting;
  return options;
}

/// A message of one null pointer: every schema's defaults.
kj::ArrayPtr<const kj::ArrayPtr<const capnp::word>> nothing() {
  static constexpr std::uint64_t null_pointer = 0;
  static const kj::ArrayPtr<const capnp::word> segments[] = {
      kj::arrayPtr(reinterpret_cast<const capnp::word*>(&null_pointer), 1)};
  return kj::arrayPtr(segments, 1);
}

} // namespace

state_reader::state_reader(const state& from) : from_(from) {
  const auto options = limits(from.size_bytes());
  if (from.words_) {
    const auto* words = reinterpret_cast<const capnp::word*>(from.words_->data());
    message_ = std::make_unique<capnp::FlatArrayMessageReader>(
        kj::arrayPtr(words, from.words_->size()), options);
  } else {
    message_ = std::make_unique<capnp::SegmentArrayMessageReader>(
        from.message_ ? from.segments_ : nothing(), options);
  }
}

state_reader::~state_reader() = default;

const state_header& state_reader::header() const { return from_.header(); }

capnp::MessageReader& state_reader::message() const { return *message_; }

} // namespace instar
