#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <boost/smart_ptr/intrusive_ptr.hpp>

namespace nacre {

/// A hash set of counted objects without a node each: about 18 bytes an item, where
/// `std::unordered_set` takes 40, and a look-up touches only the item that it is about. The part of
/// the hash that stands beside a pointer tells others apart, and growing needs no item.
///
/// `Hash` gives the hash of an item, whose low 32 bits are used; `Equal` compares items and keys.
template <class T, class Hash, class Equal>
class pointer_set {
public:
  using pointer = boost::intrusive_ptr<T>;

  std::size_t size() const { return size_; }

  /// The item of a key with this hash, null if there is none.
  template <class Key>
  const pointer* find(const Key& key, std::size_t hash) const {
    auto at = locate(key, mark_of(hash));
    return at == none ? nullptr : &items_[at];
  }
  const pointer* find(const T& x) const { return find(x, Hash{}(x)); }

  /// Puts `x` in, in place of an equal one.
  void put(pointer x) {
    auto mark = mark_of(Hash{}(*x));
    if (auto at = locate(*x, mark); at != none) {
      items_[at] = std::move(x);
      return;
    }
    if ((size_ + 1) * 16 > items_.size() * 13)
      grow();
    place(std::move(x), mark);
    ++size_;
  }

  /// Takes out what equals `x`.
  void erase(const T& x) {
    if (auto at = locate(x, mark_of(Hash{}(x))); at != none)
      erase_at(at);
  }

  /// Takes out every item for which `condition(const T&)` holds.
  template <class Condition>
  void erase_if(Condition condition) {
    for (std::size_t at = 0; at < items_.size();)
      if (items_[at] && condition(*items_[at]))
        erase_at(at); // another one may have its place now
      else
        ++at;
  }

  /// Calls `f(const T&)` with about `wanted` items, or with all if they are fewer.
  template <class F>
  void some(std::size_t wanted, F f) const {
    for (auto i = items_.begin(); i != items_.end() && wanted > 0; ++i)
      if (*i) {
        f(**i);
        --wanted;
      }
  }

  /// Calls `f(const pointer&)` with all.
  template <class F>
  void each(F f) const {
    for (auto& x : items_)
      if (x)
        f(x);
  }

  /// How far a walk over all items has come.
  struct walk {
    std::size_t left = 0;
    /// 0 before it has begun.
    std::uint64_t layout = 0;
  };

  /// Goes on with a walk over some `places` more, and calls `f(const pointer&)` with those there.
  /// Items may come and go between two calls; those that stay are seen, some maybe twice.
  /// @returns whether there are more
  template <class F>
  bool walk_on(walk& at, std::size_t places, F f) const {
    if (at.layout != layout_)
      at = {items_.size(), layout_};
    for (; at.left > 0 && places > 0; --places)
      if (auto& x = items_[--at.left])
        f(x);
    return at.left > 0;
  }

private:
  static constexpr std::size_t none = static_cast<std::size_t>(-1);

  /// 0 is for places that are free.
  static std::uint32_t mark_of(std::size_t hash) {
    auto mark = static_cast<std::uint32_t>(hash);
    return mark == 0 ? 1 : mark;
  }

  std::size_t home_of(std::uint32_t mark) const {
    return static_cast<std::size_t>(std::uint64_t{mark} * marks_.size() >> 32);
  }

  std::size_t next(std::size_t at) const { return at + 1 == marks_.size() ? 0 : at + 1; }

  template <class Key>
  std::size_t locate(const Key& key, std::uint32_t mark) const {
    if (marks_.empty())
      return none;
    for (auto at = home_of(mark); marks_[at] != 0; at = next(at))
      if (marks_[at] == mark && Equal{}(*items_[at], key))
        return at;
    return none;
  }

  void place(pointer x, std::uint32_t mark) {
    auto at = home_of(mark);
    while (marks_[at] != 0)
      at = next(at);
    marks_[at] = mark;
    items_[at] = std::move(x);
  }

  void grow() {
    ++layout_;
    auto wanted = std::max<std::size_t>(8, items_.size() + items_.size() / 2);
    auto marks = std::exchange(marks_, std::vector<std::uint32_t>(wanted));
    auto items = std::exchange(items_, std::vector<pointer>(wanted));
    for (std::size_t i = 0; i < items.size(); ++i)
      if (marks[i] != 0)
        place(std::move(items[i]), marks[i]);
  }

  /// Those behind it move up, so that they are found without it: towards the begin, where a walk
  /// comes last, but for the few that go from there to the end.
  void erase_at(std::size_t hole) {
    auto gone = std::move(items_[hole]);
    --size_;
    for (auto at = next(hole); marks_[at] != 0; at = next(at)) {
      auto from_home = distance(home_of(marks_[at]), at);
      if (from_home < distance(hole, at))
        continue;
      layout_ += at < hole ? 1 : 0;
      marks_[hole] = marks_[at];
      items_[hole] = std::move(items_[at]);
      hole = at;
    }
    marks_[hole] = 0;
    items_[hole] = nullptr;
  }

  std::size_t distance(std::size_t from, std::size_t to) const {
    return to >= from ? to - from : to + marks_.size() - from;
  }

  std::vector<std::uint32_t> marks_;
  std::vector<pointer> items_;
  std::size_t size_ = 0;
  /// Another one when an item has got to where a walk begins.
  std::uint64_t layout_ = 1;
};

} // namespace nacre
