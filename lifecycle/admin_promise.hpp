#pragma once

#include <kj/async.h>
#include <kj/memory.h>

#include <memory>
#include <utility>

namespace instar {

/// An answer of the service, which comes on a thread of the service, as a promise of this thread.
/// `ask` gets the function to answer with. If the service ends without an answer, the promise is
/// rejected.
template <class T, class Ask>
kj::Promise<kj::Own<T>> promised(Ask ask) {
  using fulfiller_type = kj::Own<kj::CrossThreadPromiseFulfiller<kj::Own<T>>>;
  auto pair = kj::newPromiseAndCrossThreadFulfiller<kj::Own<T>>();
  // Shared because std::function copies; the last copy rejects the promise.
  auto fulfiller = std::make_shared<fulfiller_type>(kj::mv(pair.fulfiller));
  ask([fulfiller](T value) { (*fulfiller)->fulfill(kj::heap<T>(std::move(value))); });
  return kj::mv(pair.promise);
}

} // namespace instar
