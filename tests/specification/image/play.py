"""play.py DOCKERFILE CONTEXT FOLDER SEED: does what `docker build` would do with DOCKERFILE, as far as that goes without an
engine. Each stage is a folder in FOLDER, filled by COPY as .dockerignore allows; RUN runs there, on this machine, which
stands in for the base image. SEED is a folder of cargo's with compiled dependencies, so that only our own crates are
compiled. Prints, as JSON, where the last stage's file system is and what an engine would start in it."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path


def pattern(text):
    """A pattern of .dockerignore as a regular expression; it also matches all below what it matches."""
    words = re.split(r"(\*\*/?|\*|\?)", text.strip("/"))
    meaning = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return re.compile("".join(meaning.get(word, re.escape(word)) for word in words) + "(?:/.*)?")


def context_of(folder):
    """The files that .dockerignore lets through, by their paths: the last pattern that matches decides."""
    lines = (line.strip() for line in (folder / ".dockerignore").read_text().splitlines())
    rules = [(line[0] != "!", pattern(line.lstrip("!"))) for line in lines if line and line[0] != "#"]

    def is_ignored(path):
        return next((ignores for ignores, rule in reversed(rules) if rule.fullmatch(path)), False)

    listed = subprocess.run(
        ["git", "-C", folder, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        check=True, capture_output=True, text=True,
    ).stdout.split("\0")
    return sorted(path for path in listed if path and (folder / path).is_file() and not is_ignored(path))


def instructions_of(dockerfile):
    lines = [line for line in dockerfile.read_text().splitlines() if not line.startswith("#")]
    for line in re.sub(r"\\\n", " ", "\n".join(lines)).splitlines():
        if line.strip():
            word, rest = line.split(maxsplit=1)
            yield word, rest.strip()


class Stage:
    def __init__(self, folder):
        self.folder, self.work, self.environment, self.starts = folder, "/", {}, {}

    def place(self, path):
        return self.folder / os.path.join(self.work, path).lstrip("/")


class Play:
    def __init__(self, context, folder, seed):
        self.context, self.files, self.folder, self.seed = context, context_of(context), folder, seed
        self.arguments, self.stages, self.stage = {}, {}, None

    def from_(self, rest):
        base, _, name = rest.partition(" AS ")
        if base in self.stages:  # goes on in its folder: nobody else may build on it
            self.stage = self.stages.pop(base)
        else:
            self.stage = Stage(self.folder / (name or "image"))
            self.stage.folder.mkdir(parents=True)
            if base != "scratch":
                print(f"this machine stands in for {base}", file=sys.stderr)
        self.stages[name or "image"] = self.stage

    def arg(self, rest):
        name, given, value = rest.partition("=")
        if self.stage is None:
            self.arguments[name] = value
        else:
            self.stage.environment[name] = value if given else self.arguments[name]

    def workdir(self, rest):
        self.stage.work = rest
        self.stage.folder.joinpath(rest.lstrip("/")).mkdir(parents=True, exist_ok=True)
        if self.seed:
            plant(self.seed, self.stage.place("target/release"))
            self.seed = None

    def copy(self, rest):
        words = rest.split()
        if words[0].startswith("--from="):
            _, source, target = words
            source = self.stages[words[0].removeprefix("--from=")].place(source)
            shutil.copytree(source, self.stage.place(target), symlinks=True, dirs_exist_ok=True)
            return
        *sources, target = words
        for source in sources:
            found = [path for path in self.files if path == source or path.startswith(source + "/")]
            if not found:
                sys.exit(f"COPY {rest}: .dockerignore lets nothing of {source} through")
            for path in found:
                is_file = path == source
                # A folder's contents, a file under its own name where the target ends in a slash.
                below = os.path.basename(path) if target.endswith("/") or target == "." else ""
                place = self.stage.place(os.path.join(target, below if is_file else os.path.relpath(path, source)))
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(self.context / path, place)

    def run(self, rest):
        print(f"RUN {rest}", file=sys.stderr)
        outer = {name: value for name, value in os.environ.items() if not name.startswith("CARGO_TARGET")}
        subprocess.run(
            ["sh", "-ec", rest], cwd=self.stage.place("."), env=outer | self.stage.environment,
            stdout=sys.stderr, check=True,
        )

    def healthcheck(self, rest):
        self.stage.starts["healthcheck"] = json.loads(rest.partition("CMD ")[2])

    def env(self, rest):
        self.stage.starts.setdefault("env", {}).update(word.split("=", 1) for word in shlex.split(rest))

    def other(self, word, rest):
        """What is written into the image's description."""
        self.stage.starts[word.lower()] = json.loads(rest) if rest.startswith("[") else rest


def plant(seed, target):
    """What is compiled already, without our own crates; by links, since nobody writes into it."""
    ours = re.compile(r"(lib)?monte[-_]carlo")
    target.mkdir(parents=True)

    def link(source, place):
        try:
            os.link(source, place)
        except OSError:  # another file system
            shutil.copy2(source, place)

    def without_ours(_, names):
        return [name for name in names if ours.match(name)]

    for folder, put in (("deps", link), ("build", link), (".fingerprint", shutil.copy2)):
        if (seed / folder).is_dir():
            shutil.copytree(seed / folder, target / folder, symlinks=True, ignore=without_ours, copy_function=put)


def main():
    dockerfile, context, folder, seed = (Path(argument).resolve() for argument in sys.argv[1:])
    play = Play(context, folder, seed)
    known = {"FROM": play.from_, "ARG": play.arg, "WORKDIR": play.workdir, "COPY": play.copy, "RUN": play.run,
             "HEALTHCHECK": play.healthcheck, "ENV": play.env}
    described = {"LABEL", "USER", "EXPOSE", "STOPSIGNAL", "ENTRYPOINT", "CMD"}
    for word, rest in instructions_of(dockerfile):
        if word in known:
            known[word](rest)
        elif word in described:
            play.other(word, rest)
        else:
            sys.exit(f"{word}: this test does not know what an engine would do; teach it")
    print(json.dumps({"root": str(play.stage.folder), **play.stage.starts}))


main()
