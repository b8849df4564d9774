#include "actors/tables/replica_table.hpp"

namespace nacre {

namespace {

/// FNV-1a: nodes compare what comes of it, so `std::hash` will not do.
class stable_hash {
public:
  stable_hash& add(std::string_view text) {
    for (auto c : text)
      add_byte(static_cast<unsigned char>(c));
    add_byte(0xff); // never part of UTF-8: texts stay apart
    return *this;
  }

  stable_hash& add(std::uint64_t number) {
    for (int i = 0; i < 8; ++i)
      add_byte(static_cast<unsigned char>(number >> i * 8));
    return *this;
  }

  std::uint64_t value() const {
    auto x = state_ ^ state_ >> 32; // low bits choose the bucket and need all of it
    x *= 0xD6E8FEB86659FD93ull;
    return x ^ x >> 32;
  }

private:
  void add_byte(unsigned char x) { state_ = (state_ ^ x) * 0x100000001B3ull; }

  std::uint64_t state_ = 0xCBF29CE484222325ull;
};

stable_hash hash_of(const client_id& client) {
  stable_hash x;
  x.add(client.ip).add(std::uint64_t{client.port} << 1 | (is_connection(client.kind) ? 1 : 0));
  return x;
}

/// Forgotten when one more comes: few enough for a turn of who puts it, and more than come.
constexpr std::size_t forgotten_with_each = 2;

} // namespace

std::size_t replica_table::bucket_of(const client_id& client) {
  return hash_of(client).value() % buckets_count;
}

std::uint64_t replica_table::digest_of(const replica& x) {
  if (!is_alive(x.state))
    return 0;
  auto& service = *x.lease->service;
  return hash_of(x.lease->client)
    .add(service.namespace_id)
    .add(service.group)
    .add(service.name)
    .add(static_cast<std::uint64_t>(x.version))
    .add(static_cast<std::uint64_t>(x.state))
    .value();
}

std::optional<replica> replica_table::find(const client_id& client,
                                           const service_key_view& service) const {
  auto& p = parts_[bucket_of(client)];
  std::lock_guard guard(p.lock);
  auto i = p.records.find(key{client, service});
  return i == p.records.end() ? std::nullopt : std::optional(i->second.what);
}

void replica_table::put(replica x) {
  bool gone = !is_alive(x.state);
  {
    auto& p = parts_[bucket_of(x.lease->client)];
    std::lock_guard guard(p.lock);
    auto i = p.records.find(x.lease);
    put(p, i, std::move(x));
  }
  if (gone)
    sweep(never, forgotten_with_each);
}

void replica_table::put_if_newer(replica x) {
  bool gone = !is_alive(x.state);
  {
    auto& p = parts_[bucket_of(x.lease->client)];
    std::lock_guard guard(p.lock);
    auto i = p.records.find(x.lease);
    if (i == p.records.end() || i->second.what.version < x.version)
      put(p, i, std::move(x));
  }
  if (gone)
    sweep(never, forgotten_with_each);
}

void replica_table::put(part& p, record_map::iterator i, replica x) {
  auto digest = digest_of(x);
  auto living = is_alive(x.state);
  if (!living) {
    std::lock_guard guard(tombstones_lock_);
    tombstones_.push_back({x.lease, x.gone_since});
  }
  if (i != p.records.end()) {
    p.digest ^= i->second.digest;
    alive_ -= is_alive(i->second.what.state) ? 1 : 0;
    --size_;
    // The key would keep the old lease alive, and with it the client's last one forever.
    if (i->first != x.lease)
      i = (p.records.erase(i), p.records.end());
  }
  p.digest ^= digest;
  alive_ += living ? 1 : 0;
  ++size_;
  if (i != p.records.end()) {
    i->second = {std::move(x), digest};
  } else {
    auto lease = x.lease;
    p.records.emplace(std::move(lease), entry{std::move(x), digest});
  }
}

std::vector<replica> replica_table::bucket(std::size_t index) const {
  auto& p = parts_[index];
  std::vector<replica> copy;
  std::lock_guard guard(p.lock);
  copy.reserve(p.records.size());
  for (auto& [lease, x] : p.records)
    copy.push_back(x.what);
  return copy;
}

std::vector<std::uint64_t> replica_table::digests() const {
  std::vector<std::uint64_t> result;
  result.reserve(buckets_count);
  for (auto& p : parts_) {
    std::lock_guard guard(p.lock);
    result.push_back(p.digest);
  }
  return result;
}

std::optional<replica_table::tombstone> replica_table::take_tombstone(steady_time limit) {
  std::lock_guard guard(tombstones_lock_);
  bool due = !tombstones_.empty()
             && (tombstones_.size() > tombstones_max_ || tombstones_.front().since < limit);
  if (!due)
    return std::nullopt;
  auto x = std::move(tombstones_.front());
  tombstones_.pop_front();
  return x;
}

void replica_table::sweep(steady_time limit, std::size_t at_most) {
  for (; at_most > 0; --at_most) {
    auto oldest = take_tombstone(limit);
    if (!oldest)
      return;
    auto& p = parts_[bucket_of(oldest->lease->client)];
    std::lock_guard guard(p.lock);
    auto i = p.records.find(oldest->lease);
    if (i == p.records.end())
      continue;
    auto& x = i->second.what;
    if (is_alive(x.state) || x.gone_since != oldest->since)
      continue; // it came back, and went again maybe
    p.records.erase(i);
    --size_;
  }
}

} // namespace nacre
