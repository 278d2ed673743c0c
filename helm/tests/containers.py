"""The container files: what they copy exists, nothing moves, nobody is root, and the last stage holds no tools."""

import functools
import re

from common import ROOT, run

FOLDER = ROOT / "deploy" / "containers"
FILES = {"drover": FOLDER / "drover.Containerfile", "drover-agent": FOLDER / "drover-agent.Containerfile"}
LABELS = {"title", "description", "source", "licenses", "version", "revision"}
TOOLS = re.compile(r"\b(rust|cargo|node|npm|gcc|buildpack|golang|jdk)\b|:debug")


def tests():
    for name in FILES:
        yield f"containers: {name}: hadolint has nothing to say", functools.partial(hadolint, name)
        for check in (bases_are_pinned, copies_exist, locked_and_cached, ends_small_and_unprivileged, ignores_all_but_its_sources):
            yield f"containers: {name}: {check.__doc__}", functools.partial(check, name)
    yield "containers: the toolchain is new enough for the workspace", toolchain_is_new_enough


def instructions(name):
    """Instruction and rest of every line, continued lines joined, comments left out."""
    lines = [line for line in FILES[name].read_text().splitlines() if line.strip() and not line.lstrip().startswith("#")]
    text = "\n".join(lines).replace("\\\n", " ")
    return [tuple(line.split(None, 1)) for line in text.splitlines()]


def stages(name):
    """Per stage: its base with every variable filled in, its name, its instructions."""
    defaults, found = {}, []
    for word, rest in instructions(name):
        if word == "ARG" and not found:
            key, _, value = rest.partition("=")
            defaults[key] = value
        elif word == "FROM":
            base, _, alias = rest.partition(" AS ")
            base = re.sub(r"\$\{(\w+)\}", lambda match: defaults[match[1]], base)
            found.append((base, alias, []))
        elif found:
            found[-1][2].append((word, rest))
    return found


def copies(name):
    """Source paths with the stage they come from (None = the repository), per COPY."""
    for _, alias, steps in stages(name):
        for word, rest in steps:
            if word != "COPY":
                continue
            words = rest.split()
            options = [word for word in words if word.startswith("--")]
            stage = next((option.partition("=")[2] for option in options if option.startswith("--from=")), None)
            for source in [word for word in words if not word.startswith("--")][:-1]:
                yield alias, stage, source


def hadolint(name):
    result = run("hadolint", FILES[name])
    assert result.returncode == 0, result.stdout + result.stderr


def bases_are_pinned(name):
    """every base has a version, and every stage a name"""
    for base, alias, _ in stages(name):
        tag = base.rsplit("/", 1)[-1].partition(":")[2]
        assert tag and tag != "latest", f"{base} has no version"
        assert re.search(r"\d", base.rsplit("/", 1)[-1]), f"{base} has no version"
        assert alias, f"the stage of {base} has no name"


def copies_exist(name):
    """what it copies exists, in the repository or in a stage before"""
    seen = []
    missing = []
    for alias, stage, source in copies(name):
        if alias not in seen:
            seen.append(alias)
        if stage is None:
            missing += [] if (ROOT / source).exists() else [source]
        else:
            assert stage in seen[:-1], f"COPY --from={stage}: no such stage before {alias}"
    assert not missing, f"not in the repository: {missing}"
    words = (ROOT / "Cargo.toml").read_text()
    members = re.findall(r'"([^"]+)"', words[words.index("members"):words.index("]", words.index("members"))])
    sources = [source for _, stage, source in copies(name) if stage is None]
    left_out = [member for member in members if not any(member == source or member.startswith(source + "/") for source in sources)]
    assert not left_out, f"cargo needs every member of the workspace: {left_out}"


def locked_and_cached(name):
    """it builds what the lock files say, with caches"""
    runs = [rest for _, _, steps in stages(name) for word, rest in steps if word == "RUN"]
    cargo = [rest for rest in runs if "cargo build" in rest]
    assert len(cargo) == 1 and "--locked" in cargo[0] and "--release" in cargo[0] and "--mount=type=cache" in cargo[0], cargo
    assert not [rest for rest in runs if re.search(r"npm (i|install)\b", rest)], "npm install changes the lock file: npm ci"
    for rest in runs:
        assert not re.search(r"curl|wget|ADD https?:", rest), f"fetches something nobody checks: {rest}"


def ends_small_and_unprivileged(name):
    """the last stage holds no tools, runs nothing at build time, and isn't root"""
    base, _, steps = stages(name)[-1]
    assert not TOOLS.search(base), f"{base} carries build tools"
    words = [word for word, _ in steps]
    assert "RUN" not in words and "ADD" not in words, "the last stage only takes what is built"
    user = next(rest for word, rest in steps if word == "USER")
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user), f"USER {user}: Kubernetes can only tell from a number that it isn't root"
    assert words.index("USER") > max(i for i, word in enumerate(words) if word == "COPY")
    assert "HEALTHCHECK" not in words and "No HEALTHCHECK" in FILES[name].read_text()
    entry = next(rest for word, rest in steps if word == "ENTRYPOINT")
    assert entry == f'["/usr/local/bin/{name}"]', entry
    labels = " ".join(rest for word, rest in steps if word == "LABEL")
    missing = [label for label in LABELS if f"org.opencontainers.image.{label}=" not in labels]
    assert not missing, f"labels: {missing}"


def ignores_all_but_its_sources(name):
    """nothing but its sources enters the build"""
    lines = (FOLDER / f"{FILES[name].name}.dockerignore").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "**", "it must begin with nothing"
    let_in = [rule[1:] for rule in rules if rule.startswith("!")]
    for _, stage, source in copies(name):
        if stage is None:
            assert any(source == rule or source.startswith(rule + "/") for rule in let_in), f"{source} is ignored"
    unused = [rule for rule in let_in if not any(source == rule or source.startswith(rule + "/") for _, stage, source in copies(name) if stage is None)]
    assert not unused, f"let in for nothing: {unused}"
    assert {"**/target", "**/node_modules"} <= set(rules)


def toolchain_is_new_enough():
    wanted = re.search(r'rust-version = "(\d+)\.(\d+)', (ROOT / "Cargo.toml").read_text())
    for name in FILES:
        image = next(base for base, _, _ in stages(name) if "rust" in base)
        found = re.search(r":(\d+)\.(\d+)", image)
        assert (int(found[1]), int(found[2])) >= (int(wanted[1]), int(wanted[2])), image
        assert f"RUSTUP_TOOLCHAIN={image.rpartition(':')[2].partition('-')[0]}" in FILES[name].read_text(), "another toolchain than the image's"
