#include "lifecycle/admin_client.hpp"

#include "lifecycle/admin_client_parts.hpp"
#include "lifecycle/admin_codec_parts.hpp"

#include <kj/debug.h>
#include <kj/io.h>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace instar {

namespace {

/// A connected socket, or why there is none and what to do.
result<int> connect_to(const std::filesystem::path& path) {
  const auto where = "admin socket " + path.string() + ": ";
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.native().size() >= sizeof address.sun_path)
    return failure{errc::bad_input, where + "the path is empty or too long; name the service's "
                                            "socket with --admin or in $INSTAR_ADMIN"};
  std::memcpy(address.sun_path, path.c_str(), path.native().size());
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return failure{errc::system, where + "socket: " + std::strerror(errno)};
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return fd;
  const int why = errno;
  ::close(fd);
  if (why == ENOENT || why == ENOTDIR)
    return failure{errc::not_found, where + "there is none; name the service's socket with --admin "
                                            "or in $INSTAR_ADMIN"};
  if (why == ECONNREFUSED)
    return failure{errc::not_found, where + "nobody listens on it; start the service with instard"};
  if (why == EACCES || why == EPERM)
    return failure{errc::refused, where + "permission denied; only root and the user that runs the "
                                          "service may administer it"};
  return failure{errc::system, where + "connect: " + std::strerror(why)};
}

} // namespace

admin_client::admin_client(std::unique_ptr<parts> p) : parts_(std::move(p)) {}
admin_client::~admin_client() = default;

result<std::unique_ptr<admin_client>> admin_client::connect(const std::filesystem::path& socket,
                                                            std::chrono::milliseconds patience) {
  auto fd = connect_to(socket);
  if (!fd) return fd.error();
  auto made = std::make_unique<parts>();
  auto& p = *made;
  p.socket = socket;
  p.patience = patience;
  p.version = "of unknown version";
  p.stream = p.io.lowLevelProvider->wrapSocketFd(kj::AutoCloseFd(*fd),
                                                 kj::LowLevelAsyncIoProvider::ALREADY_CLOEXEC);
  auto& rpc = p.rpc.emplace(*p.stream);
  auto greeted = p.ask<std::string>([&] {
    auto hello = rpc.bootstrap().castAs<wire::Admin>().helloRequest();
    hello.setProtocol(wire::PROTOCOL_VERSION);
    hello.setClient("instarctl");
    const auto welcome = p.wait(hello.send().then([](auto&& r) { return kj::mv(r); }));
    p.version = welcome.getVersion().cStr();
    if (welcome.isRefused()) return std::string(welcome.getRefused().cStr());
    KJ_REQUIRE(welcome.isSession(), "the service answered in a way that this client cannot read");
    p.session = welcome.getSession();
    return std::string();
  });
  if (!greeted) return greeted.error();
  if (!greeted->empty())
    return failure{errc::incompatible, "admin socket " + socket.string() + ": " + *greeted};
  return std::unique_ptr<admin_client>(new admin_client(std::move(made)));
}

const std::string& admin_client::service_version() const { return parts_->version; }

result<service_status> admin_client::status() {
  auto& p = *parts_;
  return p.ask<service_status>([&] {
    return p.wait(
        p.asked().statusRequest().send().then([](auto&& r) { return read(r.getStatus()); }));
  });
}

result<graph> admin_client::current_graph() {
  auto& p = *parts_;
  return p.ask<graph>([&] {
    return p.wait(
        p.asked().graphRequest().send().then([](auto&& r) { return read(r.getGraph()); }));
  });
}

result<transition_plan> admin_client::plan(const wanted_change& wanted, const consent& drop_state) {
  auto& p = *parts_;
  return p.ask<transition_plan>([&] {
    auto request = p.asked().planRequest();
    write(wanted, request.initWanted(), drop_state);
    return p.wait(request.send().then([](auto&& r) { return read(r.getPlan()); }));
  });
}

result<transition_plan> admin_client::compare(const named_graph& from, const named_graph& to) {
  auto& p = *parts_;
  return p.ask<transition_plan>([&] {
    auto request = p.asked().diffRequest();
    write(from, request.initFrom());
    write(to, request.initTo());
    return p.wait(request.send().then([](auto&& r) { return read(r.getPlan()); }));
  });
}

result<history_entry> admin_client::apply(const wanted_change& wanted,
                                          std::chrono::nanoseconds deadline,
                                          const change_watcher& watch, const consent& drop_state) {
  auto& p = *parts_;
  return p.ask<history_entry>([&] {
    auto request = p.asked().beginRequest();
    write(wanted, request.initWanted(), drop_state);
    request.setDeadlineNs(static_cast<std::uint64_t>(deadline.count()));
    auto begun = p.wait(request.send().then([](auto&& r) { return kj::mv(r); }));
    if (watch.begun) watch.begun(begun.getId());
    auto outcome =
        begun.getChange().outcomeRequest().send().then([](auto&& r) { return read(r.getEntry()); });
    if (watch.progress) outcome = outcome.exclusiveJoin(p.watch(watch.progress));
    return outcome.wait(p.io.waitScope);
  });
}

result<std::vector<cancel_answer>> admin_client::cancel(std::uint64_t id, bool all) {
  auto& p = *parts_;
  return p.ask<std::vector<cancel_answer>>([&] {
    auto request = p.asked().cancelRequest();
    request.setId(id);
    request.setAll(all);
    return p.wait(request.send().then([](auto&& r) {
      std::vector<cancel_answer> answers;
      for (auto one : r.getAnswers())
        answers.push_back({one.getId(), std::string(one.getRefusal().cStr())});
      return answers;
    }));
  });
}

result<checkpoint_listing> admin_client::checkpoints() {
  auto& p = *parts_;
  return p.ask<checkpoint_listing>([&] {
    // All of them are read: that may take longer than other answers.
    return p.asked()
        .checkpointsRequest()
        .send()
        .then([](auto&& r) {
          return read(static_cast<wire::Session::CheckpointsResults::Reader>(r));
        })
        .wait(p.io.waitScope);
  });
}

result<std::vector<policy_status>> admin_client::policies() {
  auto& p = *parts_;
  return p.ask<std::vector<policy_status>>([&] {
    return p.wait(p.asked().policiesRequest().send().then([](auto&& r) {
      std::vector<policy_status> all;
      for (auto one : r.getList()) all.push_back(read(one));
      return all;
    }));
  });
}

result<std::vector<policy_answer>>
admin_client::pause_policies(const std::vector<std::string>& names, bool paused) {
  auto& p = *parts_;
  return p.ask<std::vector<policy_answer>>([&] {
    auto request = p.asked().pausePoliciesRequest();
    codec::write_texts(names, [&](unsigned n) { return request.initNames(n); });
    request.setPaused(paused);
    return p.wait(request.send().then([](auto&& r) {
      std::vector<policy_answer> answers;
      for (auto one : r.getAnswers())
        answers.push_back({codec::text(one.getName()), codec::text(one.getRefusal())});
      return answers;
    }));
  });
}

result<std::vector<history_entry>> admin_client::history(std::uint32_t most) {
  auto& p = *parts_;
  return p.ask<std::vector<history_entry>>([&] {
    auto request = p.asked().historyRequest();
    request.setMost(most);
    return p.wait(request.send().then([](auto&& r) {
      std::vector<history_entry> entries;
      for (auto entry : r.getEntries()) entries.push_back(read(entry));
      return entries;
    }));
  });
}

} // namespace instar
