#include "admin_world.hpp"

#include "lifecycle/admin.capnp.h"

#include <capnp/message.h>
#include <capnp/rpc-twoparty.h>
#include <capnp/rpc.capnp.h>
#include <capnp/serialize.h>
#include <doctest/doctest.h>
#include <kj/async-io.h>

#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <random>
#include <thread>

using namespace instar;
using namespace instar::test;
using namespace std::chrono_literals;

namespace {

std::string bytes_of(std::mt19937& random, std::size_t size) {
  std::string bytes(size, '\0');
  for (auto& b : bytes) b = static_cast<char>(random());
  return bytes;
}

/// How Cap'n Proto frames a message of one segment of so many words.
std::string header(std::uint32_t segments, std::uint32_t words) {
  std::string bytes(8, '\0');
  const std::uint32_t last = segments - 1;
  std::memcpy(bytes.data(), &last, 4);
  std::memcpy(bytes.data() + 4, &words, 4);
  return bytes;
}

/// The first message of a real conversation.
std::string bootstrap() {
  capnp::MallocMessageBuilder message;
  message.initRoot<capnp::rpc::Message>().initBootstrap().setQuestionId(0);
  const auto words = capnp::messageToFlatArray(message);
  const auto bytes = words.asBytes();
  return {reinterpret_cast<const char*>(bytes.begin()), bytes.size()};
}

/// A call of some method on the bootstrap capability.
std::string call(std::uint64_t interface, std::uint16_t method) {
  capnp::MallocMessageBuilder message;
  auto c = message.initRoot<capnp::rpc::Message>().initCall();
  c.setQuestionId(1);
  c.initTarget().initPromisedAnswer().setQuestionId(0);
  c.setInterfaceId(interface);
  c.setMethodId(method);
  c.initParams().initContent().setAs<capnp::Text>("not the parameters that it takes");
  const auto words = capnp::messageToFlatArray(message);
  const auto bytes = words.asBytes();
  return {reinterpret_cast<const char*>(bytes.begin()), bytes.size()};
}

} // namespace

TEST_CASE("random bytes close their own connection with one line, and nobody else's") {
  admin_world world;
  world.apply("test.sink@1");
  const auto bystander = world.client();
  captured_log log;
  std::mt19937 random(1);
  for (int i = 0; i < 200; ++i) {
    raw_connection c(world.socket());
    c.send(bytes_of(random, 1 + random() % 4000));
    c.end_sending();
    CHECK(c.is_closed());
  }
  CHECK(bystander->status());
  CHECK(world.answers());
  CHECK(log.lines_with("admin: closed the connection of") >= 150);
  CHECK(log.lines_with("admin:") <= 200);
}

TEST_CASE("a message that says it is huge is refused without being waited for") {
  admin_world world;
  captured_log log;
  raw_connection large(world.socket());
  large.send(header(1, 0x7fffffff));
  CHECK(large.is_closed());
  raw_connection many(world.socket());
  many.send(header(0xffffffff, 1));
  CHECK(many.is_closed());
  CHECK(world.answers());
  CHECK(log.lines_with("sent no valid request") == 2);
}

TEST_CASE("half a message and then silence, or the end, does no harm") {
  admin_options quick;
  quick.hello_within = 200ms;
  admin_world world(quick);
  captured_log log;
  const auto whole = bootstrap();
  for (std::size_t cut = 0; cut < whole.size(); cut += 5) {
    raw_connection c(world.socket());
    c.send(whole.substr(0, cut));
    c.end_sending();
    CHECK(c.is_closed());
  }
  raw_connection silent(world.socket()), half(world.socket());
  half.send(whole.substr(0, whole.size() / 2));
  CHECK(silent.is_closed());
  CHECK(half.is_closed());
  CHECK(log.lines_with("did not say hello in time") == 2);
  CHECK(world.answers());
}

TEST_CASE("real messages with damaged bytes do no harm") {
  admin_world world;
  world.apply("test.sink@1");
  captured_log log;
  std::mt19937 random(3);
  const auto hello = capnp::typeId<wire::Admin>();
  for (int i = 0; i < 400; ++i) {
    auto bytes = bootstrap() + call(hello, static_cast<std::uint16_t>(i % 2));
    for (int flips = 0; flips < 3; ++flips)
      bytes[random() % bytes.size()] ^= static_cast<char>(1 + random() % 255);
    raw_connection c(world.socket());
    c.send(bytes);
    c.end_sending();
    CHECK(c.is_closed());
  }
  CHECK(world.answers());
}

TEST_CASE("well framed nonsense is answered or closed, and does no harm") {
  admin_world world;
  captured_log log;
  std::mt19937 random(5);
  for (int i = 0; i < 300; ++i) {
    const auto words = static_cast<std::uint32_t>(1 + random() % 40);
    raw_connection c(world.socket());
    c.send(header(1, words) + bytes_of(random, words * 8));
    c.end_sending();
    CHECK(c.is_closed());
  }
  CHECK(world.answers());
}

TEST_CASE("more connections than the limit are turned away until one goes") {
  admin_options few;
  few.max_connections = 3;
  admin_world world(few);
  captured_log log;
  {
    raw_connection a(world.socket()), b(world.socket()), c(world.socket());
    raw_connection one_too_many(world.socket());
    CHECK(one_too_many.is_closed());
    CHECK(log.lines_with("which is the limit") == 1);
  }
  bool answered = false;
  for (int i = 0; i < 100 && !answered; ++i) {
    answered = world.answers();
    if (!answered) std::this_thread::sleep_for(20ms);
  }
  CHECK(answered);
}

TEST_CASE("a connection that idles for too long is closed") {
  admin_options impatient;
  impatient.idle_limit = 300ms;
  admin_world world(impatient);
  world.apply("test.stubborn@1");
  const auto client = world.client();
  CHECK(client->status());
  // A request that is open is no idling, however long it takes.
  const auto entry = client->apply(admin_world::change_to("test.sink@1"), 900ms);
  CHECK(entry);
  std::this_thread::sleep_for(800ms);
  CHECK_FALSE(client->status());
  CHECK(world.answers());
}

TEST_CASE("another user is turned away") {
  if (::geteuid() != 0) {
    MESSAGE("only root can become another user: not tested");
    return;
  }
  admin_world world;
  captured_log log;
  // Let the kernel's own check of the path pass, so that the credentials decide.
  REQUIRE(::chmod(world.socket().c_str(), 0666) == 0);
  REQUIRE(::chmod(world.socket().parent_path().c_str(), 0755) == 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strcpy(address.sun_path, world.socket().c_str());
  const auto child = ::fork();
  if (child == 0) {
    if (::setgroups(0, nullptr) != 0 || ::setgid(65534) != 0 || ::setuid(65534) != 0) ::_exit(2);
    const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
    if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) ::_exit(3);
    char byte = 0;
    ::_exit(::read(fd, &byte, 1) == 0 ? 0 : 4);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  CHECK(log.lines_with("was turned away: only root and the user that runs the service") == 1);
  CHECK(world.answers());
}

namespace {

/// Talks to the server in Cap'n Proto, but not as our own client does.
struct foreign_client {
  explicit foreign_client(const std::filesystem::path& path)
      : io(kj::setupAsyncIo()), stream(io.provider->getNetwork()
                                           .parseAddress(kj::str("unix:", path.c_str()))
                                           .wait(io.waitScope)
                                           ->connect()
                                           .wait(io.waitScope)),
        rpc(*stream), admin(rpc.bootstrap().castAs<wire::Admin>()) {}

  capnp::Response<wire::Welcome> hello(std::uint32_t protocol) {
    auto request = admin.helloRequest();
    request.setProtocol(protocol);
    return request.send().wait(io.waitScope);
  }

  kj::AsyncIoContext io;
  kj::Own<kj::AsyncIoStream> stream;
  capnp::TwoPartyClient rpc;
  wire::Admin::Client admin;
};

} // namespace

TEST_CASE("a client of another protocol is told so, and gets nothing else") {
  admin_world world;
  foreign_client client(world.socket());
  const auto welcome = client.hello(wire::PROTOCOL_VERSION + 1);
  REQUIRE(welcome.isRefused());
  CHECK(std::string(welcome.getRefused().cStr()).find("9.9.9") != std::string::npos);
  CHECK(welcome.getProtocol() == wire::PROTOCOL_VERSION);
  CHECK(client.hello(0).isRefused());
}

TEST_CASE("a request that the service does not know is answered as such") {
  admin_world world;
  foreign_client client(world.socket());
  const auto welcome = client.hello(wire::PROTOCOL_VERSION);
  REQUIRE(welcome.isSession());
  capnp::Capability::Client session = welcome.getSession();
  auto request =
      session.typelessRequest(capnp::typeId<wire::Session>(), 999, capnp::MessageSize{16, 0});
  try {
    request.send().wait(client.io.waitScope);
    FAIL("was answered");
  } catch (const kj::Exception& e) {
    CHECK(e.getType() == kj::Exception::Type::UNIMPLEMENTED);
  }
  CHECK(welcome.getSession().statusRequest().send().wait(client.io.waitScope).hasStatus());
}

TEST_CASE("requests beyond what may be open at once are refused") {
  admin_options narrow;
  narrow.max_open_requests = 2;
  admin_world world(narrow);
  world.apply("test.stubborn@1");
  foreign_client client(world.socket());
  const auto welcome = client.hello(wire::PROTOCOL_VERSION);
  auto session = welcome.getSession();
  std::vector<kj::Promise<void>> open;
  for (int i = 0; i < 2; ++i) {
    auto request = session.applyRequest();
    auto update = request.initWanted().initUpdates(1)[0];
    update.setName("sink");
    update.setType("test.sink");
    update.setVersion(1);
    request.setDeadlineNs(500'000'000);
    open.push_back(request.send().ignoreResult());
  }
  CHECK_THROWS_AS(session.statusRequest().send().wait(client.io.waitScope), kj::Exception);
  for (auto& o : open) o.wait(client.io.waitScope);
  CHECK(session.statusRequest().send().wait(client.io.waitScope).hasStatus());
}
