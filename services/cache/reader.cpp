#include "services/cache/reader.hpp"

#include "services/cache/copy.hpp"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

namespace instar::file_cache {

result<std::size_t> reader::read(const cached_file& from, std::uint64_t offset,
                                 std::span<std::byte> into) {
  std::size_t done = 0;
  while (done < into.size()) {
    const auto at = offset + done;
    const auto within = static_cast<std::size_t>(at % page_bytes);
    const auto wanted = std::min(into.size() - done, page_bytes - within);
    const auto got =
        read_page(from, {from.identity(), at / page_bytes}, within, into.subspan(done, wanted));
    if (!got) return got.error();
    done += *got;
    if (*got < wanted) break;
  }
  return done;
}

result<std::size_t> reader::read_page(const cached_file& from, const page_key& which,
                                      std::size_t offset, std::span<std::byte> into) {
  std::optional<std::size_t> got;
  caller_.call([&](object& cache, call_slot& by) { got = cache.read(by, which, offset, into); });
  if (got) return *got;
  auto body = std::make_unique<page>();
  if (auto done = from.fetch(which.number, *body); !done) return done.error();
  got = copy_from(*body, offset, into);
  if (body->size > 0)
    caller_.call([&](object& cache, call_slot& by) { cache.keep(by, which, std::move(body)); });
  return *got;
}

} // namespace instar::file_cache
