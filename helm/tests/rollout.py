"""The rollout script against a simulated cluster: it moves on with every call, and notes when a leader is stopped too early."""

import functools
import json
import pathlib
import shutil
import sys
import tempfile

from common import CHART, HERE, run

SCRIPT = CHART / "files" / "rollout.sh"
OLD, NEW = "drover-old", "drover-new"


def tests():
    yield "rollout: shellcheck has nothing to say", shellcheck
    yield "rollout: the leader goes last, whichever pod it is", leader_goes_last
    yield "rollout: a version that doesn't start never costs the leader", functools.partial(bad_version, "broken")
    yield "rollout: a version that starts and falls never costs the leader", functools.partial(bad_version, "falling")
    yield "rollout: a rollback mends the standby and leaves the leader alone", rollback
    yield "rollout: a site that nobody leads is mended", nobody_leads
    yield "rollout: a version that starts but can't lead is told", starts_but_never_leads
    yield "rollout: one pod, no pod, three pods", sizes
    yield "rollout: a release that stands by isn't asked to lead", standing_by
    yield "rollout: an install waits for its leader", install
    yield "rollout: nothing to do stops nobody", nothing_to_do
    yield "rollout: the lead may move at any moment", lead_moves
    yield "rollout: a Kubernetes that doesn't always answer", flaky
    yield "rollout: bad arguments are refused", bad_arguments


def cluster(pods, **more):
    """Pods as (revision, leads) in the order of their numbers."""
    state = {"target": NEW, "broken": [], "falling": [], "mute": [], "elsewhere": False, "flaky": 0, "move_at": 0}
    state.update({"calls": 0, "deleted": [], "faults": [], "leaderless": 0, "replicas": len(pods), "next_uid": len(pods)})
    state["pods"] = [{"uid": i, "revision": revision, "age": 9, "restarts": 0, "leaving": 0} for i, (revision, _) in enumerate(pods)]
    state["leader"] = next((i for i, (_, leads) in enumerate(pods) if leads), None)
    return {**state, **more}


def roll(state, want="leader", shell="sh", timeout_s=60):
    """Runs the script; gives its result and the cluster afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "cluster.json"
        file.write_text(json.dumps(state))
        kubectl = pathlib.Path(folder) / "kubectl"
        kubectl.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S -E "{HERE / "fake_kubectl.py"}" "{file}" "$@"\n')
        kubectl.chmod(0o755)
        path = f"{folder}:/usr/local/bin:/usr/bin:/bin"
        env = {"PATH": path, "TIMEOUT_S": str(timeout_s), "SETTLE_S": "0", "POLL_S": "0"}
        result = run(shell, SCRIPT, "drover", "fresh-drover", want, env=env)
        return result, json.loads(file.read_text())


def well(result, state):
    assert result.returncode == 0, result.stdout + result.stderr
    assert not state["faults"], state["faults"]
    assert all(pod["revision"] == state["target"] and not pod["leaving"] for pod in state["pods"]), state["pods"]


def shellcheck():
    scripts = [SCRIPT, HERE / "chart.sh", HERE.parent / "sync-alerts.sh", *sorted((CHART.parent.parent / "deploy").rglob("*.sh"))]
    result = run("shellcheck", *scripts)
    assert result.returncode == 0, result.stdout


def leader_goes_last():
    for shell in [shell for shell in ("sh", "dash", "bash") if shutil.which(shell)]:
        for pods, order in (([(OLD, True), (OLD, False)], [1, 0]), ([(OLD, False), (OLD, True)], [0, 1])):
            result, state = roll(cluster(pods), shell=shell)
            well(result, state)
            assert state["deleted"] == order, state["deleted"]
            assert state["leaderless"] <= 2, f"nobody led for {state['leaderless']} calls"


def bad_version(how):
    for leader in (0, 1):
        result, state = roll(cluster([(OLD, leader == 0), (OLD, leader == 1)], **{how: [NEW]}), timeout_s=3)
        assert result.returncode == 1 and "failed" in result.stderr, result.stdout + result.stderr
        assert state["leader"] == leader and state["pods"][leader]["uid"] == leader, "the leader was stopped"
        assert state["deleted"] == [1 - leader] and state["leaderless"] == 0, state["deleted"]


def rollback():
    state = cluster([(OLD, True), (NEW, False)], target=OLD, broken=[NEW])
    result, after = roll(state)
    well(result, after)
    assert after["deleted"] == [1] and after["leader"] == 0


def nobody_leads():
    result, state = roll(cluster([(OLD, False), (OLD, False)], broken=[OLD]))
    well(result, state)
    assert state["leader"] is not None


def starts_but_never_leads():
    result, _ = roll(cluster([(OLD, True), (OLD, False)], mute=[NEW]), timeout_s=3)
    assert result.returncode == 1 and "to lead" in result.stderr, result.stderr


def sizes():
    for pods in ([(OLD, True)], [], [(OLD, False), (OLD, True), (OLD, False)]):
        result, state = roll(cluster(pods))
        well(result, state)


def standing_by():
    result, state = roll(cluster([(OLD, False)], elsewhere=True), want="standby")
    well(result, state)
    result, _ = roll(cluster([(OLD, False)], elsewhere=True), want="leader", timeout_s=3)
    assert result.returncode == 1, "it was content without a leader"


def install():
    fresh = cluster([(NEW, False), (NEW, False)])
    for pod in fresh["pods"]:
        pod["age"] = 0
    result, state = roll(fresh)
    well(result, state)
    assert not state["deleted"] and state["leader"] is not None


def nothing_to_do():
    result, state = roll(cluster([(NEW, True), (NEW, False)]))
    well(result, state)
    assert not state["deleted"]


def lead_moves():
    for call in range(2, 26):
        result, state = roll(cluster([(OLD, True), (OLD, False)], move_at=call))
        well(result, state)


def flaky():
    for every in (2, 3, 5):
        result, state = roll(cluster([(OLD, True), (OLD, False)], flaky=every))
        well(result, state)


def bad_arguments():
    assert run("sh", SCRIPT).returncode != 0
    assert run("sh", SCRIPT, "drover", "fresh-drover", "boss").returncode == 2
