#pragma once

#include "actors/operator.hpp"
#include "actors/settings.hpp"
#include "services/http/request.hpp"
#include "services/http/response.hpp"

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace instar::metrics_page {

constexpr setting_type path_setting{"path", setting_kind::text, "/metrics", false,
                                    "what has to be asked for"};
/// Throws `std::invalid_argument` if it is none.
std::string path_of(const settings& values);
bool asks_for(std::string_view path, const http::request& asked);

/// Makes the text on the host's pool, then calls `done` on the operator: with null if the service
/// ends and does not tell any more.
void make_text(context& ctx, std::function<void(context&, payload_ptr<net::buffer>)> done);

/// Makes that text the answer, or 503 if there is none.
void fill(http::response& answer, const payload_ptr<net::buffer>& text);

/// What the operators of this module share: pages are made one at a time, for all who have asked
/// until then. What comes on the same connection meanwhile waits, so that answers keep their order;
/// all others go on. No state: at its cut an operator has no page in the making.
template <class Passing>
class pages : public operator_base {
public:
  void on_packet(context& ctx, std::size_t, packet p) final {
    const auto connection = p.key;
    auto one = p.take<Passing>();
    if (making_)
      for (auto* list : {&next_, &waiting_})
        if (const auto before = list->find(connection); before != list->end())
          return before->second.push_back(std::move(one));
    if (!wants_page(*one)) return pass(ctx, connection, std::move(one));
    next_[connection].push_back(std::move(one));
    if (!making_) make(ctx);
  }

protected:
  virtual bool wants_page(const Passing& one) const = 0;
  virtual void pass(context& ctx, std::uint64_t connection, payload_ptr<Passing> one) = 0;
  virtual void answer(context& ctx, std::uint64_t connection, payload_ptr<Passing> one,
                      const payload_ptr<net::buffer>& text) = 0;

private:
  /// By connection, from the first one on that wants a page.
  using waiting_list = std::unordered_map<std::uint64_t, std::deque<payload_ptr<Passing>>>;

  void make(context& ctx) {
    making_ = true;
    waiting_ = std::exchange(next_, {});
    make_text(ctx, [this](context& then, payload_ptr<net::buffer> text) { made(then, text); });
  }

  void made(context& ctx, const payload_ptr<net::buffer>& text) {
    making_ = false;
    auto all = std::exchange(waiting_, {});
    for (auto& [connection, list] : all)
      for (auto& one : list) {
        if (wants_page(*one)) answer(ctx, connection, std::move(one), text);
        else pass(ctx, connection, std::move(one));
      }
    if (!next_.empty()) make(ctx);
  }

  waiting_list waiting_; // for the page that is being made
  waiting_list next_;    // for the one after it
  bool making_ = false;
};

} // namespace instar::metrics_page
