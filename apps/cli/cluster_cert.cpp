#include "apps/cli/cluster_cert.hpp"

#include "apps/cli/command.hpp"
#include "apps/cli/new_file.hpp"
#include "net/tls_certificates.hpp"
#include "net/tls_context.hpp"

#include <filesystem>

namespace millrace::cli {
namespace {

constexpr long seconds_per_day = 86'400;

constexpr const char* footer = R"(
Makes an authority (ca.pem, ca.key) in the directory, or takes the one that is
there, and a certificate for each node. Each node gets ca.pem and its own two
files; ca.key signs further nodes, and should be kept where no node is.

Examples:
  millrace cluster cert --nodes 1,2,3
  millrace cluster cert --dir certs --nodes 4
  millrace serve --node-id 1 --cluster 10.0.0.1:19092 ... \
    --set millrace.cluster.ssl.ca.location=certs/ca.pem \
    --set millrace.cluster.ssl.certificate.location=certs/node-1.pem \
    --set millrace.cluster.ssl.key.location=certs/node-1.key)";

class certificate_files {
public:
  explicit certificate_files(const cluster_cert_options& options)
      : options_(options), validity_{.ends_s = options.days * seconds_per_day} {
  }

  result<std::vector<std::string>> make() {
    std::error_code failed;
    std::filesystem::create_directories(options_.directory, failed);
    if (failed)
      return error{
        errc::io_error, options_.directory + ": " + failed.message()};
    MILLRACE_TRY(find_authority());
    for (const auto node : options_.nodes) {
      const auto name = "node-" + std::to_string(node);
      auto made = make_tls_certificate(authority_, {name}, validity_);
      if (!made)
        return made.error();
      MILLRACE_TRY(save(name, *made));
    }
    return made_;
  }

private:
  [[nodiscard]] std::string path(const std::string& file) const {
    return (std::filesystem::path{options_.directory} / file).string();
  }

  result<void> find_authority() {
    const bool certificate = std::filesystem::exists(path("ca.pem"));
    const bool key = std::filesystem::exists(path("ca.key"));
    if (certificate != key)
      return error{errc::invalid_argument,
        "Of ca.pem and ca.key only one is in " + options_.directory};
    if (!certificate) {
      auto made = make_tls_authority("millrace cluster", validity_);
      if (!made)
        return made.error();
      authority_ = std::move(*made);
      return save("ca", authority_);
    }
    auto read
      = load_tls_files({path("ca.pem"), path("ca.pem"), path("ca.key")});
    if (!read)
      return read.error();
    authority_ = {std::move(read->ca), std::move(read->key)};
    return {};
  }

  result<void> save(const std::string& name, const tls_certificate& what) {
    MILLRACE_TRY(write_new(path(name + ".key"), what.key, owner_reads));
    made_.push_back(path(name + ".key"));
    MILLRACE_TRY(
      write_new(path(name + ".pem"), what.certificate, everyone_reads));
    made_.push_back(path(name + ".pem"));
    return {};
  }

  const cluster_cert_options& options_;
  tls_validity validity_;
  tls_certificate authority_;
  std::vector<std::string> made_;
};

int make_certificates(const cluster_cert_options& options) {
  const auto made = make_cluster_certificates(options);
  if (!made)
    return report(made.error());
  for (const auto& file : *made)
    print("made " + file + "\n");
  return exit_ok;
}

} // namespace

result<std::vector<std::string>> make_cluster_certificates(
  const cluster_cert_options& options) {
  return certificate_files{options}.make();
}

void add_cluster_cert(CLI::App& parent, command_context& context) {
  auto options = make_options<cluster_cert_options>();
  auto& command = *parent.add_subcommand(
    "cert", "Make an authority and the nodes' certificates");
  command.add_option("--dir", options->directory, "Where the files are kept")
    ->capture_default_str();
  command.add_option("--nodes", options->nodes, "Numbers of the nodes: 1,2,3")
    ->delimiter(',')
    ->check(CLI::NonNegativeNumber)
    ->capture_default_str();
  command.add_option("--days", options->days, "How long they are good")
    ->check(CLI::Range(1, 36'500))
    ->capture_default_str();
  command.footer(footer);
  set_action(command, context, [options] {
    return make_certificates(*options);
  });
}

} // namespace millrace::cli
