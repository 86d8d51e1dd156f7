#include "admin_world.hpp"

#include <doctest/doctest.h>
#include <spdlog/sinks/base_sink.h>

#include <sys/poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <future>
#include <mutex>
#include <vector>

namespace instar::test {

namespace {

struct number : payload {
  static constexpr std::string_view payload_name = "test.number";
  std::string_view type_name() const noexcept override { return payload_name; }
};

template <std::uint32_t Version>
class tick final : public operator_base {
public:
  static constexpr out_port<number> out{0, "out"};
  static constexpr operator_type type{
      .name = "test.tick",
      .version = Version,
      .outputs = {out},
      .settings = {{"every", setting_kind::duration, "1ms", false, "time between two numbers"}}};
  explicit tick(const settings& values) : every_(values.duration("every")) {}

  void on_start(context& ctx) override { ctx.set_timer(every_, 0); }
  void on_timer(context& ctx, std::uint64_t) override {
    ctx.emit(out, make_payload<number>());
    ctx.set_timer(every_, 0);
  }
  void on_packet(context&, std::size_t, packet) override {}

private:
  std::chrono::nanoseconds every_;
};

template <std::uint32_t Version>
class sink final : public operator_base {
public:
  static constexpr in_port<number> in{0, "in"};
  static constexpr operator_type type{.name = "test.sink", .version = Version, .inputs = {in}};
  void on_packet(context&, std::size_t, packet) override {}
};

class stubborn final : public operator_base {
public:
  static constexpr in_port<number> in{0, "in"};
  static constexpr operator_type type{.name = "test.stubborn", .inputs = {in}};
  void on_packet(context&, std::size_t, packet) override {}
  std::optional<std::string> not_yet(context&, cut_purpose) override { return "will not go"; }
};

} // namespace

class captured_log::lines final : public spdlog::sinks::base_sink<std::mutex> {
public:
  std::size_t with(const std::string& part) {
    std::lock_guard lock(mutex_);
    return static_cast<std::size_t>(
        std::count_if(lines_.begin(), lines_.end(),
                      [&](const std::string& line) { return line.find(part) != line.npos; }));
  }

private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    lines_.emplace_back(message.payload.data(), message.payload.size());
  }
  void flush_() override {}

  std::vector<std::string> lines_;
};

captured_log::captured_log()
    : lines_(std::make_shared<lines>()), before_(spdlog::default_logger()) {
  spdlog::set_default_logger(std::make_shared<spdlog::logger>("test", lines_));
}

captured_log::~captured_log() { spdlog::set_default_logger(before_); }

std::size_t captured_log::lines_with(const std::string& part) const { return lines_->with(part); }

admin_world::admin_world(admin_options options) : socket_(folder_.path() / "admin.sock") {
  auto library = std::make_shared<host_library>();
  library->add<tick<1>>();
  library->add<tick<2>>();
  library->add<sink<1>>();
  library->add<sink<2>>();
  library->add<stubborn>();
  service_options wanted;
  wanted.workers = 2;
  wanted.operators = std::move(library);
  wanted.version = "9.9.9";
  service_ = std::make_unique<service>(std::move(wanted));

  options.socket = socket_;
  options.version = "9.9.9";
  options.read_graph = [](const graph_text& given) {
    return parse_graph(given.text, given.origin, given.overrides);
  };
  auto claimed = admin_server::claim(*service_, std::move(options));
  REQUIRE(claimed);
  server_ = *std::move(claimed);
  REQUIRE(server_->start());
}

admin_world::~admin_world() { server_->stop(); }

std::string admin_world::graph_of(const std::string& sink) {
  return "[graph]\nname = \"world\"\narcs = [\"tick -> sink\"]\n"
         "[operators.tick]\ntype = \"test.tick@1\"\n[operators.sink]\ntype = \"" +
         sink + "\"\n";
}

wanted_change admin_world::change_to(const std::string& sink) {
  return graph_text{graph_of(sink), "/somewhere/world.toml", {}, "/somewhere"};
}

std::unique_ptr<admin_client> admin_world::client() const {
  auto made = admin_client::connect(socket_);
  if (!made) FAIL(made.error().message);
  return *std::move(made);
}

history_entry admin_world::apply(const std::string& sink) {
  auto entry = client()->apply(change_to(sink), std::chrono::seconds(5));
  if (!entry) FAIL(entry.error().message);
  return *std::move(entry);
}

bool admin_world::answers() const {
  // A thread can have one client at a time, and the test's own thread may have one.
  return std::async(std::launch::async,
                    [this] {
                      auto made = admin_client::connect(socket_, std::chrono::seconds(5));
                      return made && (*made)->status();
                    })
      .get();
}

raw_connection::raw_connection(const std::filesystem::path& to)
    : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strcpy(address.sun_path, to.c_str());
  REQUIRE(::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
}

raw_connection::~raw_connection() { ::close(fd_); }

/// The other side may close while we still send.
void raw_connection::send(const std::string& bytes) {
  (void)::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
}

void raw_connection::end_sending() { ::shutdown(fd_, SHUT_WR); }

bool raw_connection::is_closed() {
  char sink[4096];
  for (;;) {
    pollfd p{fd_, POLLIN, 0};
    if (::poll(&p, 1, 5000) != 1) return false;
    const auto n = ::recv(fd_, sink, sizeof sink, 0);
    if (n <= 0) return true;
  }
}

} // namespace instar::test
