#include "cluster/telemetry_metrics.hpp"

#include <protozero/pbf_message.hpp>

#include <string_view>

namespace millrace {

namespace {

// The parts of opentelemetry/proto/metrics/v1/metrics.proto that are read, by
// their numbers.
namespace otlp {
enum class data : protozero::pbf_tag_type { resource_metrics = 1 };
enum class resource_metrics : protozero::pbf_tag_type {
  resource = 1,
  scope_metrics = 2,
};
enum class resource : protozero::pbf_tag_type { attributes = 1 };
enum class scope_metrics : protozero::pbf_tag_type { metrics = 2 };
enum class metric : protozero::pbf_tag_type { name = 1, gauge = 5, sum = 7 };
enum class points : protozero::pbf_tag_type {
  data_points = 1,
  temporality = 2,
  is_monotonic = 3,
};
enum class point : protozero::pbf_tag_type {
  as_double = 4,
  as_int = 6,
  attributes = 7,
};
enum class key_value : protozero::pbf_tag_type { key = 1, value = 2 };
enum class any_value : protozero::pbf_tag_type {
  string_value = 1,
  bool_value = 2,
  int_value = 3,
  double_value = 4,
};
constexpr int32_t delta_temporality = 1;
} // namespace otlp

// A field of another type than it should have is passed over: who pushes may
// push anything.
constexpr auto text_type = protozero::pbf_wire_type::length_delimited;
constexpr auto number_type = protozero::pbf_wire_type::varint;
constexpr auto fixed_type = protozero::pbf_wire_type::fixed64;

template <class Tag>
constexpr uint32_t field(Tag tag, protozero::pbf_wire_type type) {
  return protozero::tag_and_type(
    static_cast<protozero::pbf_tag_type>(tag), type);
}

using label_map = std::map<std::string, std::string>;

std::string read_value(protozero::pbf_message<otlp::any_value> value) {
  std::string text;
  while (value.next())
    switch (value.tag_and_type()) {
    case field(otlp::any_value::string_value, text_type):
      text = value.get_string();
      break;
    case field(otlp::any_value::bool_value, number_type):
      text = value.get_uint64() != 0 ? "true" : "false";
      break;
    case field(otlp::any_value::int_value, number_type):
      text = std::to_string(value.get_int64());
      break;
    case field(otlp::any_value::double_value, fixed_type):
      text = std::to_string(value.get_double());
      break;
    default:
      value.skip();
    }
  return text;
}

void read_label(
  protozero::pbf_message<otlp::key_value> pair, label_map& labels) {
  std::string key;
  std::string value;
  while (pair.next())
    switch (pair.tag_and_type()) {
    case field(otlp::key_value::key, text_type):
      key = pair.get_string();
      break;
    case field(otlp::key_value::value, text_type):
      value = read_value(pair.get_message());
      break;
    default:
      pair.skip();
    }
  if (!key.empty())
    labels[key] = value;
}

void read_point(
  protozero::pbf_message<otlp::point> point, telemetry_sample& sample) {
  while (point.next())
    switch (point.tag_and_type()) {
    case field(otlp::point::as_double, fixed_type):
      sample.value = point.get_double();
      break;
    case field(otlp::point::as_int, fixed_type):
      sample.value = static_cast<double>(point.get_sfixed64());
      break;
    case field(otlp::point::attributes, text_type):
      read_label(point.get_message(), sample.labels);
      break;
    default:
      point.skip();
    }
}

/// No push of any use has more: a point may take two bytes in a message, and
/// here it takes its name and labels.
constexpr size_t samples_max = 10'000;

/// A gauge, or a sum; of the first only the points count.
void read_points(protozero::pbf_message<otlp::points> points,
  const std::string& name, const label_map& labels,
  std::vector<telemetry_sample>& out) {
  const auto begin = out.size();
  bool is_delta = false;
  bool is_monotonic = false;
  while (points.next())
    switch (points.tag_and_type()) {
    case field(otlp::points::data_points, text_type):
      if (out.size() >= samples_max) {
        points.skip();
        break;
      }
      out.push_back({name, labels});
      read_point(points.get_message(), out.back());
      break;
    case field(otlp::points::temporality, number_type):
      is_delta = points.get_int64() == otlp::delta_temporality;
      break;
    case field(otlp::points::is_monotonic, number_type):
      is_monotonic = points.get_uint64() != 0;
      break;
    default:
      points.skip();
    }
  for (auto i = begin; i < out.size(); ++i)
    out[i].is_delta = is_delta && is_monotonic;
}

void read_metric(protozero::pbf_message<otlp::metric> metric,
  const label_map& labels, std::vector<telemetry_sample>& out) {
  std::string name;
  std::vector<protozero::data_view> values;
  while (metric.next())
    switch (metric.tag_and_type()) {
    case field(otlp::metric::name, text_type):
      name = metric.get_string();
      break;
    case field(otlp::metric::gauge, text_type):
    case field(otlp::metric::sum, text_type):
      values.push_back(metric.get_view());
      break;
    default:
      metric.skip();
    }
  for (const auto& value : values)
    read_points(protozero::pbf_message<otlp::points>{value}, name, labels, out);
}

void read_resource(protozero::pbf_message<otlp::resource_metrics> part,
  std::vector<telemetry_sample>& out) {
  label_map labels;
  std::vector<protozero::data_view> scopes;
  while (part.next())
    switch (part.tag_and_type()) {
    case field(otlp::resource_metrics::resource, text_type): {
      protozero::pbf_message<otlp::resource> resource{part.get_message()};
      while (resource.next(otlp::resource::attributes, text_type))
        read_label(resource.get_message(), labels);
      break;
    }
    case field(otlp::resource_metrics::scope_metrics, text_type):
      scopes.push_back(part.get_view());
      break;
    default:
      part.skip();
    }
  for (const auto& scope : scopes) {
    protozero::pbf_message<otlp::scope_metrics> metrics{scope};
    while (metrics.next(otlp::scope_metrics::metrics, text_type))
      read_metric(metrics.get_message(), labels, out);
  }
}

std::string identity_of(const telemetry_sample& sample) {
  auto text = sample.name;
  for (const auto& [key, value] : sample.labels)
    text += '\0' + key + '\0' + value;
  return text;
}

} // namespace

result<std::vector<telemetry_sample>> read_telemetry(
  std::span<const std::byte> metrics) {
  std::vector<telemetry_sample> samples;
  try {
    protozero::pbf_message<otlp::data> data{
      reinterpret_cast<const char*>(metrics.data()), metrics.size()};
    while (data.next(otlp::data::resource_metrics, text_type))
      read_resource(data.get_message(), samples);
  } catch (const protozero::exception& why) {
    return error{errc::corrupt,
      std::string{"the metrics are not those of OpenTelemetry: "} + why.what()};
  }
  return samples;
}

void telemetry_metrics::add(const telemetry_client& who,
  const std::vector<telemetry_sample>& samples, int32_t interval_ms,
  int64_t now_ms) {
  forget_silent(now_ms);
  if (clients_.size() >= clients_max && !clients_.contains(who.instance_id))
    return;
  auto& c = clients_[who.instance_id];
  c.who = who;
  c.until_ms = now_ms + silent_intervals * interval_ms;
  for (const auto& sample : samples) {
    auto id = identity_of(sample);
    if (c.all.size() >= series_max && !c.all.contains(id))
      continue;
    auto& s = c.all[std::move(id)];
    s.name = sample.name;
    s.labels = sample.labels;
    s.is_counter = sample.is_delta;
    s.value = sample.is_delta ? s.value + sample.value : sample.value;
  }
}

void telemetry_metrics::remove(const uuid& instance_id) {
  clients_.erase(instance_id);
}

std::map<uuid, telemetry_metrics::client> telemetry_metrics::clients(
  int64_t now_ms) const {
  auto all = clients_;
  std::erase_if(all, [&](const auto& entry) {
    return entry.second.until_ms <= now_ms;
  });
  return all;
}

void telemetry_metrics::forget_silent(int64_t now_ms) {
  std::erase_if(clients_, [&](const auto& entry) {
    return entry.second.until_ms <= now_ms;
  });
}

} // namespace millrace
