"""The project's files as the style tests see them."""

import functools
import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
LIBRARIES = ("base", "bus", "docker_client", "http_api", "agent")


@functools.lru_cache(maxsize=1)
def tracked():
    """Every tracked file that exists, as paths relative to the top."""
    names = subprocess.run(["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z"], cwd=ROOT,
                           capture_output=True, text=True, check=True).stdout.split("\0")
    return [pathlib.Path(name) for name in names if name and (ROOT / name).is_file()]


def read(path):
    return (ROOT / path).read_text(encoding="utf-8", errors="replace")


def sources(*folders, suffixes=(".cpp", ".hpp")):
    """Tracked C++ files, of these top folders only when some are given."""
    return [path for path in tracked() if path.suffix in suffixes
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
