#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <memory>
#include <vector>

namespace nacre {

/// A sorted set whose versions share their parts: `with` and `without` give a new set and leave
/// the old one as it is, so a version can be read by any thread without a lock. A change copies
/// one chunk and the list of chunks, about √n instead of n: filling it is not quadratic.
///
/// `Key` is a function object from an item to its key; keys are ordered by `<`.
template <class Item, class Key>
class persistent_set {
  using chunk = std::vector<Item>;
  using chunk_ptr = std::shared_ptr<const chunk>;
  using chunk_list = std::vector<chunk_ptr>;

  /// Grows with the root of the size, so that neither a chunk nor the list of chunks grows faster.
  static std::size_t chunk_items_max(std::size_t size) {
    return std::max<std::size_t>(64, 2 * static_cast<std::size_t>(std::sqrt(size)));
  }

public:
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  template <class K>
  const Item* find(const K& key) const {
    if (!chunks_)
      return nullptr;
    auto& items = **chunk_for(key);
    auto i = position(items, key);
    return i != items.end() && !(key < Key{}(*i)) ? &*i : nullptr;
  }

  /// This set with `item`, in place of one with the same key.
  persistent_set with(Item item) const {
    const auto& key = Key{}(item);
    if (!chunks_)
      return {std::make_shared<const chunk_list>(1, make_chunk({std::move(item)})), 1};
    auto at = chunk_for(key) - chunks_->begin();
    auto& old = *(*chunks_)[at];
    auto i = position(old, key);
    auto place = i - old.begin();
    bool replaces = i != old.end() && !(key < Key{}(*i));
    chunk items;
    items.reserve(old.size() + (replaces ? 0 : 1));
    items.assign(old.begin(), i);
    items.push_back(std::move(item));
    items.insert(items.end(), old.begin() + place + (replaces ? 1 : 0), old.end());
    auto list = *chunks_;
    if (items.size() <= chunk_items_max(size_)) {
      list[at] = make_chunk(std::move(items));
    } else {
      // Keys that come in rising order fill their chunks; others split them in half.
      bool at_end = place == static_cast<std::ptrdiff_t>(old.size());
      auto half = items.end() - (at_end ? 1 : static_cast<std::ptrdiff_t>(items.size() / 2));
      list[at] = make_chunk(chunk(items.begin(), half));
      list.insert(list.begin() + at + 1, make_chunk(chunk(half, items.end())));
    }
    return {std::make_shared<const chunk_list>(std::move(list)), size_ + (replaces ? 0 : 1)};
  }

  /// This set without the item of `key`; the same set if there is none.
  template <class K>
  persistent_set without(const K& key) const {
    if (!find(key))
      return *this;
    if (size_ == 1)
      return {};
    auto at = chunk_for(key) - chunks_->begin();
    auto items = *(*chunks_)[at];
    items.erase(position(items, key));
    auto list = *chunks_;
    if (items.empty())
      list.erase(list.begin() + at);
    else
      list[at] = make_chunk(std::move(items));
    return {std::make_shared<const chunk_list>(std::move(list)), size_ - 1};
  }

  /// Calls `f` with each item in order of the keys.
  template <class F>
  void for_each(F f) const {
    if (chunks_)
      for (auto& part : *chunks_)
        for (auto& item : *part)
          f(item);
  }

  persistent_set() = default;

private:
  persistent_set(std::shared_ptr<const chunk_list> chunks, std::size_t size)
    : chunks_(std::move(chunks)), size_(size) {}

  static chunk_ptr make_chunk(chunk items) {
    return std::make_shared<const chunk>(std::move(items));
  }

  /// The chunk that holds `key` or would hold it.
  template <class K>
  auto chunk_for(const K& key) const {
    auto after = std::upper_bound(
      chunks_->begin(), chunks_->end(), key,
      [](const K& k, const chunk_ptr& part) { return k < Key{}(part->front()); });
    return after == chunks_->begin() ? after : std::prev(after);
  }

  template <class Items, class K>
  static auto position(Items& items, const K& key) {
    return std::lower_bound(items.begin(), items.end(), key,
                            [](const Item& item, const K& k) { return Key{}(item) < k; });
  }

  std::shared_ptr<const chunk_list> chunks_;
  std::size_t size_ = 0;
};

} // namespace nacre
