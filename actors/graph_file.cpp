#include "actors/graph_file.hpp"

#include "actors/nearest.hpp"
#include "transfer/one_line.hpp"

#include <toml++/toml.h>
#if TOML_HEADER_ONLY
#error "link toml++ as a library: 3.3 compiled in with assertions aborts on input such as [ = 1 ]"
#endif

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <fstream>
#include <optional>
#include <sstream>
#include <tuple>
#include <utility>

namespace instar {

result<setting_override> parse_override(std::string_view text) {
  const auto equals = text.find('=');
  const auto dot = text.find('.');
  if (equals == text.npos || dot == text.npos || dot == 0 || dot + 1 >= equals)
    return failure{errc::bad_input, "'" + std::string(text) +
                                        "' is no setting; write OPERATOR.KEY=VALUE, for example "
                                        "accept.port=8080"};
  return setting_override{std::string(text.substr(0, dot)),
                          std::string(text.substr(dot + 1, equals - dot - 1)),
                          std::string(text.substr(equals + 1))};
}

namespace {

std::string_view kind_of(const toml::node& node) {
  switch (node.type()) {
  case toml::node_type::table:
    return "a table";
  case toml::node_type::array:
    return "an array";
  case toml::node_type::string:
    return "a string";
  case toml::node_type::integer:
    return "an integer";
  case toml::node_type::floating_point:
    return "a number";
  case toml::node_type::boolean:
    return "a boolean";
  default:
    return "a date or time";
  }
}

std::string trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\n");
  if (first == text.npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(" \t\n") - first + 1));
}

bool is_name(std::string_view text) {
  if (text.empty()) return false;
  for (const char c : text)
    if (!(std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-')) return false;
  return true;
}

constexpr std::size_t max_text = std::size_t{16} << 20;

/// What `[operators.x]` says of the operator itself; every other key is a setting.
bool is_reserved(std::string_view key) {
  return key == "type" || key == "was" || key == "on_error" || key == "max_errors" ||
         key == "error_window" || key == "transfer" || key == "replicas" || key == "key";
}

/// Reads one parsed document into a graph, noting every mistake.
class reader {
public:
  reader(graph_file& into, const std::filesystem::path& origin) : file_(into) {
    file_.content.origin = origin;
  }

  void read(const toml::table& document) {
    for (const auto& [key, value] : document)
      if (key != "graph" && key != "operators")
        complain(value, "",
                 "unknown table '" + std::string(key.str()) + "'" +
                     suggest(key.str(), {"graph", "operators"}));
    // Operators first: the chains name them.
    if (const auto* operators = table(document, "operators")) {
      for (const auto& [name, value] : *operators) read_operator(std::string(name.str()), value);
      // A TOML table has no order; people read the file's.
      std::stable_sort(file_.content.operators.begin(), file_.content.operators.end(),
                       [](const auto& a, const auto& b) { return a.line < b.line; });
    }
    if (const auto* head = table(document, "graph")) read_head(*head);
  }

  void override_settings(const std::vector<setting_override>& overrides) {
    for (const auto& o : overrides) {
      const auto found =
          std::find_if(file_.content.operators.begin(), file_.content.operators.end(),
                       [&](const operator_node& op) { return op.name == o.operator_name; });
      if (found == file_.content.operators.end()) {
        std::vector<std::string> names;
        for (const auto& op : file_.content.operators) names.push_back(op.name);
        refuse(o, errc::not_found,
               "the graph has no operator '" + o.operator_name + "'" +
                   suggest(o.operator_name, names));
        continue;
      }
      if (o.key == "replicas" || o.key == "key") {
        override_replicas(*found, o);
        continue;
      }
      if (is_reserved(o.key)) {
        refuse(o, errc::bad_input,
               "'" + o.key +
                   "' is no setting; change it in the graph file, or the type with "
                   "`instarctl update`");
        continue;
      }
      found->values.set(o.key, o.value);
    }
  }

private:
  void complain(const toml::node& at, const std::string& op, const std::string& what) {
    complain(at.source().begin.line, op, what);
  }
  void complain(std::size_t line, const std::string& op, const std::string& what) {
    file_.mistakes.push_back(
        {errc::bad_input, one_line(file_.content.origin.string() + ":" + std::to_string(line) +
                                   ": " + (op.empty() ? "" : "operator '" + op + "': ") + what)});
  }
  void refuse(const setting_override& o, errc code, const std::string& what) {
    file_.mistakes.push_back(
        {code, one_line("--set " + o.operator_name + "." + o.key + ": " + what)});
  }

  const toml::table* table(const toml::table& document, const char* name) {
    const auto* node = document.get(name);
    if (!node) {
      complain(1, "", "there is no table [" + std::string(name) + "]; add one");
      return nullptr;
    }
    if (!node->is_table())
      complain(*node, "",
               std::string(name) + " is " + std::string(kind_of(*node)) + "; write a table");
    return node->as_table();
  }

  template <class T>
  std::optional<T> value(const toml::node& node, const std::string& op, const std::string& key,
                         const char* wanted) {
    if (const auto* v = node.as<T>()) return v->get();
    complain(node, op, key + " is " + std::string(kind_of(node)) + "; write " + wanted);
    return std::nullopt;
  }

  void read_head(const toml::table& head) {
    for (const auto& [k, node] : head) {
      const std::string key(k.str());
      if (key == "name") {
        if (auto v = value<std::string>(node, "", key, "a string")) file_.content.name = *v;
      } else if (key == "arc_capacity") {
        read_capacity(node, capacity_);
      } else if (key == "checkpoint_every") {
        read_checkpoint_every(node);
      } else if (key == "checkpoint_keep") {
        read_checkpoint_keep(node);
      } else if (key != "arcs" && key != "modules") {
        complain(node, "",
                 "unknown key '" + key + "' in [graph]" +
                     suggest(key, {"name", "modules", "arcs", "arc_capacity", "checkpoint_every",
                                   "checkpoint_keep"}));
      }
    }
    each(head, "modules", [&](const toml::node& node) {
      if (auto v = value<std::string>(node, "", "a place in modules", "a string with a path"))
        file_.content.modules.push_back(
            (file_.content.origin.parent_path() / *v).lexically_normal());
    });
    each(head, "arcs", [&](const toml::node& node) { read_chain(node); });
  }

  template <class Each>
  void each(const toml::table& head, const char* key, Each&& call) {
    const auto* node = head.get(key);
    if (!node) return;
    if (const auto* list = node->as_array())
      for (const auto& item : *list) call(item);
    else
      complain(*node, "",
               std::string(key) + " is " + std::string(kind_of(*node)) +
                   "; write an array of strings");
  }

  void read_checkpoint_every(const toml::node& node) {
    const auto text = value<std::string>(node, "", "checkpoint_every", "a time such as \"10s\"");
    if (!text) return;
    const auto time = parse_setting(*text, setting_kind::duration, {});
    if (!time) return complain(node, "", "checkpoint_every: " + time.error().message);
    const std::chrono::nanoseconds every(std::get<std::int64_t>(*time));
    if (every < std::chrono::milliseconds(100))
      return complain(node, "",
                      "checkpoint_every = \"" + *text +
                          "\" is too often; write at "
                          "least \"100ms\"");
    file_.content.checkpoint_every = every;
  }

  void read_checkpoint_keep(const toml::node& node) {
    const auto v = value<std::int64_t>(node, "", "checkpoint_keep", "a number");
    if (!v) return;
    if (*v < 1 || *v > 10'000)
      return complain(node, "", "checkpoint_keep is out of range; write 1 to 10000");
    file_.content.checkpoint_keep = static_cast<std::size_t>(*v);
  }

  void read_capacity(const toml::node& node, std::size_t& into) {
    const auto v = value<std::int64_t>(node, "", "capacity", "a number of packets");
    if (!v) return;
    if (*v < 1 || *v > static_cast<std::int64_t>(max_arc_capacity))
      return complain(node, "",
                      "a capacity of " + std::to_string(*v) + " is out of range; write 1 to " +
                          std::to_string(max_arc_capacity));
    into = static_cast<std::size_t>(*v);
  }

  void read_feedback(const toml::node& node, feedback_policy& into) {
    const auto text = value<std::string>(node, "", "feedback", "\"hand_over\" or \"drain\"");
    if (!text) return;
    for (const auto policy : {feedback_policy::hand_over, feedback_policy::drain})
      if (*text == to_string(policy)) {
        into = policy;
        return;
      }
    complain(node, "",
             "feedback = \"" + *text + "\" is unknown" + suggest(*text, {"hand_over", "drain"}));
  }

  void read_chain(const toml::node& node) {
    auto capacity = capacity_;
    auto feedback = feedback_policy::none;
    const toml::node* chain = &node;
    if (const auto* entry = node.as_table()) {
      chain = entry->get("chain");
      if (!chain)
        return complain(node, "", "an entry of arcs has no 'chain'; write { chain = \"a -> b\" }");
      for (const auto& [k, v] : *entry) {
        if (k == "capacity") read_capacity(v, capacity);
        else if (k == "feedback") read_feedback(v, feedback);
        else if (k != "chain")
          complain(v, "",
                   "unknown key '" + std::string(k.str()) + "' of an arc" +
                       suggest(k.str(), {"chain", "capacity", "feedback"}));
      }
    }
    if (const auto text = value<std::string>(*chain, "", "an entry of arcs", "\"a -> b\""))
      add_chain(*text, capacity, feedback, chain->source().begin.line);
  }

  /// A feedback policy is that of the chain's last arc.
  void add_chain(const std::string& text, std::size_t capacity, feedback_policy feedback,
                 std::size_t line) {
    std::vector<std::pair<std::string, std::string>> ends; // operator, port
    for (std::size_t at = 0; at <= text.size();) {
      const auto arrow = std::min(text.find("->", at), text.size());
      const auto end = trimmed(std::string_view(text).substr(at, arrow - at));
      const auto dot = std::min(end.find('.'), end.size());
      const auto op = end.substr(0, dot);
      const auto port = dot < end.size() ? end.substr(dot + 1) : "";
      if (!is_name(op) || (dot < end.size() && !is_name(port)))
        return complain(line, "",
                        "'" + text + "' is no chain: '" + end +
                            "' names no operator; write \"a -> b.port -> c\"");
      ends.emplace_back(op, port);
      at = arrow + 2;
      if (arrow == text.size()) break;
    }
    if (ends.size() < 2)
      return complain(line, "", "'" + text + "' leads nowhere; write \"a -> b\"");
    for (std::size_t i = 1; i < ends.size(); ++i) {
      arc_node a;
      std::tie(a.from, a.from_port) = ends[i - 1];
      std::tie(a.to, a.to_port) = ends[i];
      a.capacity = capacity;
      a.line = line;
      if (i + 1 == ends.size()) a.feedback = feedback;
      file_.content.arcs.push_back(std::move(a));
    }
  }

  void read_operator(const std::string& name, const toml::node& node) {
    if (!is_name(name)) return complain(node, name, "is no name; use letters, digits, '_' and '-'");
    const auto* entry = node.as_table();
    if (!entry)
      return complain(node, name,
                      "is " + std::string(kind_of(node)) + "; write a table [operators." + name +
                          "]");
    operator_node op;
    op.name = name;
    op.line = node.source().begin.line;
    bool typed = false;
    for (const auto& [k, v] : *entry) {
      const std::string key(k.str());
      if (key == "type") typed = read_type(op, v);
      else if (key == "was") read_was(op, v);
      else if (key == "transfer") read_transfer(op, v);
      else if (key == "replicas") read_replicas(op, v);
      else if (key == "key") read_key(op, v);
      else if (is_reserved(key)) read_policy(op, key, v);
      else read_setting(op, key, v);
    }
    if (!typed && !entry->contains("type"))
      complain(node, name, "has no type; write type = \"NAME@VERSION\"");
    file_.content.operators.push_back(std::move(op));
  }

  bool read_type(operator_node& op, const toml::node& node) {
    const auto text = value<std::string>(node, op.name, "type", "\"NAME@VERSION\"");
    if (!text) return false;
    const auto at = text->rfind('@');
    const auto* end = text->data() + text->size();
    if (at != text->npos && at > 0) {
      const auto [rest, error] = std::from_chars(text->data() + at + 1, end, op.version);
      if (error == std::errc{} && rest == end && op.version > 0) {
        op.type = text->substr(0, at);
        return true;
      }
    }
    complain(node, op.name,
             "'" + *text +
                 "' is no type; write \"NAME@VERSION\", for example "
                 "\"http.load@1\"");
    return false;
  }

  void read_was(operator_node& op, const toml::node& node) {
    const auto text = value<std::string>(node, op.name, "was", "the operator's former name");
    if (!text) return;
    if (is_name(*text)) op.was = *text;
    else complain(node, op.name, "was = \"" + *text + "\" is no operator's name; write its former");
  }

  void read_transfer(operator_node& op, const toml::node& node) {
    const auto text =
        value<std::string>(node, op.name, "transfer", "\"pre_copy\" or \"progressive\"");
    if (!text) return;
    for (const auto how : {part_transfer::pre_copy, part_transfer::progressive})
      if (*text == to_string(how)) {
        op.transfer = how;
        return;
      }
    complain(node, op.name,
             "transfer = \"" + *text + "\" is unknown" +
                 suggest(*text, {"pre_copy", "progressive"}));
  }

  static std::optional<std::string> set_replicas(operator_node& op, std::int64_t n) {
    if (n < 1 || n > max_lanes)
      return "replicas = " + std::to_string(n) + " is out of range; write 1 to " +
             std::to_string(max_lanes);
    op.replicas = static_cast<std::uint32_t>(n);
    return std::nullopt;
  }

  static std::optional<std::string> set_key(operator_node& op, const std::string& text) {
    for (const auto kind : {key_kind::number, key_kind::hash})
      if (text == to_string(kind)) {
        op.key = kind;
        return std::nullopt;
      }
    return "key = \"" + text + "\" is unknown" + suggest(text, {"number", "hash"});
  }

  void read_replicas(operator_node& op, const toml::node& node) {
    const auto n = value<std::int64_t>(node, op.name, "replicas", "a number");
    if (!n) return;
    if (const auto wrong = set_replicas(op, *n)) complain(node, op.name, *wrong);
  }

  void read_key(operator_node& op, const toml::node& node) {
    const auto text = value<std::string>(node, op.name, "key", "\"number\" or \"hash\"");
    if (!text) return;
    if (const auto wrong = set_key(op, *text)) complain(node, op.name, *wrong);
  }

  void override_replicas(operator_node& op, const setting_override& o) {
    std::optional<std::string> wrong;
    if (o.key == "key") {
      wrong = set_key(op, o.value);
    } else {
      std::int64_t n = 0;
      const auto* end = o.value.data() + o.value.size();
      const auto [rest, error] = std::from_chars(o.value.data(), end, n);
      wrong = error == std::errc{} && rest == end
                  ? set_replicas(op, n)
                  : "'" + o.value + "' is no number of replicas; write 1 to " +
                        std::to_string(max_lanes);
    }
    if (wrong) refuse(o, errc::bad_input, *wrong);
  }

  void read_policy(operator_node& op, const std::string& key, const toml::node& node) {
    if (key == "max_errors") {
      const auto v = value<std::int64_t>(node, op.name, key, "a number");
      if (!v) return;
      if (*v < 0 || *v > 1'000'000)
        return complain(node, op.name, "max_errors is out of range; write 0 to 1000000");
      op.on_error.limit = static_cast<std::uint32_t>(*v);
      return;
    }
    const auto text = value<std::string>(node, op.name, key, "a string");
    if (!text) return;
    if (key == "error_window") {
      auto window = parse_setting(*text, setting_kind::duration, {});
      if (!window) return complain(node, op.name, key + ": " + window.error().message);
      op.on_error.window = std::chrono::nanoseconds(std::get<std::int64_t>(*window));
    } else if (*text == "resume") op.on_error.strategy = error_strategy::resume;
    else if (*text == "restart") op.on_error.strategy = error_strategy::restart;
    else if (*text == "stop") op.on_error.strategy = error_strategy::stop;
    else
      complain(node, op.name,
               "on_error = \"" + *text + "\" is unknown" +
                   suggest(*text, {"resume", "restart", "stop"}));
  }

  void read_setting(operator_node& op, const std::string& key, const toml::node& node) {
    if (const auto* s = node.as_string()) op.values.set(key, s->get());
    else if (const auto* i = node.as_integer()) op.values.set(key, i->get());
    else if (const auto* f = node.as_floating_point(); f && std::isfinite(f->get()))
      op.values.set(key, f->get());
    else if (const auto* b = node.as_boolean()) op.values.set(key, b->get());
    else
      complain(node, op.name,
               "setting '" + key + "' is " +
                   (node.is_floating_point() ? "not finite" : std::string(kind_of(node))) +
                   "; write a string, a finite number or a boolean");
  }

  graph_file& file_;
  std::size_t capacity_ = default_arc_capacity;
};

} // namespace

graph_file parse_graph(std::string_view text, const std::filesystem::path& origin,
                       const std::vector<setting_override>& overrides) {
  graph_file file;
  file.content.origin = origin;
  file.content.name = origin.stem().string();
  if (text.size() > max_text) {
    file.mistakes.push_back({errc::bad_input, origin.string() + ": has " +
                                                  std::to_string(text.size()) +
                                                  " bytes; a graph file may have 16 MiB"});
    return file;
  }
  try {
    const auto document = toml::parse(text, origin.string());
    reader into(file, origin);
    into.read(document);
    into.override_settings(overrides);
  } catch (const toml::parse_error& e) {
    const auto& at = e.source().begin;
    file.mistakes.push_back(
        {errc::bad_input, one_line(origin.string() + ":" + std::to_string(at.line) + ":" +
                                   std::to_string(at.column) + ": not TOML: " +
                                   std::string(e.description()) + "; correct the syntax there")});
  }
  return file;
}

graph_file read_graph(const std::filesystem::path& path,
                      const std::vector<setting_override>& overrides) {
  std::error_code error;
  std::ostringstream text;
  std::ifstream in;
  // Asked first: to open a pipe would wait for its other end.
  if (std::filesystem::is_regular_file(path, error)) in.open(path, std::ios::binary);
  if (!in.is_open()) {
    graph_file file;
    file.content.origin = path;
    file.mistakes.push_back({errc::not_found, one_line(path.string()) +
                                                  ": cannot be read as a graph file; give the "
                                                  "path of a TOML file"});
    return file;
  }
  if (in.peek() != std::ifstream::traits_type::eof()) text << in.rdbuf();
  return parse_graph(text.str(), std::filesystem::absolute(path).lexically_normal(), overrides);
}

} // namespace instar
