"""A cluster of releases in a file, played to smoke.sh and switch.sh as kubectl and helm. Refuses every call it doesn't know."""

import json
import sys


def value_of(words, option):
    return next((word.partition("=")[2] for word in words if word.startswith(option + "=")), None) or words[words.index(option) + 1]


def settle(world):
    """Who may lead does, unless somebody leads already."""
    if world["leader"] is None or not world["releases"].get(world["leader"]):
        able = [name for name, size in world["releases"].items() if size and name not in world["never_leads"]]
        if any(world["releases"][name] for name in world["never_leads"]):
            able = []
        world["leader"] = able[0] if able else None


def pods(world):
    for name, size in world["releases"].items():
        for index in range(size):
            yield name, f"{name}-{index}", world["leader"] == name and index == 0


def release_of(words):
    return value_of(words, "--selector").rpartition("app.kubernetes.io/instance=")[2]


def kubectl(world, words):
    if words[:2] == ["get", "--raw"]:
        pod = words[2].rpartition("/pods/")[2].split(":")[1]
        leads = next(leads for _, name, leads in pods(world) if name == pod)
        return (0, "ready") if leads else (1, "journal: standing by: another process leads")
    assert words[:2] == ["--namespace", "production"], words
    words = words[2:]
    if words[:2] == ["get", "pods"] and "containerPort" in value_of(words, "--output"):
        return 0, "\n".join(f"{pod} 8080 HTTP" for _, pod, _ in pods(world))
    if words[:2] == ["get", "pods"]:
        return 0, "\n".join(f"{leads} {name}" for name, _, leads in pods(world))
    if words[:2] == ["get", "statefulset"]:
        return 0, str(world["releases"][release_of(words)])
    if words[:2] == ["scale", "statefulset"]:
        world["releases"][release_of(words)] = int(value_of(words, "--replicas"))
        return 0, "scaled"
    sys.exit(f"unexpected call: kubectl {words}")


def helm(world, words):
    if words[0] == "version":
        return 0, "v3.10.1"
    if words[0] == "upgrade":
        name = next(word for word in words[1:] if not word.startswith("--"))
        world["releases"][name] = int(next(word for word in words if word.startswith("replicas=")).partition("=")[2])
        return 0, "deployed"
    sys.exit(f"unexpected call: helm {words}")


def main():
    file, program, *words = sys.argv[1:]
    with open(file) as stored:
        world = json.load(stored)
    code, answer = {"kubectl": kubectl, "helm": helm}[program](world, words)
    if world["calls"]:
        settle(world)
    world["calls"].append([program, *words])
    with open(file, "w") as stored:
        json.dump(world, stored)
    print(answer)
    sys.exit(code)


if __name__ == "__main__":
    main()
