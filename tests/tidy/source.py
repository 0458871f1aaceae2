"""Takes comments and literals out of C++ text, line by line unharmed."""
import re

_TOKEN = re.compile(
    r'//[^\n]*'
    r'|/\*.*?\*/'
    r'|R"(?P<d>[^ ()\\\n]{0,16})\(.*?\)(?P=d)"'
    r'|"(?:\\.|[^"\\\n])*"'
    r"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'",
    re.DOTALL)


def _blank(text):
    """As many lines as there were, and nothing on them."""
    return "\n" * text.count("\n")


def strip_comments(text):
    def keep(match):
        token = match.group(0)
        if token.startswith(("//", "/*")):
            return _blank(token) or " "
        return token
    return _TOKEN.sub(keep, text)


def strip_literals(text):
    """Of text without comments: the insides of strings and characters go."""
    def empty(match):
        return '""' + _blank(match.group(0))
    return _TOKEN.sub(empty, text)
