#include "services/http_table.hpp"

#include "services/sockets.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <fcntl.h>

#include <fstream>
#include <sstream>
#include <stdexcept>

namespace fs = std::filesystem;

namespace instar::test {

namespace {

/// Far more than any answer takes; who needs it has failed.
constexpr int patience_ms = 10'000;

std::string trimmed(const std::string& text) {
  const auto first = text.find_first_not_of(' ');
  if (first == std::string::npos) return {};
  return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

std::vector<std::string> split(const std::string& text, const std::string& by) {
  std::vector<std::string> parts;
  std::size_t from = 0;
  for (std::size_t at; (at = text.find(by, from)) != std::string::npos; from = at + by.size())
    parts.push_back(trimmed(text.substr(from, at - from)));
  parts.push_back(trimmed(text.substr(from)));
  return parts;
}

/// `\r`, `\n`, `\t`, `\0`, `\\`, `\xHH`, and `\*N{text}` for N times the text.
std::string unescaped(const std::string& text) {
  std::string made;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      made += text[i];
      continue;
    }
    switch (const char c = text.at(++i)) {
    case 'r':
      made += '\r';
      break;
    case 'n':
      made += '\n';
      break;
    case 't':
      made += '\t';
      break;
    case '0':
      made += '\0';
      break;
    case 's':
      made += ' ';
      break;
    case 'x':
      made += static_cast<char>(std::stoi(text.substr(i + 1, 2), nullptr, 16));
      i += 2;
      break;
    case '*': {
      const auto open = text.find('{', i), close = text.find('}', i);
      const auto what = unescaped(text.substr(open + 1, close - open - 1));
      for (int n = std::stoi(text.substr(i + 1)); n > 0; --n) made += what;
      i = close;
      break;
    }
    default:
      made += c;
    }
  }
  return made;
}

/// `METHOD TARGET [VERSION] ; Field: value ; -Host ; body=text`, or `raw bytes`.
std::string request_of(const std::string& text) {
  if (text.starts_with("raw ")) return unescaped(text.substr(4));
  const auto parts = split(text, " ; ");
  auto line = unescaped(parts[0]);
  if (line.find(" HTTP/") == std::string::npos) line += " HTTP/1.1";
  std::string fields, body;
  bool host = !line.ends_with("HTTP/1.0");
  for (std::size_t i = 1; i < parts.size(); ++i) {
    if (parts[i] == "-Host") host = false;
    else if (parts[i].starts_with("body=")) body = unescaped(parts[i].substr(5));
    else fields += unescaped(parts[i]) + "\r\n";
  }
  return line + "\r\n" + (host ? "Host: h\r\n" : "") + fields + "\r\n" + body;
}

std::vector<int> numbers(const std::string& text) {
  std::vector<int> all;
  std::istringstream from(text);
  for (int n; from >> n;) all.push_back(n);
  return all;
}

table_row read_row(const std::string& text, int line) {
  table_row row;
  row.line = line;
  row.text = text;
  auto rest = text;
  if (const auto note = rest.find(" ## nginx"); note != std::string::npos) {
    row.differs = true;
    const auto said = rest.substr(note + 9);
    row.nginx = numbers(said.substr(0, said.find(':')));
    rest.resize(note);
  }
  const auto arrow = rest.rfind(" => ");
  if (arrow == std::string::npos)
    throw std::runtime_error("line " + std::to_string(line) + " of the table has no =>");
  for (const auto& one : split(rest.substr(0, arrow), " && "))
    row.requests.push_back(request_of(one));
  auto expected = split(rest.substr(arrow + 4), " ; ");
  row.statuses = numbers(expected[0]);
  row.checks.assign(expected.begin() + 1, expected.end());
  return row;
}

client dial(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  client made(fd);
  if (::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0)
    throw std::runtime_error("nobody listens on port " + std::to_string(port));
  return made;
}

/// Reads answers from one connection.
class answers {
public:
  explicit answers(const client& from) : from_(from) {}

  /// Status 0 if the connection ended first, -1 if nothing came.
  seen_answer next(bool head_only) {
    seen_answer got;
    std::size_t end = 0;
    while ((end = ahead_.find("\r\n\r\n")) == std::string::npos)
      if (const int failed = more(); failed != 1)
        return {.status = failed, .head = ahead_, .body = {}};
    got.head = ahead_.substr(0, end + 2);
    ahead_.erase(0, end + 4);
    if (!got.head.starts_with("HTTP/1.1 ")) return {.status = -2, .head = got.head, .body = {}};
    got.status = std::stoi(got.head.substr(9, 3));
    if (head_only || got.status < 200 || got.status == 304) return got;
    if (got.field("Transfer-Encoding") == "chunked") return chunked(std::move(got));
    const auto size = std::stoul("0" + got.field("Content-Length"));
    while (ahead_.size() < size)
      if (const int failed = more(); failed != 1)
        return {.status = failed, .head = got.head, .body = {}};
    got.body = ahead_.substr(0, size);
    ahead_.erase(0, size);
    return got;
  }
  /// Whether the connection ends without another byte.
  bool ends() { return ahead_.empty() && more() == 0; }
  const std::string& rest() const { return ahead_; }

private:
  seen_answer chunked(seen_answer got) {
    while (ahead_.find("0\r\n\r\n") == std::string::npos)
      if (const int failed = more(); failed != 1)
        return {.status = failed, .head = got.head, .body = {}};
    ahead_.clear();
    return got;
  }
  /// 1 if something came, 0 at the end, -1 if nothing comes.
  int more() {
    pollfd wait{from_.fd(), POLLIN, 0};
    if (::poll(&wait, 1, patience_ms) != 1) return -1;
    char block[65536];
    const auto n = ::recv(from_.fd(), block, sizeof block, 0);
    if (n > 0) ahead_.append(block, static_cast<std::size_t>(n));
    return n > 0 ? 1 : 0;
  }

  const client& from_;
  std::string ahead_;
};

std::string known_field(std::uint16_t port, const std::string& name, const std::string& target,
                        const std::string& more) {
  const auto one = dial(port);
  one.send("GET " + target + " HTTP/1.1\r\nHost: h\r\n" + more + "\r\n");
  answers from(one);
  return from.next(false).field(name);
}

/// Replaces `{etag /x}`, `{modified /x}`, and `{etag-gz /x}` for the compressed one.
std::string filled(std::string text, std::uint16_t port) {
  for (const auto& [word, name, more] :
       {std::tuple("{etag ", "ETag", ""), std::tuple("{modified ", "Last-Modified", ""),
        std::tuple("{etag-gz ", "ETag", "Accept-Encoding: gzip\r\n")})
    for (std::size_t at; (at = text.find(word)) != std::string::npos;) {
      const auto close = text.find('}', at), from = at + std::string(word).size();
      text.replace(at, close - at + 1,
                   known_field(port, name, text.substr(from, close - from), more));
    }
  return text;
}

/// What is wrong with the last answer, or nothing.
std::string check(const seen_answer& got, const std::string& wanted, std::uint16_t port) {
  if (wanted == "close" || wanted == "open") return {}; // looked at elsewhere
  if (wanted.starts_with("="))
    return got.body == unescaped(wanted.substr(1)) ? "" : "the body is '" + got.body + "'";
  if (wanted.starts_with("~"))
    return got.body.find(unescaped(wanted.substr(1))) != std::string::npos
               ? ""
               : "the body is '" + got.body + "'";
  if (wanted.starts_with("!"))
    return got.has(wanted.substr(1)) ? "there is a field " + wanted.substr(1) : "";
  const auto colon = wanted.find(": ");
  const auto name = wanted.substr(0, colon);
  if (colon == std::string::npos) return got.has(name) ? "" : "there is no field " + name;
  const auto value = filled(wanted.substr(colon + 2), port);
  return got.field(name) == value ? "" : name + " is '" + got.field(name) + "'";
}

} // namespace

std::string seen_answer::field(const std::string& name) const {
  std::istringstream lines(head);
  for (std::string line; std::getline(lines, line);) {
    if (line.size() <= name.size() + 1 || line[name.size()] != ':' ||
        ::strncasecmp(line.c_str(), name.c_str(), name.size()) != 0)
      continue;
    auto value = trimmed(line.substr(name.size() + 1));
    if (value.ends_with('\r')) value.pop_back();
    return value;
  }
  return {};
}

bool seen_answer::has(const std::string& name) const {
  std::istringstream lines(head);
  for (std::string line; std::getline(lines, line);)
    if (line.size() > name.size() && line[name.size()] == ':' &&
        ::strncasecmp(line.c_str(), name.c_str(), name.size()) == 0)
      return true;
  return false;
}

std::vector<table_row> read_table(const fs::path& from) {
  std::ifstream file(from);
  if (!file) throw std::runtime_error("no table " + from.string());
  std::vector<table_row> rows;
  int number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    if (line.empty() || line[0] == '#') continue;
    rows.push_back(read_row(line, number));
  }
  return rows;
}

void write_table_files(const fs::path& folder) {
  const auto write = [&](const std::string& name, const std::string& text,
                         std::int64_t modified = 1'577'836'800) {
    std::ofstream(folder / name, std::ios::binary) << text;
    const timespec times[] = {{modified, 0}, {modified, 0}};
    ::utimensat(AT_FDCWD, (folder / name).c_str(), times, 0);
  };
  fs::create_directories(folder / "sub" / "deep");
  fs::create_directories(folder / "a b");
  write("index.html", "<p>home</p>\n");
  write("ten.txt", "0123456789");
  write("empty.txt", "");
  write("page.html", "<p>page</p>\n");
  write("page.html.gz", "as if it were compressed");
  write("old.html", "new");
  write("old.html.gz", "older", 1'500'000'000);
  write("only.css.gz", "alone");
  write("picture.png", "not one");
  write("picture.png.gz", "still none");
  write("noextension", "bytes");
  write("script.js", "0;");
  write("UPPER.HTML", "up");
  write("sub/index.html", "sub");
  write("sub/index.html.gz", "sub, as if it were compressed");
  write("a b/c d.txt", "spaces");
  write("100%.txt", "percent");
  write("\xc3\xbc.txt", "umlaut");
  write(".hidden", "hidden");
  write("..dots", "dots");
  std::string big(300'000, 'x');
  for (std::size_t i = 0; i < big.size(); ++i) big[i] = static_cast<char>('a' + i % 23);
  write("big.txt", big);
  const auto link = [&](const char* to, const char* name) {
    if (!fs::is_symlink(folder / name)) fs::create_symlink(to, folder / name);
  };
  link("ten.txt", "inside.txt");
  link("sub", "linked");
  link("/etc/passwd", "outside.txt");
  link("../../etc", "up");
  link("loop", "loop");
}

std::vector<std::string> run_row(const table_row& row, std::uint16_t port, sending how,
                                 const std::vector<int>& statuses, bool only_statuses) {
  std::vector<std::string> wrong;
  std::string bytes;
  for (const auto& one : row.requests) bytes += filled(one, port);
  const auto one = dial(port);
  try {
    if (how == sending::at_once) one.send(bytes);
    else
      for (const char& c : bytes) one.send({&c, 1});
  } catch (const std::runtime_error&) { // it may have been refused before its end
  }
  answers from(one);
  seen_answer last;
  for (std::size_t i = 0; i < statuses.size(); ++i) {
    const auto& request = row.requests[std::min(i, row.requests.size() - 1)];
    do last = from.next(request.starts_with("HEAD "));
    while (last.status == 100 && statuses[i] != 100); // whether it is needed depends on the cuts
    if (last.status == statuses[i]) continue;
    wrong.push_back("answer " + std::to_string(i + 1) + " is " + std::to_string(last.status) +
                    " instead of " + std::to_string(statuses[i]) + ": " + last.head);
    return wrong;
  }
  if (only_statuses) return wrong;
  for (const auto& wanted : row.checks)
    if (const auto said = check(last, wanted, port); !said.empty())
      wrong.push_back("not '" + wanted + "': " + said);
  const bool closes = last.field("Connection") == "close";
  for (const auto& wanted : row.checks)
    if ((wanted == "close" && !closes) || (wanted == "open" && closes))
      wrong.push_back("not '" + wanted + "'");
  if (closes) {
    if (!from.ends()) wrong.push_back("it says close, and more comes: " + from.rest());
    return wrong;
  }
  // What follows on the connection is understood: nothing of the request was left over.
  try {
    one.send("GET /ten.txt HTTP/1.1\r\nHost: h\r\n\r\n");
  } catch (const std::runtime_error&) {
  }
  const auto next = from.next(false);
  if (next.status != 200 || next.body != "0123456789")
    wrong.push_back("the next request gets " + std::to_string(next.status) + ": " + next.head +
                    next.body);
  return wrong;
}

} // namespace instar::test
