"""The project's files as the style tests see them."""

import functools
import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
LIBRARIES = ("base", "trust", "bus", "docker_client", "http_api", "engine_api", "agent")


@functools.lru_cache(maxsize=None)
def project_files(root=ROOT):
    """Every file that exists and that git does not ignore, added or not, as paths relative to the
    top: what is new is looked at before it is committed."""
    names = subprocess.run(
        ["git", "-c", f"safe.directory={root}", "ls-files", "-z", "-co", "--exclude-standard"],
        cwd=root, capture_output=True, text=True, check=True).stdout.split("\0")
    return [pathlib.Path(name) for name in sorted(set(names)) if name and (root / name).is_file()]


def read(path):
    return (ROOT / path).read_text(encoding="utf-8", errors="replace")


def sources(*folders, suffixes=(".cpp", ".hpp")):
    """The C++ files, of these top folders only when some are given."""
    return [path for path in project_files() if path.suffix in suffixes
            and (not folders or path.parts[0] in folders)]


_TOKEN = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(?P<mark>[^(\s]{0,16})\(.*?\)(?P=mark)"'
    r'|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])\'', re.DOTALL)


def code_only(text):
    """C++ without comments and without what string literals hold; line numbers stay."""
    def blank(match):
        lines = "\n" * match.group().count("\n")
        return lines if match.group().startswith("/") else f'"{lines}"'

    # A preprocessor's include keeps its name: the include check reads the text itself.
    return _TOKEN.sub(blank, text)
