"""Running Debian's clang tools over the sources, with results remembered by content."""

import concurrent.futures
import functools
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess

from tree import ROOT, read, sources

BUILD = ROOT / "build" / "lint"
REMEMBERED = BUILD / "passed"  # One empty file per clean result, named by what was looked at.

# What g++ 12.2 compiles wrongly, without a warning. A struct without a constructor, braced inside a
# co_await expression, and a capturing lambda there, are destroyed twice, and so is the result of a
# conditional with a co_await in it, or of one in a co_await expression that makes a temporary; a
# co_await in a condition breaks the coroutine's frame.
AGGREGATE = ("cxxBindTemporaryExpr(has(expr(anyOf(initListExpr(), lambdaExpr()))), "
             "hasAncestor(coawaitExpr()))")
CHOSEN = ("conditionalOperator(hasAncestor(coawaitExpr()), "
          "anyOf(hasTrueExpression(cxxBindTemporaryExpr()), "
          "hasFalseExpression(cxxBindTemporaryExpr())))")
CONDITION = "hasCondition(anyOf(coawaitExpr(), hasDescendant(coawaitExpr())))"
OURS = "isExpansionInFileMatching(\"[.]cpp$\")"  # No library's header is named so.
COAWAIT_QUERY = (f"match stmt({OURS}, anyOf({AGGREGATE}, {CHOSEN}, ifStmt({CONDITION}), "
                 f"whileStmt({CONDITION}), switchStmt({CONDITION}), "
                 "conditionalOperator(hasDescendant(coawaitExpr()))))")


@functools.lru_cache(maxsize=1)
def database():
    """Folder of a compile_commands.json that clang understands: without gcc's own flags. Several
    sources are one unit there: what clang takes time for is the headers that they all include."""
    subprocess.run(["cmake", "--preset", "dev", "-B", str(BUILD), "-DDOCKHERD_FUZZ=ON",
                    "-DCMAKE_UNITY_BUILD=ON",
                    "-DDOCKHERD_BENCH=" + str((ROOT / "bench/CMakeLists.txt").exists())],
                   cwd=ROOT, check=True, capture_output=True)
    entries = json.loads((BUILD / "compile_commands.json").read_text())
    for entry in entries:
        entry["command"] = re.sub(r"-include \S*cmake_pch\.hxx|-Winvalid-pch|-fpch-preprocess", "",
                                  entry["command"])
    folder = BUILD / "clang"
    folder.mkdir(exist_ok=True)
    (folder / "compile_commands.json").write_text(json.dumps(entries, indent=1))
    return folder


@functools.lru_cache(maxsize=1)
def units():
    """What the compiler is given -> the sources in it, which are in no unit before."""
    found, known = {}, set()
    for entry in json.loads((database() / "compile_commands.json").read_text()):
        unit = pathlib.Path(entry["file"])
        files = [str(unit)]
        if unit.is_relative_to(BUILD):
            files = re.findall(r'#include "(/.+\.cpp)"', unit.read_text())
        new = {str(pathlib.Path(file).relative_to(ROOT)) for file in files} - known
        if new:
            found[unit] = sorted(new)
        known |= new
    return found


def units_of(*folders):
    """The units with sources of these top folders, of all when none are given."""
    wanted = {str(path) for path in sources(*folders, suffixes=(".cpp",))}
    return [unit for unit, files in units().items() if wanted & set(files)]


@functools.lru_cache(maxsize=None)
def _with_own_headers(path):
    """The text of a unit's files and of every header of ours that they include, directly or not."""
    seen, todo, texts = set(), units().get(path, [str(path)]).copy(), []
    while todo:
        name = todo.pop()
        if name in seen or not (ROOT / name).is_file():
            continue
        seen.add(name)
        text = read(name)
        texts.append(f"{name}\n{text}")
        todo += re.findall(r'^#include "([^"]+)"', text, re.MULTILINE)
    return "\n".join(sorted(texts))


def key_of(tool, path, settings):
    digest = hashlib.sha256()
    for part in (tool, settings, _with_own_headers(path)):
        digest.update(part.encode())
    return digest.hexdigest()


def over(paths, tool, settings, look):
    """Runs look(path) -> findings as text ("" = clean) over the paths, two or more at a time."""
    REMEMBERED.mkdir(parents=True, exist_ok=True)

    def one(path):
        mark = REMEMBERED / key_of(tool, path, settings)
        if mark.exists():
            return ""
        findings = look(path)
        if not findings:
            mark.touch()
        return findings

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return "\n".join(filter(None, pool.map(one, paths)))


def _run(command):
    return subprocess.run([str(part) for part in command], cwd=ROOT, capture_output=True,
                          text=True, check=False)


def tidy(path, compile_arguments=None):
    """clang-tidy's findings as text, "" when there are none."""
    where = ["--", *compile_arguments] if compile_arguments else []
    database_option = [] if compile_arguments else ["-p", database()]
    result = _run(["clang-tidy-14", *database_option, "--quiet",
                   # A unit includes sources, and that is as it should be.
                   "--checks=-bugprone-suspicious-include",
                   f"--config-file={ROOT / '.clang-tidy'}", ROOT / path, *where])
    if result.returncode == 0 and "error:" not in result.stdout:
        return ""
    return result.stdout + result.stderr


def query_coawait(path, compile_arguments=None):
    """Places where g++ 12 would compile a co_await wrongly, "" when there are none."""
    where = ["--", *compile_arguments] if compile_arguments else []
    database_option = [] if compile_arguments else ["-p", database()]
    result = _run(["clang-query-14", *database_option, "-c", COAWAIT_QUERY, ROOT / path, *where])
    if result.returncode == 0 and re.search(r"^0 matches\.$", result.stdout, re.MULTILINE):
        return ""
    return result.stdout + result.stderr


def format_differences(paths):
    result = _run(["clang-format-14", "--dry-run", "-Werror", *paths])
    return result.stderr if result.returncode != 0 else ""


def missing_tools():
    return [name for name in ("clang-tidy-14", "clang-query-14", "clang-format-14")
            if not shutil.which(name)]
