"""The pipelines: valid for their systems, naming only what exists; the switch from blue to green, and back when it fails."""

import functools
import json
import os
import pathlib
import re
import shutil
import tempfile

import yaml

from common import HERE, ROOT, documents, run

FOLDER = ROOT / "deploy" / "pipeline"
SCHEMAS = {"github-actions.yaml": "vendor.github-workflows", "gitlab-ci.yaml": "vendor.gitlab-ci"}


def tests():
    for name in SCHEMAS:
        yield f"pipeline: {name}: it fits its system's schema", functools.partial(fits, name)
        yield f"pipeline: {name}: what it runs exists", functools.partial(names_what_exists, name)
        yield f"pipeline: {name}: every gate is there, and production waits for them", functools.partial(gates, name)
    yield "pipeline: the schema sees what is wrong", schema_bites
    yield "pipeline: smoke tells a led site from one that isn't", smoke
    yield "pipeline: the switch passes the lead on, either way", switch
    yield "pipeline: a version that doesn't lead gives the lead back", switch_back
    yield "pipeline: nothing is switched when neither of the two leads", switch_refuses


def fits(name):
    text = (FOLDER / name).read_text()
    assert len(documents(text)) == 1
    transform = ["--data-transform", "gitlab-ci"] if "gitlab" in name else []
    result = run("check-jsonschema", "--builtin-schema", SCHEMAS[name], *transform, FOLDER / name)
    assert result.returncode == 0, result.stdout + result.stderr


def schema_bites():
    for name, schema in SCHEMAS.items():
        with tempfile.TemporaryDirectory() as folder:
            wrong = pathlib.Path(folder) / name
            wrong.write_text((FOLDER / name).read_text().replace("    runs-on:", "    run-on:").replace("  script:", "  scripts: 7\n  script: 7\n  x:"))
            assert run("check-jsonschema", "--builtin-schema", schema, wrong).returncode != 0, name


def scripts_of(name):
    """Every command line of the pipeline, as one text."""
    def walk(part):
        if isinstance(part, dict):
            for key, value in part.items():
                if key in ("run", "script"):
                    yield from [value] if isinstance(value, str) else value
                else:
                    yield from walk(value)
        elif isinstance(part, list):
            for value in part:
                yield from walk(value)

    return "\n".join(walk(yaml.safe_load((FOLDER / name).read_text())))


def names_what_exists(name):
    text = scripts_of(name)
    paths = set(re.findall(r"\b((?:helm|deploy|scripts)/[A-Za-z0-9_./-]+)", text))
    assert {"helm/tests/chart.sh", "helm/drover", "deploy/pipeline/smoke.sh", "deploy/pipeline/switch.sh"} <= paths, paths
    for path in paths - {"deploy/containers/"}:
        assert (ROOT / path).exists(), f"{path} doesn't exist"
        assert not path.endswith(".sh") or os.access(ROOT / path, os.X_OK), f"{path} isn't executable"
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"^make (\w+)", text, re.M):
        assert re.search(rf"^{target}:", makefile, re.M), f"the Makefile has no {target}"
    programs = re.search(r"(?:program|PROGRAM): \[([^\]]+)\]", (FOLDER / name).read_text())[1].split(", ")
    for program in programs:
        assert (ROOT / f"deploy/containers/{program}.Containerfile").exists(), program


def gates(name):
    text = scripts_of(name)
    for gate in ("make check", "make test", "drover-sim swarm", "chart.sh", "--atomic", "smoke.sh", "switch.sh"):
        assert gate in text, f"{gate} is missing"
    pipeline = yaml.safe_load((FOLDER / name).read_text())
    assert "trivy" in (FOLDER / name).read_text()
    if "jobs" in pipeline:
        waits = {job: set([part["needs"]] if isinstance(part.get("needs"), str) else part.get("needs", [])) for job, part in pipeline["jobs"].items()}
        before = set()
        todo = ["production"]
        while todo:
            todo += [job for job in waits[todo.pop()] - before if not before.add(job)]
        assert {"check", "simulator", "chart", "images", "staging"} <= before, before
    else:
        stages = pipeline["stages"]
        order = [stages.index(pipeline[job]["stage"] if "stage" in pipeline[job] else "check") for job in ("check", "simulator", "chart", "images", "staging", "production")]
        assert order == sorted(order) and order[3] > order[2] and order[5] > order[4], order


def stage(script, world, *arguments):
    """Runs a script where kubectl and helm are played by fake_stage.py; gives its result and the world afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "world.json"
        file.write_text(json.dumps({"calls": [], "never_leads": [], "leader": None, **world}))
        for program in ("kubectl", "helm"):
            shim = pathlib.Path(folder) / program
            shim.write_text(f'#!/bin/sh\nexec python3 -S -E "{HERE / "fake_stage.py"}" "{file}" {program} "$@"\n')
            shim.chmod(0o755)
        path = f"{folder}:{pathlib.Path(shutil.which('python3')).parent}:/usr/bin:/bin"
        result = run("bash", FOLDER / script, *arguments, env={"PATH": path, "LEAD_S": "2", "POLL_S": "0"})
        return result, json.loads(file.read_text())


def smoke():
    for never, code in (([], 0), (["blue"], 1)):
        world = {"releases": {"blue": 2}, "leader": None, "never_leads": never}
        result, _ = stage("smoke.sh", world, "production", "fresh-dc", "3")
        assert result.returncode == code, result.stdout + result.stderr
        assert "standing by" in result.stdout + result.stderr, "what the pods say isn't shown"


def switch():
    for leader, other in (("blue", "green"), ("green", "blue")):
        world = {"releases": {leader: 2, other: 0}, "leader": leader}
        result, after = stage("switch.sh", world, "production", "fresh-dc", "blue", "green", "--set", "image.tag=2")
        assert result.returncode == 0, result.stdout + result.stderr
        assert after["leader"] == other and after["releases"] == {leader: 0, other: 2}, after
        upgrades = [call for call in after["calls"] if call[0] == "helm" and call[1] == "upgrade"]
        assert len(upgrades) == 2 and all("--atomic" in call and "image.tag=2" in call and other in call for call in upgrades), upgrades
        assert "standby=true" in upgrades[0] and "standby=false" in upgrades[1], upgrades


def switch_back():
    world = {"releases": {"blue": 2, "green": 0}, "leader": "blue", "never_leads": ["green"]}
    result, after = stage("switch.sh", world, "production", "fresh-dc", "blue", "green")
    assert result.returncode == 1 and "blue leads again" in result.stderr, result.stdout + result.stderr
    assert after["leader"] == "blue" and after["releases"] == {"blue": 2, "green": 0}, after


def switch_refuses():
    for leader in (None, "other"):
        world = {"releases": {"blue": 2, "green": 0, "other": 1}, "leader": leader}
        result, after = stage("switch.sh", world, "production", "fresh-dc", "blue", "green")
        assert result.returncode == 1 and "nothing was changed" in result.stderr, result.stderr
        assert after["releases"] == world["releases"]
