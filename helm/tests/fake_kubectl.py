"""A cluster in a file. Each call is a moment: pods leave, come back, start and take the lead between two calls.

Knows just the three calls of rollout.sh, and refuses every other one.
"""

import json
import sys

STARTS_AFTER = 3


def started(state, pod):
    return not pod["leaving"] and pod["revision"] not in state["broken"] and pod["age"] >= STARTS_AFTER


def ready(state, index):
    pod = state["pods"][index]
    return state["leader"] == index and started(state, pod) and pod["revision"] not in state["mute"]


def move_on(state):
    state["calls"] += 1
    state["seen"] = state["leader"]
    for index, pod in enumerate(state["pods"]):
        pod["age"] += 1
        if pod["leaving"]:
            pod["leaving"] -= 1
            if not pod["leaving"]:
                state["next_uid"] += 1
                state["pods"][index] = {"uid": state["next_uid"], "revision": state["target"], "age": 0, "restarts": 0, "leaving": 0}
        elif pod["revision"] in state["broken"] + state["falling"] and pod["age"] % 2 == 0:
            pod["restarts"] += 1
    give_the_lead(state)


def give_the_lead(state):
    free = [i for i, pod in enumerate(state["pods"]) if started(state, pod) and pod["revision"] not in state["falling"]]
    if state["calls"] == state["move_at"] and [i for i in free if i != state["leader"]]:
        state["leader"] = next(i for i in free if i != state["leader"])
    if state["elsewhere"] or (state["leader"] is not None and state["leader"] in free):
        return
    state["leader"] = free[0] if free else None
    if state["leader"] is None:
        state["leaderless"] += 1


def get_set(state):
    return f"7 7 {state['replicas']} {state['target']}"


def get_pod(state, index):
    pod = state["pods"][index]
    truth = {True: "true", False: "false"}
    fields = [
        f"uid-{pod['uid']}",
        pod["revision"],
        "True" if ready(state, index) else "False",
        truth[started(state, pod)],
        str(pod["restarts"]),
        "2026-01-01T00:00:00Z" if pod["leaving"] else "",
    ]
    return "|".join(fields)


def delete_pod(state, index):
    others = [pod for i, pod in enumerate(state["pods"]) if i != index]
    # A lead that moved in this very moment is nothing that the caller could have known.
    if ready(state, index) and state["seen"] == index and others and not all(started(state, pod) and pod["revision"] == state["target"] for pod in others):
        state["faults"].append(f"call {state['calls']}: pod {index} leads and the others don't stand")
    state["deleted"].append(index)
    state["pods"][index]["leaving"] = 2
    if state["leader"] == index:
        state["leader"] = None
        give_the_lead(state)
    return f'pod "fresh-drover-{index}" deleted'


def main():
    file, *words = sys.argv[1:]
    with open(file) as stored:
        state = json.load(stored)
    move_on(state)
    assert words[:2] == ["--namespace", "drover"], words
    # Scattered, or it would keep step with the caller.
    if state["flaky"] and (state["calls"] * 2_654_435_761 >> 9) % state["flaky"] == 0:
        answer = None
    elif words[2:5] == ["get", "statefulset", "fresh-drover"]:
        answer = get_set(state)
    elif words[2:4] == ["get", "pod"]:
        answer = get_pod(state, int(words[4].rpartition("-")[2]))
    elif words[2:4] == ["delete", "pod"] and words[5:] == ["--wait=false"]:
        answer = delete_pod(state, int(words[4].rpartition("-")[2]))
    else:
        sys.exit(f"unexpected call: {words}")
    with open(file, "w") as stored:
        json.dump(state, stored)
    if answer is None:
        sys.exit("the connection to the server was refused")
    print(answer)


if __name__ == "__main__":
    main()
