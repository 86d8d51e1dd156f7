#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string_view>

namespace instar {

/// A list with room for `N` elements that can be built at compile time.
template <class T, std::size_t N>
class fixed_list {
public:
  constexpr fixed_list() = default;
  constexpr fixed_list(std::initializer_list<T> items) {
    for (const auto& item : items) items_[size_++] = item;
  }
  constexpr const T* begin() const { return items_.data(); }
  constexpr const T* end() const { return items_.data() + size_; }
  constexpr std::size_t size() const { return size_; }
  constexpr const T& operator[](std::size_t i) const { return items_[i]; }

private:
  std::array<T, N> items_{};
  std::size_t size_ = 0;
};

/// A port as the manifest states it.
///
/// `payload` is a dotted name. An input accepts its type and every refinement of it: an input of
/// `http.response` accepts `http.response.file`, an input of `http.response.memory` does not.
struct port_type {
  std::string_view name;
  std::string_view payload;
  std::uint64_t schema = 0; ///< Cap'n Proto type id if the payload is a `record`, else 0
  int follows = -1;         ///< output only: carries whatever type arrives at this input
  /// Of an output: asks, and the answers come to this input. Of an input: what comes here is asked,
  /// and answered on this output. See `request_port` and `answer_port`.
  int answers = -1;
};

/// An input as operator code names it: typed, so that a wrong cast does not compile.
template <class Payload>
struct in_port {
  using payload_type = Payload;

  std::size_t index = 0;
  std::string_view name;
  std::string_view accepts = Payload::payload_name;
  int answers = -1;

  constexpr operator port_type() const { return {name, accepts, schema(), -1, answers}; }
  static constexpr std::uint64_t schema() {
    if constexpr (requires { Payload::payload_schema; }) return Payload::payload_schema;
    else return 0;
  }
};

/// An output as operator code names it.
template <class Payload>
struct out_port {
  using payload_type = Payload;

  std::size_t index = 0;
  std::string_view name;
  std::string_view carries = Payload::payload_name;
  int follows = -1;
  int answers = -1;

  constexpr operator port_type() const {
    return {name, carries, in_port<Payload>::schema(), follows, answers};
  }
};

/// Who asks: questions leave by the output `ask`, their answers come to the input `told`. Both go
/// into the operator's `outputs` and `inputs`, where they are at their own `index`:
///
///   static constexpr request_port<query, page> pages{{1, "ask"}, {1, "told"}};
///   static constexpr operator_type type{…, .inputs = {in, pages.told}, .outputs = {out,
///   pages.ask}};
///
/// The input belongs to the answers: they go to `on_answer`, not to `on_packet`.
template <class Question, class Answer>
struct request_port {
  out_port<Question> ask;
  in_port<Answer> told;

  constexpr request_port(out_port<Question> questions, in_port<Answer> answers)
      : ask(questions), told(answers) {
    ask.answers = static_cast<int>(told.index);
  }
};

/// Who is asked: questions come to the input `asked` (`on_packet`, with the request as the packet's
/// key), their answers leave by the output `answer`.
template <class Question, class Answer>
struct answer_port {
  in_port<Question> asked;
  out_port<Answer> answer;

  constexpr answer_port(in_port<Question> questions, out_port<Answer> answers)
      : asked(questions), answer(answers) {
    asked.answers = static_cast<int>(answer.index);
  }
};

enum class setting_kind : std::uint8_t {
  text,
  integer,
  number,
  boolean,
  duration, ///< "250ms", "10s", "5min"; kept in nanoseconds
  size,     ///< "4KiB", "10MB"; kept in bytes
  path,     ///< relative to the graph file's folder; kept absolute
};

/// A setting that the graph file may give to an operator.
struct setting_type {
  std::string_view name;
  setting_kind kind = setting_kind::text;
  std::string_view default_value = {}; ///< as it would be written in the graph file
  bool required = false;               ///< has no default; the graph file must give it
  std::string_view help = {};
};

/// The object that an operator keeps its state in. Two versions that declare the same name and
/// layout may hand it over as it is.
struct native_state {
  std::string_view name = {};
  std::uint64_t layout = 0; ///< `layout_of<State>()`; 0 = none is handed over

  constexpr bool operator==(const native_state&) const = default;
};

/// A schema that an operator can also save its state in, or restore it from, besides its own.
struct state_format {
  std::uint64_t schema = 0;
  std::uint32_t cost = 10; ///< that of its own schema is 1

  constexpr bool operator==(const state_format&) const = default;
};

/// What a module says about one operator it brings. A compile-time constant of the operator's
/// class; its text goes into the module's manifest.
struct operator_type {
  std::string_view name;
  std::uint32_t version = 1;
  std::string_view help = {};
  fixed_list<port_type, 16> inputs = {};
  fixed_list<port_type, 16> outputs = {};
  std::uint64_t state_schema = 0; ///< `capnp::typeId<State>()`; 0 = stateless
  std::uint32_t state_version = 0;
  fixed_list<setting_type, 32> settings = {};
  /// Emits several packets that belong to one request. Such an operator is always part of the
  /// region of a transition below it, so that no request meets two versions.
  bool splits = false;
  /// Of one part of the keyed state (`operator_base::parts`): `capnp::typeId<Part>()`; 0 = none.
  std::uint64_t part_schema = 0;
  native_state native = {};
  fixed_list<state_format, 8> exports = {}; ///< `save` is asked by `state_writer::header`
  fixed_list<state_format, 8> imports = {}; ///< `restore` is told by `state_reader::header`
  /// `restore` adds to what is there. Only then the number of replicas can change although they
  /// have a `state_schema`: the state of each old one goes to one of the new ones, so that
  /// `restore` is called any number of times, and not at all for some.
  bool mergeable = false;
};

} // namespace instar
