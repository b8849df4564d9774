#pragma once

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <span>
#include <utility>

namespace nacre {

/// An array that never changes, in one piece of memory with its reference count. Copies share it.
template <class T>
class shared_array {
public:
  shared_array() = default;
  shared_array(const shared_array& x) : block_(x.block_) {
    if (block_)
      block_->users.fetch_add(1, std::memory_order_relaxed);
  }
  shared_array(shared_array&& x) noexcept : block_(std::exchange(x.block_, nullptr)) {}
  shared_array& operator=(shared_array x) noexcept {
    std::swap(block_, x.block_);
    return *this;
  }
  ~shared_array() {
    if (!block_ || block_->users.fetch_sub(1, std::memory_order_acq_rel) > 1)
      return;
    std::destroy_n(block_->items(), block_->size);
    ::operator delete(block_);
  }

  std::size_t size() const { return block_ ? block_->size : 0; }
  bool empty() const { return size() == 0; }
  const T* begin() const { return block_ ? block_->items() : nullptr; }
  const T* end() const { return begin() + size(); }
  const T& operator[](std::size_t i) const { return block_->items()[i]; }

  /// This array with `added`, which is moved from, in place of `removed` items at `at`.
  shared_array spliced(std::size_t at, std::size_t removed, std::span<T> added) const {
    return shared_array(size() - removed + added.size(), [&](T* out) {
      out = std::uninitialized_copy(begin(), begin() + at, out);
      out = std::uninitialized_move(added.begin(), added.end(), out);
      std::uninitialized_copy(begin() + at + removed, end(), out);
    });
  }

  shared_array part(std::size_t from, std::size_t to) const {
    return shared_array(
      to - from, [&](T* out) { std::uninitialized_copy(begin() + from, begin() + to, out); });
  }

private:
  /// The items stand behind it.
  struct block {
    std::atomic<std::uint32_t> users;
    std::uint32_t size;
    T* items() { return reinterpret_cast<T*>(this + 1); }
  };
  static_assert(alignof(T) <= sizeof(block));

  /// @param fill puts all items, whose copies can't fail, where it is told
  template <class Fill>
  shared_array(std::size_t size, Fill fill) {
    if (size == 0)
      return;
    block_ = new (::operator new(sizeof(block) + size * sizeof(T)))
      block{1, static_cast<std::uint32_t>(size)};
    fill(block_->items());
  }

  block* block_ = nullptr;
};

/// A sorted set whose versions share their parts: `with` and `without` give a new set and leave
/// the old one as it is, so a version can be read by any thread without a lock. A change copies
/// one chunk and the list of chunks, about √n instead of n: filling it is not quadratic.
///
/// `Key` is a function object from an item to its key; keys are ordered by `<`.
template <class Item, class Key>
class persistent_set {
  using chunk = shared_array<Item>; // never empty

  /// Grows with the root of the size, so that neither a chunk nor the list of chunks grows faster.
  static std::size_t chunk_items_max(std::size_t size) {
    return std::max<std::size_t>(64, 2 * static_cast<std::size_t>(std::sqrt(size)));
  }

public:
  /// Where the item of a key is, or would be. Of one version only.
  struct place {
    std::size_t chunk = 0;
    std::size_t item = 0;
    bool taken = false;
  };

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  template <class K>
  place locate(const K& key) const {
    if (empty())
      return {};
    auto at = chunk_for(key);
    auto& items = chunks_[at];
    auto i = std::lower_bound(items.begin(), items.end(), key,
                              [](const Item& item, const K& k) { return Key{}(item) < k; });
    return {at, static_cast<std::size_t>(i - items.begin()),
            i != items.end() && !(key < Key{}(*i))};
  }

  /// The same if the set most likely holds `guess` for `key`: that is found by itself, without the
  /// way through memory to the keys of its neighbours.
  template <class K>
  place locate(const K& key, const Item& guess) const {
    if (empty())
      return {};
    auto at = chunk_for(key);
    auto& items = chunks_[at];
    auto i = std::find(items.begin(), items.end(), guess);
    return i == items.end() ? locate(key)
                            : place{at, static_cast<std::size_t>(i - items.begin()), true};
  }

  /// Null if the place is not taken.
  const Item* at(const place& x) const { return x.taken ? &chunks_[x.chunk][x.item] : nullptr; }

  template <class K>
  const Item* find(const K& key) const {
    return at(locate(key));
  }

  /// This set with `item`, in place of one with the same key.
  persistent_set with(Item item) const {
    auto where = locate(Key{}(item));
    return with(std::move(item), where);
  }

  /// The same if it is known where the item belongs.
  persistent_set with(Item item, const place& where) const {
    auto size = size_ + (where.taken ? 0 : 1);
    auto old = empty() ? chunk() : chunks_[where.chunk];
    chunk changed[] = {old.spliced(where.item, where.taken ? 1 : 0, {&item, 1}), {}};
    auto& items = changed[0];
    if (items.size() <= chunk_items_max(size_))
      return {chunks_.spliced(where.chunk, empty() ? 0 : 1, {changed, 1}), size};
    // Keys that come in rising order fill their chunks; others split them in half.
    bool at_end = where.item == old.size();
    auto half = at_end ? items.size() - 1 : items.size() - items.size() / 2;
    changed[1] = items.part(half, items.size());
    changed[0] = items.part(0, half);
    return {chunks_.spliced(where.chunk, 1, changed), size};
  }

  /// This set without the item of `key`; the same set if there is none.
  template <class K>
  persistent_set without(const K& key) const {
    auto where = locate(key);
    if (!where.taken)
      return *this;
    auto items = chunks_[where.chunk].spliced(where.item, 1, {});
    return {chunks_.spliced(where.chunk, 1, {&items, items.empty() ? 0u : 1u}), size_ - 1};
  }

  /// Calls `f` with each item in order of the keys.
  template <class F>
  void for_each(F f) const {
    for (auto& part : chunks_)
      for (auto& item : part)
        f(item);
  }

  persistent_set() = default;

private:
  persistent_set(shared_array<chunk> chunks, std::size_t size)
    : chunks_(std::move(chunks)), size_(size) {}

  /// The chunk that holds `key` or would hold it.
  template <class K>
  std::size_t chunk_for(const K& key) const {
    auto after = std::upper_bound(chunks_.begin() + 1, chunks_.end(), key,
                                  [](const K& k, const chunk& part) { return k < Key{}(part[0]); });
    return static_cast<std::size_t>(after - chunks_.begin()) - 1;
  }

  shared_array<chunk> chunks_;
  std::size_t size_ = 0;
};

} // namespace nacre
