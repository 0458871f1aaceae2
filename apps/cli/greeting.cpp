#include "apps/cli/serve.hpp"
#include "net/endpoint.hpp"

namespace millrace::cli {
namespace {

/// An address that a client on this machine can use.
std::string reachable(const std::string& bound) {
  auto at = parse_endpoint(bound, 9092);
  if (!at)
    return bound;
  const bool local = at->host.empty() || at->host == "0.0.0.0"
                     || at->host == "::" || at->host == "127.0.0.1"
                     || at->host == "::1";
  return endpoint{local ? "localhost" : at->host, at->port}.to_string();
}

std::string join(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& word : words)
    out += (out.empty() ? "" : ", ") + word;
  return out.empty() ? "off" : out;
}

} // namespace

std::string greeting(const std::vector<std::string>& kafka,
  const std::vector<std::string>& http, const std::string& nodes,
  const std::string& data_directory, const std::string& cluster_id) {
  const auto at
    = kafka.empty() ? std::string{"localhost:9092"} : reachable(kafka.front());
  std::string out = "Millrace " MILLRACE_VERSION " is up.\n";
  out += "  Kafka    " + join(kafka) + "\n";
  out += "  HTTP     " + join(http);
  out += http.empty() ? "\n" : "  (/livez, /readyz, /metrics)\n";
  if (!nodes.empty())
    out += "  nodes    " + nodes + "\n";
  out += "  data     " + data_directory + "\n";
  out += "  cluster  " + cluster_id + "\n\n";
  out += "Try it, in another terminal:\n";
  out += "  kcat      echo hello | kcat -P -b " + at + " -t greetings\n";
  out += "            kcat -C -b " + at + " -t greetings -e\n";
  out += "  Python    from kafka import KafkaProducer          # pip install "
         "kafka-python\n";
  out += "            p = KafkaProducer(bootstrap_servers='" + at + "')\n";
  out += "            p.send('greetings', b'hello'); p.flush()\n";
  out += "  Java      Properties p = new Properties();\n";
  out += "            p.put(\"bootstrap.servers\", \"" + at + "\");\n";
  out += "            new KafkaProducer<>(p, new StringSerializer(), new "
         "StringSerializer())\n";
  out += "              .send(new ProducerRecord<>(\"greetings\", "
         "\"hello\")).get();\n";
  out += "  millrace  millrace consume greetings -e"
         + (at == "localhost:9092" ? std::string{} : " -b " + at) + "\n\n";
  return out + "Ctrl-C stops it.\n";
}

} // namespace millrace::cli
