#include "transfer/native_layout.hpp"
#include "layout_types.hpp"

#include <doctest/doctest.h>

#include <set>
#include <vector>

using namespace instar;

namespace {

// Versions of a type, as modules of different versions have them: each has the name `of::type`.
namespace original {
struct inner {
  std::uint32_t number;
};
struct outer {
  std::uint64_t count;
  inner held;
  std::vector<inner> list;
};
} // namespace original

/// The same type with one thing changed: fields as template arguments, so that the name of the
/// changed type says no more than that of the others.
template <class A, class B>
struct two {
  A a;
  B b;
};

struct version_1 {
  explicit version_1(int);
  static constexpr std::uint32_t layout_version = 1;
  int value;
};
struct version_2 {
  explicit version_2(int);
  static constexpr std::uint32_t layout_version = 2;
  int value;
};
template <class T>
class holder {
public:
  explicit holder(T);
  static constexpr std::uint32_t layout_version = 1;

private:
  T value_;
};

struct hash_1 {
  static constexpr std::uint32_t layout_version = 1;
  std::size_t operator()(int) const;
};

struct nothing {};

} // namespace

TEST_CASE("a type has the same fingerprint in two translation units") {
  const auto elsewhere = test::layouts_elsewhere();
  CHECK(layout_of<test::small>() == elsewhere[0]);
  CHECK(layout_of<test::large>() == elsewhere[1]);
  CHECK(layout_of<test::small>() != layout_of<test::large>());
}

TEST_CASE("no two of these types have the same fingerprint, and none has none") {
  const std::vector<std::uint64_t> all = {
      layout_of<int>(),
      layout_of<unsigned>(),
      layout_of<long>(),
      layout_of<long long>(),
      layout_of<float>(),
      layout_of<double>(),
      layout_of<bool>(),
      layout_of<test::colour>(),
      layout_of<nothing>(),
      layout_of<two<int, int>>(),
      layout_of<two<int, unsigned>>(),
      layout_of<two<unsigned, int>>(),
      layout_of<two<int, nothing>>(),
      layout_of<two<std::string, int>>(),
      layout_of<two<two<int, int>, int>>(),
      layout_of<std::string>(),
      layout_of<std::vector<int>>(),
      layout_of<std::vector<unsigned>>(),
      layout_of<std::vector<two<int, int>>>(),
      layout_of<std::vector<two<int, unsigned>>>(),
      layout_of<std::deque<int>>(),
      layout_of<std::array<int, 2>>(),
      layout_of<std::array<int, 3>>(),
      layout_of<std::optional<int>>(),
      layout_of<std::pair<int, int>>(),
      layout_of<std::tuple<int, int>>(),
      layout_of<std::set<int>>(),
      layout_of<std::set<int, std::greater<int>>>(),
      layout_of<std::unordered_map<int, int>>(),
      layout_of<std::unordered_map<int, int, hash_1>>(),
      layout_of<std::chrono::seconds>(),
      layout_of<std::chrono::milliseconds>(),
      layout_of<version_1>(),
      layout_of<version_2>(),
      layout_of<holder<int>>(),
      layout_of<holder<unsigned>>(),
      layout_of<tracked_map<std::string, int>>(),
      layout_of<tracked_map<std::string, unsigned>>(),
      layout_of<tracked_map<int, int>>(),
      layout_of<tracked_map<int, int, hash_1>>(),
      layout_of<original::inner>(),
      layout_of<original::outer>(),
  };
  CHECK(std::set<std::uint64_t>(all.begin(), all.end()).size() == all.size());
  for (const auto layout : all) CHECK(layout != 0);
}

namespace {

/// The members alone, without the type's own name: what is left to tell two types of different
/// modules apart that are named alike.
template <class T>
consteval std::uint64_t of_members() {
  detail::layout_hash hash;
  detail::add_aggregate<T>(hash);
  return hash.value();
}

struct first {
  std::uint32_t a;
  std::vector<int> list;
};
struct wider {
  std::uint64_t a;
  std::vector<int> list;
};
struct floating {
  float a;
  std::vector<int> list;
};
struct longer {
  std::uint32_t a;
  std::vector<int> list;
  char more;
};
struct reordered {
  std::vector<int> list;
  std::uint32_t a;
};
struct other_items {
  std::uint32_t a;
  std::vector<unsigned> list;
};
struct other_list {
  std::uint32_t a;
  std::deque<int> list;
};
struct renamed {
  std::uint32_t b;
  std::vector<int> items;
};

} // namespace

TEST_CASE("every change of a member is seen, though not a name") {
  const std::set<std::uint64_t> all = {of_members<first>(),     of_members<wider>(),
                                       of_members<floating>(),  of_members<longer>(),
                                       of_members<reordered>(), of_members<other_items>(),
                                       of_members<other_list>()};
  CHECK(all.size() == 7);
  CHECK(of_members<first>() == of_members<renamed>());
}

TEST_CASE("all members of an aggregate count") {
  CHECK(detail::count_members<nothing>() == 0);
  CHECK(detail::count_members<test::small>() == 2);
  CHECK(detail::count_members<test::large>() == 9);
  struct most {
    char a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x;
  };
  CHECK(detail::count_members<most>() == 24);
  CHECK(layout_of<most>() != 0);
}
