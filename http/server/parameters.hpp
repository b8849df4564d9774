#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nacre {

/// The value of `name=…` or `name="…"` among the attributes behind the first `;` of a header, in
/// any case; nothing if there is none (RFC 7578 §4.2, RFC 6266 §4.1).
std::optional<std::string_view> header_attribute(std::string_view header, std::string_view name);

/// The parameters of a request: query first, then the form in the body, as a servlet container
/// merges them. Values are UTF-8 (what is not, is replaced by U+FFFD). One thread.
class parameters {
public:
  /// One more parameter than this and the request is refused.
  static constexpr std::size_t count_max = 256;

  parameters() { entries_.reserve(16); } // as many as most requests have

  /// Adds `k=v&…`. @returns false, and adds nothing, for a broken escape or too many parameters.
  bool add_urlencoded(std::string_view text);

  /// Adds the text fields of a multipart form; files are left out.
  bool add_multipart(std::string_view body, std::string_view boundary);

  /// The first value of `key`, nothing if it is not there.
  std::optional<std::string_view> find(std::string_view key) const;

  /// All values of `key` joined with commas, as Spring binds a form's text field.
  std::optional<std::string> joined(std::string_view key) const;

private:
  struct entry {
    std::uint32_t key_begin, key_size, value_begin, value_size;
  };

  struct form_decoder;

  /// Reads all of a form. @returns false for one that is refused
  bool read(form_decoder& form);

  /// Has a part of the storage in another place with U+FFFD for what is not UTF-8.
  void make_valid(std::uint32_t& begin, std::uint32_t& size);
  bool add(std::string_view key, std::string_view value);
  /// Many keys are as long as others, and few of those begin alike.
  bool has_key(const entry& x, std::string_view key) const {
    if (x.key_size != key.size())
      return false;
    auto* begin = storage_.data() + x.key_begin;
    return key.empty() || (*begin == key.front() && key.compare({begin, x.key_size}) == 0);
  }
  std::string_view value_of(const entry& x) const {
    return {storage_.data() + x.value_begin, x.value_size};
  }

  std::string storage_;
  std::vector<entry> entries_;
};

} // namespace nacre
