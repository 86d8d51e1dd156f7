#include "services/file/content_type.hpp"
#include "services/file/root.hpp"

#include <doctest/doctest.h>

#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <random>
#include <stdexcept>
#include <string>
#include <system_error>

namespace fs = std::filesystem;
using namespace instar::file;

namespace {

/// A folder with a site in it, next to a file that must stay secret.
struct site {
  fs::path base = fs::temp_directory_path() / ("instar-root-" + std::to_string(::getpid()));
  fs::path www = base / "www";

  site() {
    fs::create_directories(www / "sub" / "deep");
    write(base / "secret", "secret");
    write(www / "index.html", "home");
    write(www / "a b.txt", "spaced");
    write(www / "sub" / "index.html", "sub");
    fs::create_symlink("../../secret", www / "sub" / "up");
    fs::create_symlink("/etc/passwd", www / "absolute");
    fs::create_symlink("..", www / "parent");
    fs::create_symlink("index.html", www / "inside");
    fs::create_symlink("/proc/self/fd", www / "magic");
    fs::create_symlink("loop", www / "loop");
  }
  ~site() { fs::remove_all(base); }

  static void write(const fs::path& to, const std::string& text) { std::ofstream(to) << text; }

  std::string get(const std::string& target) const {
    const root from(www);
    const auto found = from.open(target);
    if (found.status != 0) {
      CHECK(found.fd == -1);
      return std::to_string(found.status);
    }
    std::string text(found.size, '\0');
    CHECK(::read(found.fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
    ::close(found.fd);
    return text;
  }
};

} // namespace

TEST_CASE("a target names a file of the folder") {
  const site s;
  CHECK(s.get("/") == "home");
  CHECK(s.get("/index.html") == "home");
  CHECK(s.get("//index.html") == "home");
  CHECK(s.get("/./index.html") == "home");
  CHECK(s.get("/index.html?query=/../x") == "home");
  CHECK(s.get("/a%20b.txt") == "spaced");
  CHECK(s.get("/sub") == "301");
  CHECK(s.get("/sub/") == "sub");
  CHECK(s.get("/inside") == "home");
}

TEST_CASE("what is not there is not found") {
  const site s;
  CHECK(s.get("/nothing") == "404");
  CHECK(s.get("/index.html/x") == "404");
  CHECK(s.get("/index.html/") == "404");
  CHECK(s.get("/sub/deep") == "301");
  CHECK(s.get("/sub/deep/") == "404");
  CHECK(s.get("/loop") == "404");
  CHECK(s.get("/" + std::string(300, 'x')) == "404");
}

TEST_CASE("the index of a folder is the first that is there") {
  const site s;
  const root from(s.www, "none.htm  a%b index.html");
  const auto found = from.open("/sub/");
  CHECK(found.status == 0);
  ::close(found.fd);
  CHECK(root(s.www, "").open("/sub/").status == 404);
  CHECK_THROWS_AS(root(s.www, "../secret"), std::invalid_argument);
  CHECK_THROWS_AS(root(s.www, std::string(200, 'x')), std::invalid_argument);
}

TEST_CASE("a compressed variant is opened if it is asked for, and not older") {
  const site s;
  site::write(s.www / "index.html.gz", "packed");
  const root from(s.www);
  const auto size_of = [&](const char* target, bool gzip) {
    const auto found = from.open(target, gzip);
    CHECK(found.status == 0);
    ::close(found.fd);
    CHECK(found.content_type == "text/html; charset=utf-8");
    return found.gzipped ? -static_cast<int>(found.size) : static_cast<int>(found.size);
  };
  CHECK(size_of("/index.html", true) == -6);
  CHECK(size_of("/", true) == -6);
  CHECK(size_of("/index.html", false) == 4);
  CHECK(size_of("/sub/", true) == 3);
  fs::last_write_time(s.www / "index.html.gz",
                      fs::last_write_time(s.www / "index.html") - std::chrono::seconds(1));
  CHECK(size_of("/index.html", true) == 4);
  fs::remove(s.www / "index.html.gz");
  fs::create_symlink("../secret", s.www / "index.html.gz");
  CHECK(size_of("/index.html", true) == 4);
}

TEST_CASE("no target leads out of the folder") {
  const site s;
  for (const auto* target :
       {"/../secret", "/../../etc/passwd", "/..", "/sub/../../secret", "/%2e%2e/secret",
        "/%2E./secret", "/.%2e/secret", "/sub/%2e%2e/%2e%2e/secret", "/..%2fsecret",
        "/%2e%2e%2fsecret", "/sub/..", "//../secret", "/sub/..?x"}) {
    INFO(target);
    CHECK(s.get(target) == "400");
  }
  for (const auto* target : {"/sub/up", "/absolute", "/parent/secret", "/magic/0", "/....//secret",
                             "/..%5csecret", "/%252e%252e/secret"}) {
    INFO(target);
    CHECK(s.get(target) == "404");
  }
}

TEST_CASE("a malformed target is refused") {
  const site s;
  for (const auto* target : {"", "index.html", "*", "/%", "/%4", "/%zz", "/a%00b", "/%00"}) {
    INFO(target);
    CHECK(s.get(target) == "400");
  }
  CHECK(s.get("/" + std::string(5000, 'x')) == "400");
}

TEST_CASE("random targets find nothing outside the folder") {
  const site s;
  const root from(s.www);
  std::mt19937 random(11);
  const std::string parts[] = {"..", "/",      ".",      "%2e",       "%2f",      "sub",
                               "up", "parent", "secret", "%00",       "absolute", "\\",
                               "?",  "#",      "%",      "etc/passwd"};
  for (int i = 0; i < 20000; ++i) {
    std::string target = "/";
    for (unsigned n = random() % 8; n > 0; --n) target += parts[random() % std::size(parts)];
    const auto found = from.open(target);
    if (found.status != 0) continue;
    const auto real = fs::read_symlink("/proc/self/fd/" + std::to_string(found.fd));
    ::close(found.fd);
    CHECK(real.string().starts_with(fs::canonical(s.www).string() + "/"));
  }
}

TEST_CASE("a FIFO in the folder blocks nobody and is not found") {
  const site s;
  REQUIRE(::system(("mkfifo '" + (s.www / "pipe").string() + "'").c_str()) == 0);
  CHECK(s.get("/pipe") == "404");
}

TEST_CASE("a root that is no folder is refused by name") {
  CHECK_THROWS_WITH_AS(root("/nowhere/at/all"), doctest::Contains("/nowhere/at/all"),
                       std::system_error);
}

TEST_CASE("the content type follows the extension, whatever its case") {
  CHECK(content_type("a/b.html") == "text/html; charset=utf-8");
  CHECK(content_type("B.JPG") == "image/jpeg");
  CHECK(content_type("noextension") == "application/octet-stream");
  CHECK(content_type("strange.") == "application/octet-stream");
}
