#include "apps/cli/completion.hpp"

#include "apps/cli/command.hpp"

#include <vector>

namespace millrace::cli {
namespace {

/// One command: `topic create`, with what may follow it.
struct node {
  std::string path; ///< words after the program's name, separated by blanks
  std::string help;
  std::vector<const CLI::App*> commands;
  std::vector<const CLI::Option*> options;
};

void collect(
  const CLI::App& at, const std::string& path, std::vector<node>& out) {
  node n{path, at.get_description(), at.get_subcommands([](const CLI::App*) {
           return true;
         }),
    {}};
  for (const auto* option : at.get_options([](const CLI::Option*) {
         return true;
       }))
    if (!option->get_positional() || option->nonpositional())
      n.options.push_back(option);
  out.push_back(n);
  for (const auto* command : n.commands)
    collect(*command,
      path.empty() ? command->get_name() : path + " " + command->get_name(),
      out);
}

std::vector<std::string> names_of(const CLI::Option& option) {
  std::vector<std::string> names;
  for (const auto& name : option.get_snames())
    names.push_back("-" + name);
  for (const auto& name : option.get_lnames())
    names.push_back("--" + name);
  return names;
}

bool takes_value(const CLI::Option& option) {
  return option.get_items_expected_max() > 0;
}

/// The words of an IsMember check, found in its text: `{a,b}`.
std::vector<std::string> words_of(const CLI::Option& option) {
  std::vector<std::string> words;
  const auto text = option.get_type_name();
  const auto open = text.find('{');
  const auto close = text.find('}', open);
  if (open == std::string::npos || close == std::string::npos)
    return words;
  std::string word;
  for (auto c : text.substr(open + 1, close - open - 1) + ",") {
    if (c != ',') {
      word += c;
      continue;
    }
    words.push_back(word);
    word.clear();
  }
  return words;
}

bool takes_file(const CLI::Option& option) {
  const auto text = option.get_type_name();
  return text.find("FILE") != std::string::npos
         || text.find("DIR") != std::string::npos;
}

std::string join(
  const std::vector<std::string>& words, const std::string& between) {
  std::string out;
  for (const auto& word : words)
    out += (out.empty() ? "" : between) + word;
  return out;
}

std::string function_name(const std::string& path) {
  std::string name = "__millrace";
  for (auto c : path.empty() ? path : " " + path)
    name += c == ' ' || c == '-' ? '_' : c;
  return name;
}

/// For single quotes of a POSIX shell.
std::string shell_quoted(const std::string& text) {
  std::string out = "'";
  for (auto c : text)
    out += c == '\'' ? std::string{"'\\''"} : std::string(1, c);
  return out + "'";
}

std::string bash_script(const std::vector<node>& nodes) {
  std::string out = R"(# bash completion of millrace
_millrace() {
  local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}
  local path= i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$path ${COMP_WORDS[i]}" in
)";
  for (const auto& n : nodes)
    if (!n.path.empty())
      out += "      '"
             + (n.path.find(' ') == std::string::npos ? " " + n.path : n.path)
             + "') path='" + n.path + "' ;;\n";
  out += "    esac\n  done\n  local words=\n  case \"$path:$previous\" in\n";
  for (const auto& n : nodes) {
    for (const auto* option : n.options) {
      const auto words = words_of(*option);
      std::vector<std::string> patterns;
      for (const auto& name : names_of(*option))
        patterns.push_back(shell_quoted(n.path + ":" + name));
      if (!words.empty())
        out += "    " + join(patterns, "|") + ") words='" + join(words, " ")
               + "' ;;\n";
      else if (takes_file(*option))
        out += "    " + join(patterns, "|")
               + ") COMPREPLY=($(compgen -f -- \"$word\")); return ;;\n";
      else if (takes_value(*option))
        out += "    " + join(patterns, "|") + ") return ;;\n";
    }
  }
  out += "    *) case \"$path\" in\n";
  for (const auto& n : nodes) {
    std::vector<std::string> words;
    for (const auto* command : n.commands)
      words.push_back(command->get_name());
    for (const auto* option : n.options)
      for (const auto& name : names_of(*option))
        words.push_back(name);
    out += "      '" + n.path + "') words='" + join(words, " ") + "' ;;\n";
  }
  return out + R"(    esac ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -F _millrace millrace
)";
}

/// For the brackets and colons of zsh's _arguments.
std::string zsh_text(const std::string& text) {
  std::string out;
  for (auto c : text) {
    if (c == '[' || c == ']' || c == ':' || c == '\\')
      out += '\\';
    out += c == '\n' ? ' ' : c;
  }
  return out;
}

std::string zsh_option(const CLI::Option& option) {
  const auto names = names_of(option);
  std::string out;
  for (const auto& name : names) {
    std::string spec = names.size() > 1 ? "(" + join(names, " ") + ")" : "";
    spec += name + "[" + zsh_text(option.get_description()) + "]";
    const auto words = words_of(option);
    if (!words.empty())
      spec += ":value:(" + join(words, " ") + ")";
    else if (takes_file(option))
      spec += ":file:_files";
    else if (takes_value(option))
      spec += ":value: ";
    out += " \\\n    " + shell_quoted(spec);
  }
  return out;
}

std::string zsh_script(const std::vector<node>& nodes) {
  std::string out = "#compdef millrace\n# zsh completion of millrace\n";
  for (const auto& n : nodes) {
    out += function_name(n.path) + "() {\n";
    if (n.commands.empty()) {
      out += "  _arguments -s";
      for (const auto* option : n.options)
        out += zsh_option(*option);
      out += " \\\n    '*: :'\n}\n";
      continue;
    }
    out += "  local line state\n  _arguments -C";
    for (const auto* option : n.options)
      out += zsh_option(*option);
    out += " \\\n    '1: :->command' '*::arg:->args'\n"
           "  case $state in\n    command)\n      local -a commands=(\n";
    for (const auto* command : n.commands)
      out += "        "
             + shell_quoted(
               command->get_name() + ":" + zsh_text(command->get_description()))
             + "\n";
    out += "      )\n      _describe command commands ;;\n    args)\n"
           "      case $line[1] in\n";
    for (const auto* command : n.commands)
      out += "        " + command->get_name() + ") "
             + function_name(
               (n.path.empty() ? "" : n.path + " ") + command->get_name())
             + " ;;\n";
    out += "      esac ;;\n  esac\n}\n";
  }
  return out + "compdef __millrace millrace\n";
}

/// `__fish_seen_subcommand_from` for each word of a path.
std::string fish_condition(const node& n) {
  if (n.path.empty())
    return "__fish_use_subcommand";
  std::string condition;
  std::string rest = n.path + " ";
  while (!rest.empty()) {
    const auto blank = rest.find(' ');
    condition += (condition.empty() ? "" : "; and ")
                 + std::string{"__fish_seen_subcommand_from "}
                 + rest.substr(0, blank);
    rest.erase(0, blank + 1);
  }
  if (n.commands.empty())
    return condition;
  std::vector<std::string> below;
  for (const auto* command : n.commands)
    below.push_back(command->get_name());
  return condition + "; and not __fish_seen_subcommand_from "
         + join(below, " ");
}

std::string fish_text(const std::string& text) {
  std::string out = "'";
  for (auto c : text) {
    if (c == '\'' || c == '\\')
      out += '\\';
    out += c;
  }
  return out + "'";
}

std::string fish_script(const std::vector<node>& nodes) {
  std::string out = "# fish completion of millrace\ncomplete -c millrace -f\n";
  for (const auto& n : nodes) {
    const auto head = "complete -c millrace -n " + fish_text(fish_condition(n));
    for (const auto* command : n.commands)
      out += head + " -a " + command->get_name() + " -d "
             + fish_text(command->get_description()) + "\n";
    for (const auto* option : n.options) {
      out += head;
      for (const auto& name : option->get_snames())
        out += " -s " + name;
      for (const auto& name : option->get_lnames())
        out += " -l " + name;
      const auto words = words_of(*option);
      if (takes_file(*option))
        out += " -r -F";
      else if (!words.empty())
        out += " -x -a " + fish_text(join(words, " "));
      else if (takes_value(*option))
        out += " -x";
      out += " -d " + fish_text(option->get_description()) + "\n";
    }
  }
  return out;
}

} // namespace

std::string completion_script(const CLI::App& root, shell which) {
  std::vector<node> nodes;
  collect(root, "", nodes);
  switch (which) {
  case shell::bash:
    return bash_script(nodes);
  case shell::zsh:
    return zsh_script(nodes);
  default:
    return fish_script(nodes);
  }
}

void add_completion(CLI::App& parent, command_context& context) {
  auto* command = parent.add_subcommand(
    "completion", "Print a completion script for your shell");
  auto which = make_options<std::string>();
  command->add_option("SHELL", *which, "bash, zsh or fish")
    ->required()
    ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  command->footer(R"(
Examples:
  source <(millrace completion bash)
  millrace completion zsh > "${fpath[1]}/_millrace"
  millrace completion fish > ~/.config/fish/completions/millrace.fish)");
  set_action(*command, context, [&parent, which] {
    print(completion_script(parent, *which == "bash"  ? shell::bash
                                    : *which == "zsh" ? shell::zsh
                                                      : shell::fish));
    return static_cast<int>(exit_ok);
  });
}

} // namespace millrace::cli
