#pragma once

#include "lifecycle/admin.capnp.h"
#include "lifecycle/admin_client.hpp"
#include "lifecycle/admin_codec.hpp"
#include "transfer/kj_text.hpp"

#include <capnp/rpc-twoparty.h>
#include <kj/async-io.h>

#include <string>

namespace instar {

/// The inside of a client, for the files that it is made of.
struct admin_client::parts {
  std::filesystem::path socket;
  std::chrono::milliseconds patience;
  std::string version;
  kj::AsyncIoContext io = kj::setupAsyncIo();
  kj::Own<kj::AsyncIoStream> stream;
  kj::Maybe<capnp::TwoPartyClient> rpc;
  kj::Maybe<wire::Session::Client> session;

  kj::Timer& timer() { return io.provider->getTimer(); }
  wire::Session::Client& asked() { return KJ_ASSERT_NONNULL(session); }

  template <class T>
  T wait(kj::Promise<T> answer) {
    return timer()
        .timeoutAfter(patience.count() * kj::MILLISECONDS, kj::mv(answer))
        .wait(io.waitScope);
  }

  failure explain(const kj::Exception& e) const {
    const auto where = "admin socket " + socket.string() + ": ";
    const auto text = one_line(e);
    switch (e.getType()) {
    case kj::Exception::Type::DISCONNECTED:
      return {errc::system, where + "the service closed the connection; is it still running, and "
                                    "may this user administer it?"};
    case kj::Exception::Type::UNIMPLEMENTED:
      return {errc::incompatible, where + "the service (instar " + version +
                                      ") does not know this request; use the instarctl of its "
                                      "version"};
    case kj::Exception::Type::OVERLOADED:
      if (text.find("timed out") != text.npos)
        return {errc::deadline, where + "no answer within " +
                                    std::to_string(patience.count() / 1000) +
                                    " s; is it an instar service?"};
      break;
    case kj::Exception::Type::FAILED:
      break;
    }
    return {errc::refused, where + text};
  }

  /// Runs a conversation; what KJ throws in it comes back as a failure.
  template <class T, class Talk>
  result<T> ask(Talk talk) {
    try {
      return talk();
    } catch (const kj::Exception& e) {
      return explain(e);
    }
  }

  static constexpr auto progress_interval = 100 * kj::MILLISECONDS;

  kj::Promise<history_entry> watch(const std::function<void(const service_status&)>& progress) {
    return timer()
        .afterDelay(progress_interval)
        .then([this] { return asked().statusRequest().send(); })
        .then([this, &progress](capnp::Response<wire::Session::StatusResults>&& r) {
          progress(read(r.getStatus()));
          return watch(progress);
        });
  }
};

} // namespace instar
