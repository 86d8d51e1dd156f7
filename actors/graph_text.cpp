#include "actors/graph_text.hpp"

#include "actors/replicas.hpp"

#include <array>
#include <cstdio>

namespace instar {

namespace {

/// In double quotes, as TOML and Graphviz both read it.
std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      std::array<char, 8> code{};
      std::snprintf(code.data(), code.size(), "\\u%04X", static_cast<unsigned>(c));
      out += code.data();
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string toml_value(const setting_value& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return quoted(*text);
  auto text = to_string(value);
  if (std::holds_alternative<double>(value) && text.find_first_of(".e") == text.npos) text += ".0";
  return text;
}

/// Bare if TOML allows it.
std::string toml_key(const std::string& key) {
  constexpr auto bare = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
  return key.empty() || key.find_first_not_of(bare) != key.npos ? quoted(key) : key;
}

std::string end(const std::string& op, const std::string& port) {
  return port.empty() ? op : op + "." + port;
}

bool is_feedback(const arc_node& a) { return a.feedback != feedback_policy::none; }

} // namespace

std::string to_text(const graph& g) {
  std::string text = "graph " + g.name + (g.origin.empty() ? "" : " (" + g.origin.string() + ")");
  text += "\noperators\n";
  for (const auto& op : g.operators) {
    text += "  " + op.name + "  " + op.reference();
    for (const auto& [key, value] : op.values.all()) text += "  " + key + "=" + to_string(value);
    text += op.transient ? "  (put on an arc for a while)\n" : "\n";
  }
  text += "arcs\n";
  for (const auto& a : g.arcs)
    text += "  " + end(a.from, a.from_port) + " -> " + end(a.to, a.to_port) + "  [" +
            std::to_string(a.capacity) + "]" +
            (is_feedback(a) ? std::string("  feedback: ") + to_string(a.feedback) : "") + "\n";
  return text;
}

std::string to_dot(const graph& g) {
  std::string text = "digraph " + quoted(g.name) + " {\n  rankdir=LR;\n  node [shape=box];\n";
  for (const auto& op : g.operators)
    text += "  " + quoted(op.name) + " [label=" + quoted(op.name + " : " + op.reference()) + "];\n";
  for (const auto& a : g.arcs)
    text += "  " + quoted(a.from) + " -> " + quoted(a.to) + " [taillabel=" + quoted(a.from_port) +
            ", headlabel=" + quoted(a.to_port) +
            (is_feedback(a) ? ", style=dashed, label=" + quoted(to_string(a.feedback)) : "") +
            "];\n";
  return text + "}\n";
}

std::string to_toml(const graph& running) {
  const auto g = fold_replicas(running);
  std::string text = "[graph]\nname = " + quoted(g.name) + "\nmodules = [";
  for (const auto& place : g.modules)
    text += (&place == &g.modules.front() ? "" : ", ") + quoted(place.string());
  text += "]\narcs = [\n";
  for (const auto& a : g.arcs) {
    const auto chain = quoted(end(a.from, a.from_port) + " -> " + end(a.to, a.to_port));
    text += "  { chain = " + chain +
            (a.capacity ? ", capacity = " + std::to_string(a.capacity) : "") +
            (is_feedback(a) ? ", feedback = " + quoted(to_string(a.feedback)) : "") + " },\n";
  }
  text += "]\n";
  if (g.operators.empty()) text += "\n[operators]\n";
  for (const auto& op : g.operators) {
    text += "\n[operators." + op.name + "]\ntype = " + quoted(op.reference()) +
            "\non_error = " + quoted(to_string(op.on_error.strategy)) +
            "\nmax_errors = " + std::to_string(op.on_error.limit) +
            "\nerror_window = " + quoted(std::to_string(op.on_error.window.count()) + "ns") + "\n";
    if (op.transfer != part_transfer::none)
      text += "transfer = " + quoted(to_string(op.transfer)) + "\n";
    if (op.replicas != 1) text += "replicas = " + std::to_string(op.replicas) + "\n";
    if (op.key != key_kind::number) text += "key = " + quoted(to_string(op.key)) + "\n";
    if (!op.was.empty()) text += "was = " + quoted(op.was) + "\n";
    for (const auto& [key, value] : op.values.all())
      text += toml_key(key) + " = " + toml_value(value) + "\n";
  }
  return text;
}

} // namespace instar
