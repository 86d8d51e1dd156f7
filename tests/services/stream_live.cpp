// The live stream: what listeners get, at their own speed, while the service is updated.
#include "apps/stream/listener.hpp"
#include "services/blocking_site.hpp"
#include "services/stream/frame_text.hpp"
#include "temporary_folder.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

using namespace instar;
using namespace instar::test;
using namespace std::chrono_literals;

namespace {

/// The service, and what its source reads.
struct stream_site {
  struct settings {
    unsigned version = 1;
    unsigned senders = 2;
    std::string interval = "5ms";
    unsigned window = 2000;
    std::string file = "track";
    std::string frame = "1KiB";
  };

  temporary_folder folder;
  std::shared_ptr<const std::string> content = write_track();
  blocking_site service;

  stream_site() : stream_site(settings{}) {}
  explicit stream_site(const settings& how) : service(graph_text(how)) {}

  std::shared_ptr<const std::string> write_track() const {
    auto text = std::make_shared<const std::string>(pattern(10'007)); // not a multiple of a frame
    std::ofstream(folder.path() / "track", std::ios::binary) << *text;
    return text;
  }
  std::string graph_text(const settings& how) const {
    const auto v = std::to_string(how.version), n = std::to_string(how.senders);
    return "arcs = ['source -> mixer', 'mixer -> sender.frame',\n"
           "'accept -> sender.connection', 'sender.counts -> statistics.counts',\n"
           "'sender.asked -> statistics.asked']\n[operators]\n"
           "source = { type = 'stream.source@1', frame = '" +
           how.frame + "', path = '" + (folder.path() / how.file).string() +
           "' }\nmixer = { type = 'stream.mixer@" + v + "', interval = '" + how.interval +
           "', senders = " + n + " }\naccept = { type = 'blocking.accept@" + v +
           "', port = 0 }\nsender = { type = 'stream.sender@" + v + "', replicas = " + n +
           ", window = " + std::to_string(how.window) +
           ", buffer = '4KiB' }\nstatistics = { type = 'stream.statistics@" + v + "' }\n";
  }

  std::unique_ptr<clients::crowd> load(std::size_t listeners,
                                       std::chrono::milliseconds pause = 0ms) {
    const stream::listening how{"127.0.0.1", service.port(), pause, content};
    return std::make_unique<clients::crowd>(
        listeners, [how](std::size_t) { return std::make_unique<stream::listener>(how); });
  }
};

const std::vector<operator_update> all_operators{{"accept", "blocking.accept", 1},
                                                 {"mixer", "stream.mixer", 1},
                                                 {"sender", "stream.sender", 1},
                                                 {"statistics", "stream.statistics", 1}};

/// Until `enough`, or for ten seconds.
template <class Enough>
bool soon(Enough enough) {
  for (int tries = 0; tries < 1000; ++tries) {
    if (enough()) return true;
    std::this_thread::sleep_for(10ms);
  }
  return false;
}

} // namespace

TEST_CASE("everybody who listens gets the file's bytes, frame by frame, over its end") {
  for (const unsigned version : {1u, 2u}) {
    CAPTURE(version);
    stream_site s({.version = version});
    const auto crowd = s.load(3);
    CHECK(soon([&] { return crowd->seen().answers >= 90; })); // the file has ten frames
    const auto seen = crowd->stop();
    CHECK_MESSAGE(seen.failed == 0, seen.first_failure);
    CHECK(seen.more.at("frames") >= 60);
    CHECK(seen.more.at("dropped") == 0);
    const auto port = s.service.port();
    stream::stream_stats all;
    CHECK(soon([&] {
      all = stream::ask_stats("127.0.0.1", port);
      return all.listeners == 0 && all.frames >= seen.answers;
    }));
    CHECK(all.dropped == 0);
    CHECK(s.service.stop().reason.empty());
  }
}

TEST_CASE("listeners notice nothing of 100 updates of the stream's operators") {
  stream_site s;
  const auto crowd = s.load(4);
  update_to_and_fro(s.service, all_operators, 100, *crowd);
  CHECK(crowd->seen().more.at("dropped") == 0);
}

TEST_CASE("the source is exchanged 50 times, with frames of another size, and no byte is lost") {
  stream_site s;
  const auto crowd = s.load(2);
  for (int i = 0; i < 50; ++i) {
    const auto done = s.service.apply(s.graph_text({.frame = i % 2 == 0 ? "6000B" : "5KiB"}));
    CHECK_MESSAGE(done.outcome == transition_outcome::committed, done.reason);
    const auto before = crowd->seen().answers;
    CHECK(soon([&] { return crowd->seen().answers >= before + 4; }));
  }
  const auto seen = crowd->stop();
  CHECK_MESSAGE(seen.failed == 0, seen.first_failure);
  CHECK(seen.reopened == 0);
  CHECK(seen.more.at("dropped") == 0);
  CHECK(seen.more.at("frames") > 20);
}

TEST_CASE("who is slow loses frames and is told how many, while others lose none") {
  for (const unsigned version : {1u, 2u}) {
    CAPTURE(version);
    stream_site s({.version = version, .interval = "1ms", .window = 20});
    const auto lazy = s.service.dial(4096);
    lazy.send("LISTEN\n");
    const auto fast = s.load(2);
    const auto port = s.service.port();
    CHECK(soon([&] { return fast->seen().answers >= 600; }));
    // What it finds when it begins to read: frames, then how many are missing, then frames.
    std::string text, block(4096, '\0');
    std::uint64_t dropped = 0, missing = 0, next = 0, frames = 0;
    const auto read_on = [&] {
      const auto n = ::recv(lazy.fd(), block.data(), block.size(), 0);
      REQUIRE(n > 0);
      text.append(block, 0, static_cast<std::size_t>(n));
      for (auto end = text.find('\n'); end != std::string::npos; end = text.find('\n')) {
        std::istringstream words(text.substr(0, end));
        std::string what;
        std::uint64_t number = 0, position = 0, size = 0, sum = 0;
        words >> what >> number >> position >> size >> sum;
        if (text.size() < end + 1 + size) break;
        if (what == "DROPPED") dropped += next != 0 ? number : 0; // on a busy machine before any
        else {
          if (next != 0) missing += number - next;
          next = number + 1;
          ++frames;
          if (what == "FRAME") CHECK(stream::checksum(text.substr(end + 1, size)) == sum);
        }
        text.erase(0, end + 1 + size);
      }
    };
    while (dropped == 0 || frames < 50 || missing != dropped) read_on();
    CHECK(missing == dropped);
    CHECK(dropped > 100);
    CHECK(soon([&] { return stream::ask_stats("127.0.0.1", port).dropped >= dropped; }));
    const auto seen = fast->stop();
    CHECK_MESSAGE(seen.failed == 0, seen.first_failure);
  }
}

TEST_CASE("slow listeners are told of each frame that they lose while the senders are updated") {
  stream_site s({.interval = "1ms", .window = 5, .frame = "32KiB"});
  const auto slow = s.load(3, 5ms);
  const auto port = s.service.port();
  unsigned version = 1;
  const auto update = [&] {
    version = 3 - version;
    const auto done = s.service.update({{"sender", "stream.sender", version}});
    CHECK_MESSAGE(done.outcome == transition_outcome::committed, done.reason);
    return stream::ask_stats("127.0.0.1", port).dropped;
  };
  CHECK(soon([&] { return update() > 100; }));
  for (int i = 0; i < 20; ++i) update();
  const auto seen = slow->stop();
  CHECK_MESSAGE(seen.failed == 0, seen.first_failure);
  CHECK(seen.reopened == 0);
  CHECK(seen.more.at("dropped") > 0);
}

TEST_CASE("senders come and go, and no listener loses a frame") {
  stream_site s;
  const auto crowd = s.load(4);
  for (const unsigned senders : {3u, 1u, 4u, 2u}) {
    const auto done = s.service.apply(s.graph_text({.senders = senders}));
    CHECK_MESSAGE(done.outcome == transition_outcome::committed, done.reason);
    const auto before = crowd->seen().answers;
    CHECK(soon([&] { return crowd->seen().answers >= before + 40; }));
  }
  const auto seen = crowd->stop();
  CHECK_MESSAGE(seen.failed == 0, seen.first_failure);
  CHECK(seen.reopened == 0);
  CHECK(seen.more.at("dropped") == 0);
}

TEST_CASE("a FIFO that nobody writes into is silence, and what comes is sent") {
  const temporary_folder elsewhere;
  const auto path = elsewhere.path() / "pipe";
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  stream_site s({.file = path.c_str()}); // an absolute path takes the folder's place
  clients::connection one("127.0.0.1", s.service.port());
  one.send("LISTEN\n");
  CHECK(one.line().starts_with("SILENCE "));
  const int pipe = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  REQUIRE(pipe >= 0);
  const auto text = pattern(2048);
  // In two parts, with another instance of the source between: the first is kept.
  REQUIRE(::write(pipe, text.data(), 500) == 500);
  std::this_thread::sleep_for(50ms); // so that it has mostly been read
  const auto done = s.service.apply(s.graph_text({.file = path.c_str(), .frame = "2KiB"}));
  CHECK_MESSAGE(done.outcome == transition_outcome::committed, done.reason);
  REQUIRE(::write(pipe, text.data() + 500, 1548) == 1548);
  std::string line;
  do line = one.line();
  while (line.starts_with("SILENCE "));
  CHECK(line.starts_with("FRAME "));
  CHECK(one.read(2048) == text);
  ::close(pipe);
  CHECK(one.line().starts_with("SILENCE "));
}

TEST_CASE("a source that is not there ends the service, which says so") {
  stream_site s({.file = "nothing"});
  const auto why = s.service.why_ended();
  CAPTURE(why);
  CHECK(why.find("nothing': No such file") != std::string::npos);
}
