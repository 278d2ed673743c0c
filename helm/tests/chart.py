"""The chart: it lints, renders alike with every Helm, its objects are valid and fit together, bad values are refused."""

import functools
import json
import os
import pathlib
import re
import tempfile
import tomllib

import jsonschema
import kubernetes_validate
import yaml

import objects
from common import CHART, KUBERNETES, ROOT, VALUES, Skip, documents, helms, run, template, template_with, value_options

PLAIN = VALUES / "plain.yaml"
GCP = CHART / "values-gcp.yaml"
SITE = ROOT / "maps" / "sites" / "fresh-dc"

CASES = {
    "plain": [PLAIN],
    "full": [VALUES / "full.yaml"],
    "standby": [VALUES / "standby.yaml"],
    "parked": [VALUES / "parked.yaml"],
    "inline layout": [
        PLAIN,
        "--set layout.existingConfigMap=",
        f"--set-file layout.inline={SITE}/layout.lif.json",
        f"--set-file site.toml={SITE}/site.toml",
    ],
    "Google Cloud, Cloud SQL": [GCP, VALUES / "cloudsql.yaml"],
    "Google Cloud, Spanner": [GCP, VALUES / "spanner.yaml"],
}

# Kinds that Kubernetes' own schemas don't hold. Whatever else isn't found is a fault.
CUSTOM = {
    ("cloud.google.com/v1", "BackendConfig"),
    ("networking.gke.io/v1beta1", "FrontendConfig"),
    ("networking.gke.io/v1", "ManagedCertificate"),
    ("monitoring.coreos.com/v1", "ServiceMonitor"),
    ("monitoring.coreos.com/v1", "PrometheusRule"),
}

# Values that are refused, and what the message must name.
REFUSED = {
    "replicas as a word": ({"replicas": "one"}, "replicas"),
    "too many replicas": ({"replicas": 9}, "replicas"),
    "an unknown key": ({"replica": 2}, "replica"),
    "an unknown key within a section": ({"http": {"prot": 8080}}, "prot"),
    "an unknown key of drover.toml": ({"plan": {"windows_ms": 9000}}, "windows_ms"),
    "a port as a word": ({"http": {"port": "abc"}}, "http.port"),
    "a privileged port": ({"http": {"port": 80}}, "http.port"),
    "a site without a name": ({"site": {"id": ""}}, "site.id"),
    "a site's name with a space": ({"site": {"id": "fresh dc"}}, "site.id"),
    "a password in jobs.url": ({"jobs": {"url": "amqp://drover:hunter2@rabbit:5672"}}, "jobs.url"),
    "a password in mqtt.url": ({"mqtt": {"url": "mqtt://drover:hunter2@broker"}}, "mqtt.url"),
    "a password in store.url": ({"store": {"url": "postgres://drover:hunter2@db/drover", "urlSecret": {"name": ""}}}, "store.url"),
    "a password in store.url's query": ({"store": {"url": "postgres://db/drover?password=hunter2", "urlSecret": {"name": ""}}}, "store.url"),
    "a password in cache.url": ({"cache": {"url": "rediss://:hunter2@redis:6378"}}, "cache.url"),
    "both passwords inline": (
        {
            "jobs": {"url": "amqp://drover:hunter2@rabbit:5672", "urlSecret": {"name": ""}},
            "store": {"url": "postgres://drover:hunter2@db/drover", "urlSecret": {"name": ""}},
        },
        "jobs.url",
    ),
    "a URL and its Secret": ({"jobs": {"url": "amqp://rabbit:5672"}}, "jobs.urlSecret.name"),
    "a scheme that isn't spoken": ({"mqtt": {"url": "http://broker"}}, "mqtt.url"),
    "no jobs broker": ({"jobs": {"urlSecret": {"name": ""}}}, "jobs.url"),
    "no store": ({"store": {"urlSecret": {"name": ""}}}, "store.urlSecret.name"),
    "two stores": ({"store": {"url": "postgres://db/drover"}}, "store.url"),
    "Cloud SQL without a user": (
        {"store": {"urlSecret": {"name": ""}}, "gcp": {"cloudSql": {"instance": "p:r:i"}}}, "gcp.cloudSql.user",
    ),
    "Spanner without PGAdapter's image": (
        {"store": {"urlSecret": {"name": ""}}, "gcp": {"spanner": {"project": "p", "instance": "i"}}}, "gcp.spanner.image",
    ),
    "no layout": ({"layout": {"existingConfigMap": ""}}, "layout.existingClaim"),
    "two layouts": ({"layout": {"existingClaim": "claim"}}, "layout.existingClaim"),
    "a fetched layout without its sum": (
        {"layout": {"existingConfigMap": "", "url": "https://example.com/l.json"}}, "layout.sha256",
    ),
    "a layout fetched in the clear": ({"layout": {"existingConfigMap": "", "url": "http://example.com/l.json"}}, "layout.url"),
    "a layout that no ConfigMap holds": (
        {"layout": {"existingConfigMap": "", "inline": "x" * 900_001}}, "layout.inline",
    ),
    "a certificate from two places": ({"mqtt": {"ca": {"secret": "a", "configMap": "b"}}}, "mqtt.ca.secret"),
    "a password without a user": ({"mqtt": {"passwordSecret": {"name": "mqtt"}}}, "mqtt.username"),
    "a user in mqtt.url beside a password": (
        {"mqtt": {"url": "mqtt://drover@broker", "username": "drover", "passwordSecret": {"name": "mqtt"}}}, "mqtt.url",
    ),
    "a role that isn't one": ({"auth": {"anonymous": "root"}}, "auth.anonymous"),
    "an Ingress without a host": ({"ingress": {"enabled": True}}, "ingress.host"),
    "resources without limits": ({"resources": {"limits": None}}, "limits"),
    "an image that moves": ({"rollout": {"image": "alpine/k8s:latest"}}, "rollout.image"),
    "a digest that isn't one": ({"image": {"digest": "sha256:12"}}, "image.digest"),
    "a number as an annotation": ({"podAnnotations": {"a": 1}}, "podAnnotations"),
    "a window beyond its limit": ({"plan": {"window_ms": 999}}, "plan.window_ms"),
}


def tests():
    for version, helm in helms().items():
        for case, values in CASES.items():
            yield f"chart: {case}: {version} lints it", functools.partial(lints, helm, values)
        yield f"chart: a site that isn't named is told so by {version}", functools.partial(bare_values_ask_for_a_site, helm)
        for what, (values, key) in REFUSED.items():
            yield f"chart: {version} refuses {what}", functools.partial(refused, helm, values, key)
    for case, values in CASES.items():
        yield f"chart: {case}: every Helm renders the same", functools.partial(renders_alike, values)
        yield f"chart: {case}: Kubernetes {KUBERNETES} takes every object", functools.partial(valid, values)
        yield f"chart: {case}: drover.toml parses and holds known keys only", functools.partial(configuration, values)
        yield f"chart: {case}: every file that drover.toml names is mounted", functools.partial(objects_hold, values, objects.files_are_mounted)
        for check in objects.CHECKS:
            yield f"chart: {case}: {check.__doc__.strip().splitlines()[0]}", functools.partial(objects_hold, values, check)
        yield f"chart: {case}: drover itself knows every key", functools.partial(drover_check, values)
    yield "chart: the validator sees what is wrong", validator_bites
    yield "chart: values.schema.json is a schema, and the values files fit it", schema_is_one
    yield "chart: every value is documented, and snake_case names keys of drover.toml", values_are_documented
    yield "chart: another configuration, layout or revision makes new pods", changes_make_new_pods
    yield "chart: blue's Service finds green's leader", sites_share_a_service
    yield "chart: the copy of the alerts is fresh", alerts_are_fresh
    yield "chart: the alerts become a PrometheusRule", alerts_become_a_rule


def rendered(values):
    first = next(iter(helms().values()))
    result = template(first, values)
    assert result.returncode == 0, result.stderr
    return documents(result.stdout)


def lints(helm, values):
    result = run(helm, "lint", "--strict", CHART, *value_options(values))
    assert result.returncode == 0, result.stdout + result.stderr
    assert "[WARNING]" not in result.stdout and "[ERROR]" not in result.stdout, result.stdout


def bare_values_ask_for_a_site(helm):
    result = template(helm, [])
    assert result.returncode != 0 and "site.id is missing" in result.stderr, result.stderr


def refused(helm, values, key):
    result = template_with(helm, [PLAIN], values)
    assert result.returncode != 0, "it was rendered"
    # Newer Helms write the way to a key with slashes.
    assert key in result.stderr or key.replace(".", "/") in result.stderr, f"the message doesn't name {key}: {result.stderr}"
    assert "hunter2" not in result.stderr, f"the message shows the password: {result.stderr}"


def renders_alike(values):
    texts = {version: template(helm, values).stdout for version, helm in helms().items()}
    assert all(texts.values()), "nothing rendered"
    (first, wanted), *others = texts.items()
    for version, text in others:
        assert documents(text) == documents(wanted), f"{version} and {first} differ"


def fault_of(document):
    """What is wrong with an object; None = nothing. A kind that nobody knows is wrong, too."""
    kind = (document.get("apiVersion"), document.get("kind"))
    if not all(kind) or not document.get("metadata", {}).get("name"):
        return "apiVersion, kind or metadata.name is missing"
    if kind in CUSTOM:
        return None if document.get("spec") else f"{kind} without a spec"
    try:
        kubernetes_validate.validate(document, KUBERNETES, strict=True)
    except kubernetes_validate.SchemaNotFoundError:
        return f"Kubernetes {KUBERNETES} knows no {kind}"
    except kubernetes_validate.ValidationError as error:
        return f"{kind} {document['metadata']['name']}: {'.'.join(map(str, error.path))}: {error.message}"
    return None


def valid(values):
    faults = [fault for fault in map(fault_of, rendered(values)) if fault]
    assert not faults, "\n".join(faults)


def validator_bites():
    """The validator sees what is wrong."""
    def changed(path, value):
        document = next(doc for doc in rendered([PLAIN]) if doc["kind"] == "StatefulSet")
        *way, last = path
        functools.reduce(lambda part, step: part[step], way, document)[last] = value
        return document

    wrong = [
        changed(["spec", "replicas"], "one"),
        changed(["spec", "template", "spec", "containers", 0, "ports", 0, "containerPort"], "abc"),
        changed(["spec", "podManagmentPolicy"], "Parallel"),
        changed(["apiVersion"], "apps/v9"),
        changed(["kind"], "BackendConfig"),
    ]
    for document in wrong:
        assert fault_of(document), f"not seen: {document['apiVersion']} {document['kind']}"


def known_keys():
    """Section.key of everything the example of the configuration names."""
    section, keys = "", set()
    for line in (ROOT / "controller/server/drover.example.toml").read_text().splitlines():
        if heading := re.match(r"#?\s*\[([a-z_]+)\]", line):
            section = heading[1]
        elif key := re.match(r"(?:#\s*)?([a-z][a-z0-9_]*)\s*=", line):
            keys.add(f"{section}.{key[1]}")
    return keys


def configuration(values):
    text = objects.drover_toml(rendered(values))
    config = tomllib.loads(text)
    given = {f"{section}.{key}" for section, part in config.items() for key in part}
    unknown = given - known_keys()
    assert not unknown, f"drover doesn't know {sorted(unknown)}"
    assert {"site.id", "site.layout", "http.listen"} <= given, given
    inline = [key for key in given if re.search(r"password$|secret$|token$", key)]
    assert not inline, f"secrets by value: {inline}"


def objects_hold(values, check):
    check(rendered(values))


def drover_check(values):
    """Asks the program for its findings, with stand-ins for every file."""
    program = ROOT / "target/debug/drover"
    if not program.exists():
        raise Skip("target/debug/drover isn't built")
    reader = ROOT / "controller/server/src/config/reader.rs"
    if reader.exists() and program.stat().st_mtime < reader.stat().st_mtime:
        raise Skip("target/debug/drover is older than its source")
    text = objects.drover_toml(rendered(values))
    with tempfile.TemporaryDirectory() as folder:
        for path in sorted(set(re.findall(r'"(/(?:etc|run)/[^"]+)"', text))):
            stand_in = pathlib.Path(folder + path)
            stand_in.parent.mkdir(parents=True, exist_ok=True)
            stand_in.write_bytes(stand_in_for(path))
        text = re.sub(r'"(/(?:etc|run)/)', rf'"{folder}\1', text)
        file = pathlib.Path(folder) / "drover.toml"
        file.write_text(text)
        clean = {name: value for name, value in os.environ.items() if not name.startswith("DROVER_")}
        result = run("env", "-i", *(f"{name}={value}" for name, value in clean.items()), program, "check", "--config", file, "--json")
    rows = json.loads(result.stdout.splitlines()[-1])["rows"]
    problems = [row["detail"] for row in rows if row["what"] == "configuration" and not row["is_right"]]
    unknown = [text for text in problems if "isn't known" in text]
    assert not unknown, "\n".join(unknown)


def stand_in_for(path):
    if path.endswith(".lif.json"):
        return (SITE / "layout.lif.json").read_bytes()
    if path.endswith("site.toml"):
        return (SITE / "site.toml").read_bytes()
    urls = {"jobs": "amqp://127.0.0.1:9", "store": "postgres://127.0.0.1:9/none", "cache": "redis://127.0.0.1:9", "mqtt": "mqtt://127.0.0.1:9"}
    return urls.get(pathlib.Path(path).parent.name, "").encode()


def schema_is_one():
    schema = json.loads((CHART / "values.schema.json").read_text())
    jsonschema.Draft7Validator.check_schema(schema)
    defaults = yaml.safe_load((CHART / "values.yaml").read_text())
    for name in (None, "values-gcp.yaml"):
        values = merged(defaults, yaml.safe_load((CHART / name).read_text())) if name else defaults
        faults = [f"{'.'.join(map(str, error.path))}: {error.message}" for error in jsonschema.Draft7Validator(schema).iter_errors(values)]
        assert not faults, "\n".join(faults)
    loose = [path for path, part in parts_of(schema) if "properties" in part and part.get("additionalProperties") is not False]
    assert not loose, f"these take any key: {loose}"


def parts_of(schema, path=""):
    yield path, schema
    for name, part in {**schema.get("properties", {}), **schema.get("definitions", {})}.items():
        yield from parts_of(part, f"{path}.{name}")


def merged(below, above):
    if not (isinstance(below, dict) and isinstance(above, dict)):
        return above
    return {**below, **{key: merged(below.get(key), value) for key, value in above.items()}}


def values_are_documented():
    schema = json.loads((CHART / "values.schema.json").read_text())
    lines = (CHART / "values.yaml").read_text().splitlines()
    for name, part in schema["properties"].items():
        if name == "global":
            continue
        index = next((i for i, line in enumerate(lines) if line.startswith(f"{name}:")), None)
        assert index is not None, f"values.yaml has no {name}"
        end = next((i for i in range(index + 1, len(lines)) if re.match(r"[a-z#]", lines[i])), len(lines))
        block = "\n".join(lines[max(index - 2, 0):end])
        missing = [key for key in part.get("properties", {}) if not re.search(rf"\b{key}\b", block)]
        assert not missing, f"values.yaml doesn't name {name}.{missing}"
        snake = [key for key in part.get("properties", {}) if "_" in key and f"{name}.{key}" not in known_keys()]
        assert not snake, f"{name}.{snake}: snake_case is for keys of drover.toml"
    words = {"nodeSelector", "tolerations", "affinity", "priorityClassName", "podAnnotations", "podLabels", "resources"}
    for index, line in enumerate(lines):
        key = re.match(r"([a-zA-Z]+):", line)
        if key and key[1] not in words:
            assert "#" in line or "#" in lines[index - 1] or "#" in lines[index + 1], f"values.yaml, line {index + 1}: say what {key[1]} is"


def changes_make_new_pods():
    helm = next(iter(helms().values()))

    def template_of(extra):
        found = documents(template_with(helm, [PLAIN], extra).stdout)
        return next(doc for doc in found if doc["kind"] == "StatefulSet")["spec"]["template"]

    before = template_of({})
    for extra in ({"log": {"level": "debug"}}, {"site": {"toml": "# other"}}, {"revision": "2"}, {"image": {"tag": "0.2.0"}}):
        assert template_of(extra) != before, extra
    assert template_of({"service": {"port": 81}, "replicas": 1}) == before, "a Service or a size makes new pods"


def sites_share_a_service():
    blue, green = rendered(CASES["parked"]), rendered(CASES["standby"])
    service = next(doc for doc in blue if doc["kind"] == "Service" and doc["spec"].get("clusterIP") != "None")
    pod = next(doc for doc in green if doc["kind"] == "StatefulSet")["spec"]["template"]
    assert objects.selects(service["spec"]["selector"], pod), "blue's Service doesn't select green's pods"
    assert not [doc for doc in green if doc["kind"] == "PodDisruptionBudget"], "green's only pod could never be evicted"


def alerts_are_fresh():
    source, copy = ROOT / "deploy/prometheus/alerts.yaml", CHART / "files/alerts.yaml"
    if not source.exists():
        raise Skip("deploy/prometheus/alerts.yaml isn't there yet")
    assert copy.exists() and copy.read_bytes() == source.read_bytes(), "run helm/sync-alerts.sh"


def alerts_become_a_rule():
    helm, extra = next(iter(helms().values())), {"monitoring": {"prometheusRule": True}}
    result = template_with(helm, [PLAIN], extra)
    if not (CHART / "files/alerts.yaml").exists():
        assert result.returncode != 0 and "monitoring.prometheusRule" in result.stderr, result.stderr
        raise Skip("the chart has no files/alerts.yaml yet; it says so when the alerts are asked for")
    assert result.returncode == 0, result.stderr
    rule = next(doc for doc in documents(result.stdout) if doc["kind"] == "PrometheusRule")
    assert rule["spec"] == yaml.safe_load((CHART / "files/alerts.yaml").read_text()), "the rules were changed on the way"
