#include "lifecycle/admin_server.hpp"

#include "lifecycle/admin_session.hpp"
#include "lifecycle/admin_socket.hpp"
#include "transfer/one_line.hpp"

#include <capnp/rpc-twoparty.h>
#include <capnp/rpc.capnp.h>
#include <capnp/serialize-async.h>
#include <kj/async-io.h>
#include <kj/debug.h>

#include <spdlog/spdlog.h>

#include <sys/socket.h>

#include <algorithm>
#include <future>
#include <string>
#include <thread>
#include <utility>

namespace instar {

namespace {

using clock = std::chrono::steady_clock;

/// What a peer can make as long as it likes.
std::string short_line(kj::StringPtr text) {
  return one_line(std::string_view(text.cStr(), std::min<std::size_t>(text.size(), 200)));
}

/// KJ reports on its own what a peer did wrong; one line of ours is enough.
class quiet_kj final : public kj::ExceptionCallback {
public:
  void logMessage(kj::LogSeverity, const char*, int, int, kj::String&& text) override {
    spdlog::debug("admin: {}", short_line(text));
  }
};

/// Passes messages through and notes what the RPC layer keeps to itself: when the peer last said
/// something, and why a connection broke.
class watched_stream final : public capnp::MessageStream {
public:
  explicit watched_stream(kj::AsyncIoStream& stream) : inner_(stream) {}

  kj::Promise<kj::Maybe<capnp::MessageReaderAndFds>>
  tryReadMessage(kj::ArrayPtr<kj::AutoCloseFd> fds, capnp::ReaderOptions options,
                 kj::ArrayPtr<capnp::word> scratch) override {
    using read_result = kj::Maybe<capnp::MessageReaderAndFds>;
    return inner_.tryReadMessage(fds, options, scratch)
        .then(
            [this](read_result&& message) {
              last_message_ = clock::now();
              return kj::mv(message);
            },
            [this](kj::Exception&& e) -> read_result {
              if (e.getType() != kj::Exception::Type::DISCONNECTED) note(e.getDescription());
              kj::throwFatalException(kj::mv(e));
            });
  }

  kj::Promise<void>
  writeMessage(kj::ArrayPtr<const int> fds,
               kj::ArrayPtr<const kj::ArrayPtr<const capnp::word>> segments) override {
    note_abort(segments);
    return inner_.writeMessage(fds, segments);
  }

  kj::Promise<void> writeMessages(
      kj::ArrayPtr<kj::ArrayPtr<const kj::ArrayPtr<const capnp::word>>> messages) override {
    for (auto segments : messages) note_abort(segments);
    return inner_.writeMessages(messages);
  }

  kj::Maybe<int> getSendBufferSize() override { return inner_.getSendBufferSize(); }
  kj::Promise<void> end() override { return inner_.end(); }

  clock::time_point last_message() const { return last_message_; }
  /// Why the connection broke; empty if the peer just went.
  const std::string& fault() const { return fault_; }

private:
  void note(kj::StringPtr why) {
    if (fault_.empty()) fault_ = short_line(why);
  }

  /// An abort is what our own RPC layer says before it gives a connection up.
  void note_abort(kj::ArrayPtr<const kj::ArrayPtr<const capnp::word>> segments) {
    capnp::SegmentArrayMessageReader reader(segments);
    const auto message = reader.getRoot<capnp::rpc::Message>();
    if (!message.isAbort()) return;
    const auto abort = message.getAbort();
    if (abort.getType() != capnp::rpc::Exception::Type::DISCONNECTED) note(abort.getReason());
  }

  capnp::AsyncIoMessageStream inner_;
  clock::time_point last_message_ = clock::now();
  std::string fault_;
};

capnp::ReaderOptions reader_options(const admin_options& options) {
  capnp::ReaderOptions limits;
  limits.traversalLimitInWords = options.max_message_bytes / sizeof(capnp::word);
  return limits;
}

/// One client.
struct connection {
  connection(kj::Own<kj::AsyncIoStream> from, std::shared_ptr<admin_peer> who)
      : peer(std::move(who)), stream(kj::mv(from)), messages(*stream),
        network(messages, capnp::rpc::twoparty::Side::SERVER, reader_options(peer->options)),
        rpc(capnp::makeRpcServer(network, make_admin(peer))) {
    rpc.setFlowLimit(reader_options(peer->options).traversalLimitInWords);
  }

  /// When this connection is to be closed if nothing more happens.
  clock::time_point due() const {
    const auto& o = peer->options;
    if (peer->open_requests > 0) return clock::now() + o.idle_limit;
    return messages.last_message() + (peer->welcome ? o.idle_limit : o.hello_within);
  }

  std::shared_ptr<admin_peer> peer;
  kj::Own<kj::AsyncIoStream> stream;
  watched_stream messages;
  capnp::TwoPartyVatNetwork network;
  capnp::RpcSystem<capnp::rpc::twoparty::VatId> rpc;
  bool idled = false;
};

/// The side of the server that lives on its thread.
class listener final : kj::TaskSet::ErrorHandler {
public:
  listener(kj::AsyncIoContext& io, service& target, const admin_options& options, int fd)
      : timer_(io.provider->getTimer()), target_(target), options_(options),
        traces_(std::make_shared<trace_desk>(target, timer_)),
        receiver_(io.lowLevelProvider->wrapListenSocketFd(
            fd, kj::LowLevelAsyncIoProvider::ALREADY_CLOEXEC |
                    kj::LowLevelAsyncIoProvider::ALREADY_NONBLOCK)),
        tasks_(*this) {}

  /// Accepts for ever.
  kj::Promise<void> run() {
    return receiver_->accept()
        .then(
            [this](kj::Own<kj::AsyncIoStream> stream) -> kj::Promise<void> {
              admit(kj::mv(stream));
              return kj::READY_NOW;
            },
            [this](kj::Exception&& e) {
              spdlog::error("admin: cannot accept a connection ({}); trying again",
                            short_line(e.getDescription()));
              return timer_.afterDelay(100 * kj::MILLISECONDS);
            })
        .then([this] { return run(); });
  }

private:
  void admit(kj::Own<kj::AsyncIoStream> stream) {
    ucred credentials{};
    kj::uint size = sizeof credentials;
    stream->getsockopt(SOL_SOCKET, SO_PEERCRED, &credentials, &size);
    const socket_peer who{credentials.uid, credentials.pid};
    if (!who.may_administer())
      return spdlog::warn("admin: {} was turned away: only root and the user that runs the "
                          "service may administer it",
                          who.name());
    if (open_ >= options_.max_connections)
      return spdlog::warn("admin: {} was turned away: {} connections are open, which is the limit",
                          who.name(), open_);
    serve(kj::heap<connection>(kj::mv(stream), std::make_shared<admin_peer>(admin_peer{
                                                   target_, *traces_, options_, who, false, 0})));
  }

  void serve(kj::Own<connection> given) {
    auto& c = *given;
    ++open_;
    tasks_.add(c.network.onDisconnect()
                   .exclusiveJoin(watch(c))
                   .then([&c] { report(c); })
                   .attach(kj::mv(given), kj::defer([this] { --open_; })));
  }

  /// Is done when the connection has been silent for too long.
  kj::Promise<void> watch(connection& c) {
    using std::chrono::milliseconds;
    const auto left = std::chrono::duration_cast<milliseconds>(c.due() - clock::now());
    if (left < milliseconds(0)) {
      c.idled = true;
      return kj::READY_NOW;
    }
    // The handshake may bring the end nearer meanwhile.
    const auto sleep = std::min({left, options_.hello_within, options_.idle_limit});
    return timer_.afterDelay((sleep.count() + 1) * kj::MILLISECONDS).then([this, &c] {
      return watch(c);
    });
  }

  static void report(const connection& c) {
    const auto name = c.peer->who.name();
    if (!c.messages.fault().empty())
      spdlog::warn("admin: closed the connection of {}, which sent no valid request: {}", name,
                   c.messages.fault());
    else if (c.idled && !c.peer->welcome)
      spdlog::warn("admin: closed the connection of {}, which did not say hello in time", name);
    else if (c.idled) spdlog::info("admin: closed the connection of {}, which was idle", name);
    else spdlog::debug("admin: {} has left", name);
  }

  void taskFailed(kj::Exception&& e) override {
    spdlog::warn("admin: closed a connection: {}", short_line(e.getDescription()));
  }

  kj::Timer& timer_;
  service& target_;
  const admin_options& options_;
  const std::shared_ptr<trace_desk> traces_; // outlives the connections
  kj::Own<kj::ConnectionReceiver> receiver_;
  std::size_t open_ = 0;
  kj::TaskSet tasks_;
};

} // namespace

struct admin_server::parts {
  using stopper = kj::Own<kj::CrossThreadPromiseFulfiller<void>>;

  service& target;
  admin_options options;
  admin_socket socket;
  stopper stop;
  std::thread thread;

  void run(std::promise<stopper>& started) {
    bool running = false;
    try {
      quiet_kj logs;
      auto io = kj::setupAsyncIo();
      listener clients(io, target, options, socket.fd());
      auto stopped = kj::newPromiseAndCrossThreadFulfiller<void>();
      started.set_value(kj::mv(stopped.fulfiller));
      running = true;
      clients.run().exclusiveJoin(kj::mv(stopped.promise)).wait(io.waitScope);
    } catch (const kj::Exception& e) {
      if (!running) return started.set_exception(std::current_exception());
      spdlog::error("admin: the socket is no longer served: {}", short_line(e.getDescription()));
    }
  }
};

result<std::unique_ptr<admin_server>> admin_server::claim(service& target, admin_options options) {
  auto socket = admin_socket::claim(options.socket);
  if (!socket) return socket.error();
  return std::unique_ptr<admin_server>(new admin_server(
      std::unique_ptr<parts>(new parts{target, std::move(options), std::move(*socket), {}, {}})));
}

admin_server::admin_server(std::unique_ptr<parts> p) : parts_(std::move(p)) {}

result<void> admin_server::start() {
  std::promise<parts::stopper> started;
  auto stopper = started.get_future();
  auto& p = *parts_;
  p.thread = std::thread([&p, &started] { p.run(started); });
  try {
    p.stop = stopper.get();
  } catch (const kj::Exception& e) {
    p.thread.join();
    return failure{errc::system, "admin socket " + p.options.socket.string() +
                                     ": cannot be served: " + short_line(e.getDescription())};
  }
  return {};
}

void admin_server::stop() {
  if (!parts_) return;
  if (parts_->thread.joinable()) {
    parts_->stop->fulfill();
    parts_->thread.join();
  }
  parts_.reset();
}

admin_server::~admin_server() { stop(); }

} // namespace instar
