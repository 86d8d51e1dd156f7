#include "services/metrics/pages.hpp"

#include "actors/metrics.hpp"
#include "services/metrics/media_type.hpp"
#include "services/metrics/page_text.hpp"

#include <algorithm>
#include <cstring>
#include <exception>
#include <stdexcept>

namespace instar::metrics_page {

namespace {

payload_ptr<net::buffer> bytes_of(std::string_view text) {
  auto made = net::buffer::make(text.size());
  std::memcpy(made->data(), text.data(), text.size());
  return made;
}

} // namespace

std::string path_of(const settings& values) {
  const auto& path = values.text("path");
  if (!path.starts_with('/'))
    throw std::invalid_argument("path = '" + path + "' is none; it has to begin with a slash");
  return path;
}

bool asks_for(std::string_view path, const http::request& asked) {
  const auto target = asked.target();
  return asked.line().refused == 0 && target.substr(0, target.find('?')) == path;
}

void make_text(context& ctx, std::function<void(context&, payload_ptr<net::buffer>)> done) {
  const auto text = std::make_shared<payload_ptr<net::buffer>>();
  const auto work = [&all = ctx.host<metrics>(), text] {
    try {
      *text = bytes_of(page_text({all.look(), read_process_usage(), read_heap_usage()}));
    } catch (const std::exception&) {
      *text = nullptr;
    }
  };
  ctx.run_blocking(work,
                   [text, done = std::move(done)](context& then) { done(then, std::move(*text)); });
}

void fill(http::response& answer, const payload_ptr<net::buffer>& text) {
  static_cast<http::response_fields&>(answer) = {};
  answer.body = {};
  if (!text) {
    answer.status = 503;
    return;
  }
  answer.content_type = metrics_media_type();
  answer.content_length = answer.complete_length = text->size();
  if (answer.line.method != http::method::head) answer.body = http::body(text);
}

} // namespace instar::metrics_page
