"""What must hold among the objects that the chart renders. Each check takes all documents of one rendering."""

import re
import tomllib

PLACES = {"StatefulSet": ("spec", "template"), "Deployment": ("spec", "template"), "Job": ("spec", "template"), "Pod": ()}


def pods_of(documents):
    """Name and pod template of everything that makes pods."""
    for document in documents:
        if document["kind"] in PLACES:
            pod = document
            for step in PLACES[document["kind"]]:
                pod = pod[step]
            yield f"{document['kind']} {document['metadata']['name']}", pod


def containers_of(pod):
    return [*pod["spec"].get("initContainers", []), *pod["spec"]["containers"]]


def of_kind(documents, kind):
    return [document for document in documents if document["kind"] == kind]


def controller(documents):
    return of_kind(documents, "StatefulSet")[0]


def drover_toml(documents):
    name = controller(documents)["metadata"]["name"]
    return next(doc for doc in of_kind(documents, "ConfigMap") if doc["metadata"]["name"] == name)["data"]["drover.toml"]


def selects(labels, pod):
    """An empty selector selects nothing here: it would select the neighbours too."""
    return bool(labels) and labels.items() <= pod["metadata"].get("labels", {}).items()


def ports_of(pod):
    return {port["name"]: port["containerPort"] for container in containers_of(pod) for port in container.get("ports", [])}


def nobody_is_root(documents):
    """nobody is root, nothing is writable, no capability is kept"""
    for name, pod in pods_of(documents):
        security = pod["spec"]["securityContext"]
        assert security["runAsNonRoot"] is True and security["runAsUser"] >= 10_000, name
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}, name
        for container in containers_of(pod):
            own = container["securityContext"]
            assert own["allowPrivilegeEscalation"] is False and own["readOnlyRootFilesystem"] is True, (name, container["name"])
            assert own["capabilities"] == {"drop": ["ALL"]}, (name, container["name"])
            assert own.get("runAsNonRoot", True) and own.get("runAsUser", 65532) != 0 and not own.get("privileged"), name
        assert not any(pod["spec"].get(key) for key in ("hostNetwork", "hostPID", "hostIPC")), name
        assert not any("hostPath" in volume for volume in pod["spec"].get("volumes", [])), name


def everything_is_bounded(documents):
    """every container has requests and limits, every image a version"""
    for name, pod in pods_of(documents):
        for container in containers_of(pod):
            for kind in ("requests", "limits"):
                assert {"cpu", "memory"} <= container["resources"][kind].keys(), (name, container["name"], kind)
            image = container["image"]
            tag = image.rsplit("/", 1)[-1].partition(":")[2]
            assert "@sha256:" in image or re.search(r"\d", tag), f"{name}: {image} may change under the same name"
        for volume in pod["spec"].get("volumes", []):
            assert "emptyDir" not in volume or volume["emptyDir"].get("sizeLimit"), (name, volume)


def probes_reach_a_port(documents):
    """the controller has its three probes, and each port that is named exists"""
    pod = controller(documents)["spec"]["template"]
    container = next(container for container in pod["spec"]["containers"] if container["name"] == "drover")
    paths = {name: container[name]["httpGet"]["path"] for name in ("startupProbe", "livenessProbe", "readinessProbe")}
    assert paths == {"startupProbe": "/healthz", "livenessProbe": "/healthz", "readinessProbe": "/readyz"}, paths
    scheme = "HTTPS" if "tls_cert" in tomllib.loads(drover_toml(documents))["http"] else "HTTP"
    for name in paths:
        assert container[name]["httpGet"]["scheme"] == scheme, name
    port = int(tomllib.loads(drover_toml(documents))["http"]["listen"].rpartition(":")[2])
    assert ports_of(pod)["http"] == port, "the pod's port isn't the one that drover listens on"
    for name, pod in pods_of(documents):
        for container in containers_of(pod):
            names = {port["name"] for port in container.get("ports", [])}
            for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
                wanted = container.get(probe, {}).get("httpGet", {}).get("port")
                assert wanted is None or wanted in names, f"{name}: {probe} asks port {wanted}"


def rolling_never_locks_up(documents):
    """a standby that is never ready blocks neither start, nor upgrade, nor drain"""
    spec = controller(documents)["spec"]
    assert spec["podManagementPolicy"] == "Parallel" and spec["updateStrategy"] == {"type": "OnDelete"}
    assert spec["template"]["spec"]["terminationGracePeriodSeconds"] >= 30
    for budget in of_kind(documents, "PodDisruptionBudget"):
        assert budget["spec"].get("minAvailable") == 0 and "maxUnavailable" not in budget["spec"], "a drain would wait for ever"
        assert selects(budget["spec"]["selector"]["matchLabels"], spec["template"])


def traffic_reaches_the_leader(documents):
    """Services, Ingress and monitors point at what exists"""
    services = {service["metadata"]["name"]: service for service in of_kind(documents, "Service")}
    pod = controller(documents)["spec"]["template"]
    assert controller(documents)["spec"]["serviceName"] in services
    for name, service in services.items():
        assert selects(service["spec"]["selector"], pod), f"Service {name} selects no controller"
        others = [other for other, template in pods_of(documents) if template is not pod and selects(service["spec"]["selector"], template)]
        assert not others, f"Service {name} selects {others} too"
        for port in service["spec"]["ports"]:
            assert port["targetPort"] in ports_of(pod), (name, port)
    front = [service for service in services.values() if service["spec"].get("clusterIP") != "None"]
    assert len(front) == 1 and not front[0]["spec"].get("publishNotReadyAddresses"), "a standby would get calls"
    for ingress in of_kind(documents, "Ingress"):
        for rule in ingress["spec"]["rules"]:
            for path in rule["http"]["paths"]:
                backend = path["backend"]["service"]
                assert backend["name"] == front[0]["metadata"]["name"], backend
                assert backend["port"]["name"] in {port["name"] for port in front[0]["spec"]["ports"]}, backend
    for monitor in of_kind(documents, "ServiceMonitor"):
        wanted = monitor["spec"]["selector"]["matchLabels"]
        found = [service for service in services.values() if wanted.items() <= service["metadata"]["labels"].items()]
        assert len(found) == 1 and found[0]["spec"].get("publishNotReadyAddresses"), "each pod must be scraped once, standbys too"
        assert monitor["spec"]["endpoints"][0]["port"] in {port["name"] for port in found[0]["spec"]["ports"]}
    backends = {doc["metadata"]["name"] for doc in of_kind(documents, "BackendConfig")}
    annotation = front[0]["metadata"].get("annotations", {}).get("cloud.google.com/backend-config")
    assert (annotation is None) == (not backends) and all(name in annotation for name in backends)


def labels_fit(documents):
    """every workload selects its own pods and nobody else's"""
    everyone = list(pods_of(documents))
    for document in documents:
        if document["kind"] in ("StatefulSet", "Deployment"):
            wanted = document["spec"]["selector"]["matchLabels"]
            found = [name for name, pod in everyone if selects(wanted, pod)]
            assert found == [f"{document['kind']} {document['metadata']['name']}"], found
    for name, pod in everyone:
        for key, value in pod["metadata"].get("labels", {}).items():
            assert re.fullmatch(r"([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?", value), (name, key, value)
    names = [(document["kind"], document["metadata"]["name"]) for document in documents]
    assert len(names) == len(set(names)), "two objects of one name"
    pod_names = max(len(name) for kind, name in names if kind in ("StatefulSet", "Job")) + len("-2") + len("-1234567890")
    assert pod_names <= 63, "the name leaves no room for number and revision"


def network_is_closed(documents):
    """NetworkPolicies cover every pod, and name whom they let through"""
    policies = of_kind(documents, "NetworkPolicy")
    if not policies:
        return
    for name, pod in pods_of(documents):
        if pod["metadata"]["labels"].get("app.kubernetes.io/component") == "test":
            continue
        own = [policy for policy in policies if selects(policy["spec"]["podSelector"].get("matchLabels"), pod)]
        assert len(own) == 1, f"{name} is selected by {len(own)} policies"
        assert sorted(own[0]["spec"]["policyTypes"]) == ["Egress", "Ingress"], name
    for policy in policies:
        where = policy["metadata"]["name"]
        for rule in policy["spec"].get("ingress", []):
            assert rule.get("from") and rule.get("ports"), f"{where} lets everybody in"
        for rule in policy["spec"].get("egress", []):
            assert rule.get("ports"), f"{where} lets everything out"
            assert rule.get("to") or where.endswith("-rollout"), f"{where} lets out to everywhere"
            assert rule.get("to", True), f"{where} has an empty list of peers, which means everywhere"


def secrets_stay_secret(documents):
    """no Secret is rendered, and no ConfigMap, variable or argument holds one"""
    assert not of_kind(documents, "Secret")
    texts = [text for document in of_kind(documents, "ConfigMap") for name, text in document.get("data", {}).items() if name != "rollout.sh"]
    for _, pod in pods_of(documents):
        for container in containers_of(pod):
            texts += [variable.get("value", "") for variable in container.get("env", [])]
            texts += container.get("args", []) + container.get("command", [])
    for text in texts:
        assert not re.search(r"[a-z]://[^/@\s\"]*:[^/@\s\"]*@", text), "a URL holds a password"
        assert not re.search(r"(?i)(password|secret|token)\s*=\s*\"", text), "a password by value"
        assert "PRIVATE KEY" not in text
    for _, pod in pods_of(documents):
        for volume in pod["spec"].get("volumes", []):
            if secret := volume.get("secret"):
                assert secret["defaultMode"] == 0o440, volume
                assert volume["name"] == "tls" or len(secret["items"]) == 1, f"{volume['name']} shows more than its key"


def volumes_fit(documents):
    """every mount has its volume, every volume is used, every ConfigMap of ours exists"""
    ours = {document["metadata"]["name"] for document in of_kind(documents, "ConfigMap")}
    release = controller(documents)["metadata"]["name"]
    for name, pod in pods_of(documents):
        volumes = {volume["name"]: volume for volume in pod["spec"].get("volumes", [])}
        assert len(volumes) == len(pod["spec"].get("volumes", [])), f"{name}: two volumes of one name"
        mounts = [mount for container in containers_of(pod) for mount in container.get("volumeMounts", [])]
        assert {mount["name"] for mount in mounts} == volumes.keys(), f"{name}: {volumes.keys()}"
        for container in containers_of(pod):
            paths = [mount["mountPath"] for mount in container.get("volumeMounts", [])]
            nested = [path for path in paths for other in paths if path != other and path.startswith(other + "/")]
            assert not nested and len(paths) == len(set(paths)), f"{name}: a mount within a read-only mount: {nested}"
        for volume in volumes.values():
            wanted = volume.get("configMap", {}).get("name", "")
            assert not wanted.startswith(release) or wanted in ours, f"{name}: no ConfigMap {wanted}"


def rights_are_few(documents):
    """only the rollout Job talks to Kubernetes, about this release's pods by name"""
    for name, pod in pods_of(documents):
        assert pod["spec"]["automountServiceAccountToken"] is name.startswith("Job "), name
        assert pod["spec"]["enableServiceLinks"] is False, name
    assert not of_kind(documents, "ClusterRole") and not of_kind(documents, "ClusterRoleBinding")
    workload = controller(documents)
    name, replicas = workload["metadata"]["name"], workload["spec"]["replicas"]
    for role in of_kind(documents, "Role"):
        for rule in role["rules"]:
            wanted = [name] if rule["resources"] == ["statefulsets"] else [f"{name}-{i}" for i in range(max(replicas, 1))]
            assert rule["resourceNames"] == wanted and "*" not in rule["verbs"] + rule["resources"], rule


def files_are_mounted(documents):
    """every file that drover.toml names is mounted"""
    pod = controller(documents)["spec"]["template"]
    container = pod["spec"]["containers"][0]
    mounts = [mount["mountPath"] + "/" for mount in container["volumeMounts"]]
    named = {path for path in re.findall(r"(/(?:etc|run)/[A-Za-z0-9._/-]+)", drover_toml(documents))}
    missing = [path for path in named if not any(path.startswith(mount) for mount in mounts)]
    volumes = {volume["name"]: volume for volume in pod["spec"]["volumes"]}
    for mount in container["volumeMounts"]:
        source = volumes[mount["name"]].get("secret") or volumes[mount["name"]].get("configMap") or {}
        for item in source.get("items", []):
            path = f"{mount['mountPath']}/{item['path']}"
            # PostgreSQL's certificate is named in the URL.
            assert path in named or "/ca/store/" in path, f"{path} is mounted and nobody reads it"
    assert named and not missing, f"not mounted: {missing}"
    assert container["args"][-1] == "/etc/drover/config/drover.toml"


CHECKS = [
    nobody_is_root,
    everything_is_bounded,
    probes_reach_a_port,
    rolling_never_locks_up,
    traffic_reaches_the_leader,
    labels_fit,
    network_is_closed,
    secrets_stay_secret,
    volumes_fit,
    rights_are_few,
]
